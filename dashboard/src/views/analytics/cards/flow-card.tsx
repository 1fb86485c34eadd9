import { useCallback, useMemo } from "react";
import { useNavigate } from "react-router";
import { periodParams, useFigure } from "../../../api/analytics";
import type { SankeyData } from "../../../api/types";
import { ChartCard } from "../../../charts/chart-card";
import { chartThemeFor } from "../../../charts/chart-theme";
import { FlowChart } from "../../../charts/lazy-charts";
import { toStageFlow } from "../../../charts/stage-flow";
import { useStageStyle } from "../../../components/stage-style";
import { formatNumber } from "../../../format/numbers";
import { strings } from "../../../strings";
import { useDark, useNarrow } from "../../../theme";
import type { AnalyticsCard, CardProps } from "../card";

export const card: AnalyticsCard = { order: 40, isBelowFold: true, Card: FlowCard };

const EMPTY_SANKEY: SankeyData = { nodes: [], links: [] };

/** Stage flow of the period (Sankey). */
function FlowCard({ filter }: CardProps) {
  const query = useFigure("/v1/portal/analytics/sankey", periodParams(filter));
  const stageStyle = useStageStyle();
  const navigate = useNavigate();
  const showCustomers = useCallback(
    (stage: string) => void navigate(`/customers?${new URLSearchParams({ stage })}`),
    [navigate],
  );
  const dark = useDark();
  const narrow = useNarrow();
  const data = query.data ?? EMPTY_SANKEY;
  const flow = useMemo(
    () =>
      toStageFlow(
        data,
        (stage) => stageStyle(stage).name,
        (stage) => stageStyle(stage).colour,
      ),
    [data, stageStyle],
  );
  const t = strings.analytics;
  const steps = new Map(flow.nodes.map((node) => [node.key, node.step]));
  return (
    <ChartCard
      className="wide"
      title={t.flow}
      hint={t.flowHint}
      summary={flow.links.map((link) => `${link.from} → ${link.to}: ${formatNumber(link.value)}`).join("; ")}
      query={query}
      isEmpty={flow.links.length === 0}
      table={{
        columns: [t.columns.from, t.columns.to, t.columns.step, t.columns.count],
        rows: flow.links.map((link) => ({
          key: `${link.source} ${link.target}`,
          cells: [link.from, link.to, formatNumber(steps.get(link.target) ?? 0), formatNumber(link.value)],
        })),
      }}
      chart={
        <FlowChart flow={flow} theme={chartThemeFor(dark)} narrow={narrow} onStageClick={showCustomers} />
      }
    />
  );
}
