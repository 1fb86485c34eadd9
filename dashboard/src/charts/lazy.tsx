import { lazy } from "react";

/** The charts' library is large: it comes when the first chart is to be drawn, all of it in one piece. */
export const Bars = lazy(() => import("./bars-chart"));
export const FlowDiagram = lazy(() => import("./flow-chart"));
export const FunnelDiagram = lazy(() => import("./funnel-chart"));
export const Lines = lazy(() => import("./lines-chart"));
