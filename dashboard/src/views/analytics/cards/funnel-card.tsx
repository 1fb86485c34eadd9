import { Segmented } from "antd";
import { useState } from "react";
import { periodParams, useFigure } from "../../../api/analytics";
import { ChartCard } from "../../../charts/chart-card";
import { chartThemeFor } from "../../../charts/chart-theme";
import { FunnelChart } from "../../../charts/lazy-charts";
import { useStageStyle } from "../../../components/stage-style";
import { formatCalendarRange } from "../../../format/dates";
import { formatNumber, formatPercent } from "../../../format/numbers";
import { strings } from "../../../strings";
import { useDark, useMedia } from "../../../theme";
import type { AnalyticsCard, CardProps } from "../card";

export const card: AnalyticsCard = { order: 10, Card: FunnelCard };

type Counted = "new" | "all";

/** Funnel of the customers who are new in the period, or of all. */
function FunnelCard({ figures, filter }: CardProps) {
  const [chosen, setCounted] = useState<Counted>("new");
  // Every customer is new in the period "all".
  const counted = filter.period === "all" ? "all" : chosen;
  const query = useFigure(
    "/v1/portal/analytics/funnel",
    periodParams({ ...filter, period: "all" }),
    counted === "all" && filter.period !== "all",
  );
  const isOwn = counted === "all" && filter.period !== "all";
  const steps = (isOwn ? query.data?.funnel_data : figures.funnel_data) ?? [];
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
  const days = figures.period_from && formatCalendarRange(figures.period_from, figures.as_of.slice(0, 10));
  return (
    <ChartCard
      className="tall"
      title={t.funnel}
      hint={counted === "new" && days ? t.funnelOfNew(days) : t.funnelOfAll}
      summary={rows.map((row) => `${row.name}: ${row.label}`).join("; ")}
      {...(isOwn ? { query } : {})}
      isEmpty={(steps[0]?.customers ?? 0) === 0}
      extra={
        filter.period !== "all" && (
          <Segmented<Counted>
            aria-label={t.funnelCounts}
            value={counted}
            onChange={setCounted}
            options={[
              { value: "new", label: t.funnelNew },
              { value: "all", label: t.funnelAll },
            ]}
          />
        )
      }
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
