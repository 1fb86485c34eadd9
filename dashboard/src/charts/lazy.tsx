import { replaceEqualDeep } from "@tanstack/react-query";
import { memo } from "react";
import { lazyComponent } from "../components/lazy-component";
import { TextSkeleton } from "../components/loading";

// The charts' library is large: it comes when the first chart is to be drawn, all of it in one piece.
const fallback = <TextSkeleton rows={6} />;
const flow = lazyComponent(() => import("./flow-chart"), fallback);
const funnel = lazyComponent(() => import("./funnel-chart"), fallback);
const lines = lazyComponent(() => import("./lines-chart"), fallback);

export const FlowDiagram = memo(flow, looksTheSame);
export const FunnelDiagram = memo(funnel, looksTheSame);
export const Lines = memo(lines, looksTheSame);

/** Figures are asked for every few seconds and are mostly what they were: then nothing is drawn again. */
function looksTheSame<Props>(before: Props, after: Props): boolean {
  return replaceEqualDeep(before, after) === before;
}

/** Begins to fetch the library, and what draws with it. */
export function preloadCharts(): void {
  for (const chart of [funnel, flow, lines]) chart.preload();
}
