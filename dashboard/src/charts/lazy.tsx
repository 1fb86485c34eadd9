import { lazy } from "react";

/** The charts' library is large: it comes when the first chart is to be drawn, all of it in one piece. */
const bars = () => import("./bars-chart");

export const Bars = lazy(bars);
export const FlowDiagram = lazy(() => import("./flow-chart"));
export const FunnelDiagram = lazy(() => import("./funnel-chart"));
export const Lines = lazy(() => import("./lines-chart"));

/** Begin to load the library while the figures are still on their way. */
export function loadAhead(): void {
  // Where it fails, the first chart says so.
  bars().catch(() => undefined);
}
