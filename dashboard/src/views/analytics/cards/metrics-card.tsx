import { Select } from "antd";
import { useCallback, useState } from "react";
import { dailyParams, daysBefore, useFigure } from "../../../api/analytics";
import { useStages } from "../../../api/queries";
import type { StageMetric } from "../../../api/types";
import { ChartCard } from "../../../charts/chart-card";
import { chartThemeFor } from "../../../charts/chart-theme";
import { LineChart } from "../../../charts/lazy-charts";
import { useStageStyle } from "../../../components/stage-style";
import { formatCalendarDate } from "../../../format/dates";
import { formatCompactMoney, formatMoney, formatNumber, formatPercent } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";
import { useDark } from "../../../theme";
import type { AnalyticsCard, CardProps } from "../card";

export const card: AnalyticsCard = { order: 50, isBelowFold: true, Card: MetricsCard };

type Metric = keyof typeof strings.analytics.metricNames;
const METRICS = Object.keys(strings.analytics.metricNames) as Metric[];

/** Daily values of one metric, one line per stage. */
function MetricsCard({ filter }: CardProps) {
  const [metric, setMetric] = useState<Metric>("customer_count");
  const query = useFigure("/v1/portal/analytics/stage-metrics", dailyParams(filter));
  const stageStyle = useStageStyle();
  const order = (useStages().data?.stages ?? []).map((stage) => stage.stage_key);
  const dark = useDark();
  const currency = useCurrency();
  const t = strings.analytics;
  const rows = trimEmptyStart(query.data?.stage_metrics ?? []);
  // Stages without any value have no line.
  const stages = order.filter((key) => rows.some((row) => row.stage === key));
  const formatAxisLabel = useCallback(
    (value: number) => formatMetric(metric, value, currency, formatCompactMoney),
    [metric, currency],
  );
  const formatValue = (value: number) => formatMetric(metric, value, currency, formatMoney);
  const days = [...new Set(rows.map((row) => row.metric_date))];
  const rowsByDayAndStage = new Map(rows.map((row) => [`${row.metric_date} ${row.stage}`, row]));
  const last = days.at(-1);
  return (
    <ChartCard
      className="wide"
      title={t.metrics}
      hint={t.metricsHint}
      summary={stages
        .map(
          (key) =>
            `${stageStyle(key).name}: ${formatCell(rowsByDayAndStage.get(`${last} ${key}`), metric, formatValue)}`,
        )
        .join("; ")}
      query={query}
      isEmpty={rows.every((row) => !row[metric])}
      extra={
        <Select<Metric>
          aria-label={t.metric}
          className="metric"
          value={metric}
          onChange={setMetric}
          options={METRICS.map((value) => ({ value, label: t.metricNames[value] }))}
        />
      }
      table={{
        columns: [t.columns.day, ...stages.map((key) => stageStyle(key).name)],
        rows: days.toReversed().map((date) => ({
          key: date,
          cells: [
            formatCalendarDate(date),
            ...stages.map((key) => formatCell(rowsByDayAndStage.get(`${date} ${key}`), metric, formatValue)),
          ],
        })),
      }}
      chart={
        <LineChart
          points={rows.map((row) => ({
            day: row.metric_date,
            series: stageStyle(row.stage).name,
            value: row[metric],
          }))}
          series={stages.map((key) => ({ name: stageStyle(key).name, colour: stageStyle(key).colour }))}
          format={formatAxisLabel}
          theme={chartThemeFor(dark)}
        />
      }
    />
  );
}

/** Drop the days before the first customer, except the last of them. */
function trimEmptyStart(rows: StageMetric[]): StageMetric[] {
  const first = rows.find((row) => row.customer_count > 0)?.metric_date;
  return first === undefined ? rows : rows.filter((row) => row.metric_date >= daysBefore(first, 1));
}

function formatMetric(metric: Metric, value: number, currency: string, amount: typeof formatMoney): string {
  if (metric === "revenue") return amount(value, currency);
  return metric === "conversion_rate" ? formatPercent(value) : formatNumber(value);
}

function formatCell(
  row: StageMetric | undefined,
  metric: Metric,
  formatValue: (value: number) => string,
): string {
  const value = row?.[metric];
  return value === null || value === undefined ? strings.common.none : formatValue(value);
}
