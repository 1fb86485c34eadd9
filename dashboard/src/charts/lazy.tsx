import { lazily } from "../parts/lazily";
import { LinesToCome } from "../parts/loading";

// The charts' library is large: it comes when the first chart is to be drawn, all of it in one piece.
const meanwhile = <LinesToCome rows={6} />;
export const FlowDiagram = lazily(() => import("./flow-chart"), meanwhile);
export const FunnelDiagram = lazily(() => import("./funnel-chart"), meanwhile);
export const Lines = lazily(() => import("./lines-chart"), meanwhile);

/** Begins to fetch the library, and what draws with it. */
export function fetchChartsAhead(): void {
  for (const chart of [FlowDiagram, FunnelDiagram, Lines]) chart.fetchAhead();
}
