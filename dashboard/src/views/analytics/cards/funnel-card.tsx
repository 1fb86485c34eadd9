import { ChartCard } from "../../../charts/chart-card";
import { chartThemeFor } from "../../../charts/chart-theme";
import { FunnelChart } from "../../../charts/lazy-charts";
import { useStageStyle } from "../../../components/stage-style";
import { formatNumber, formatPercent } from "../../../format/numbers";
import { strings } from "../../../strings";
import { useDark, useMedia } from "../../../theme";
import type { AnalyticsCard, CardProps } from "../card";

export const card: AnalyticsCard = { order: 10, Card: FunnelCard };

function FunnelCard({ figures }: CardProps) {
  const steps = figures.funnel_data;
  const stageStyle = useStageStyle();
  const dark = useDark();
  // In two columns the funnel is as tall as the two cards next to it.
  const isSingleColumn = useMedia("(max-width: 1099px)");
  const t = strings.analytics;
  const rows = steps.map((step, index) => ({
    name: stageStyle(step.stage).name,
    customers: step.customers,
    label: t.funnelStep(formatNumber(step.customers), formatPercent(step.percentage)),
    conversion: index === 0 ? "" : formatPercent(step.conversionRate),
  }));
  return (
    <ChartCard
      className="tall"
      title={t.funnel}
      hint={t.funnelHint}
      summary={rows.map((row) => `${row.name}: ${row.label}`).join("; ")}
      isEmpty={(steps[0]?.customers ?? 0) === 0}
      table={{
        columns: [t.columns.stage, t.columns.customers, t.columns.share, t.columns.conversion],
        rows: steps.map((step, index) => ({
          key: step.stage,
          cells: [
            stageStyle(step.stage).name,
            formatNumber(step.customers),
            formatPercent(step.percentage),
            index === 0 ? strings.common.none : formatPercent(step.conversionRate),
          ],
        })),
      }}
      chart={<FunnelChart rows={rows} theme={chartThemeFor(dark)} height={isSingleColumn ? 360 : 600} />}
    />
  );
}
