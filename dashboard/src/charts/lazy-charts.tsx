import { replaceEqualDeep } from "@tanstack/react-query";
import { memo } from "react";
import { lazyComponent } from "../components/lazy-component";
import { TextSkeleton } from "../components/loading";

// The chart library is large: it is one chunk, loaded with the first chart.
const fallback = <TextSkeleton rows={6} />;
const LazyColumnChart = lazyComponent(() => import("./column-chart"), fallback);
const LazyFlowChart = lazyComponent(() => import("./flow-chart"), fallback);
const LazyFunnelChart = lazyComponent(() => import("./funnel-chart"), fallback);
const LazyLineChart = lazyComponent(() => import("./line-chart"), fallback);

export const ColumnChart = memo(LazyColumnChart, propsAreEqual);
export const FlowChart = memo(LazyFlowChart, propsAreEqual);
export const FunnelChart = memo(LazyFunnelChart, propsAreEqual);
export const LineChart = memo(LazyLineChart, propsAreEqual);

/** Compare props deeply: data is refetched every few seconds and rarely differs, so most redraws can be skipped. */
function propsAreEqual<Props>(before: Props, after: Props): boolean {
  return replaceEqualDeep(before, after) === before;
}

/** Start loading the chart library and all charts. */
export function preloadCharts(): void {
  for (const chart of [LazyFunnelChart, LazyColumnChart, LazyFlowChart, LazyLineChart]) chart.preload();
}
