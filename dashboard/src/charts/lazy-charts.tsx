import { replaceEqualDeep } from "@tanstack/react-query";
import { memo } from "react";
import { lazyComponent } from "../components/lazy-component";
import { TextSkeleton } from "../components/loading";

// The charts' library is large: it comes when the first chart is to be drawn, all of it in one piece.
const fallback = <TextSkeleton rows={6} />;
const LazyFlowChart = lazyComponent(() => import("./flow-chart"), fallback);
const LazyFunnelChart = lazyComponent(() => import("./funnel-chart"), fallback);
const LazyLineChart = lazyComponent(() => import("./line-chart"), fallback);

export const FlowChart = memo(LazyFlowChart, propsAreEqual);
export const FunnelChart = memo(LazyFunnelChart, propsAreEqual);
export const LineChart = memo(LazyLineChart, propsAreEqual);

/** Figures are asked for every few seconds and are mostly what they were: then nothing is drawn again. */
function propsAreEqual<Props>(before: Props, after: Props): boolean {
  return replaceEqualDeep(before, after) === before;
}

/** Begins to fetch the library, and what draws with it. */
export function preloadCharts(): void {
  for (const chart of [LazyFunnelChart, LazyFlowChart, LazyLineChart]) chart.preload();
}
