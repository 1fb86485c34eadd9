import { Select } from "antd";
import { useCallback, useState } from "react";
import { type AnalyticsQuery, daysBefore, useStageMetrics } from "../../api/analytics";
import { useStages } from "../../api/queries";
import type { StageMetric } from "../../api/shapes-of-work";
import { ChartCard } from "../../charts/chart-card";
import { chartThemeFor } from "../../charts/chart-theme";
import { LineChart } from "../../charts/lazy-charts";
import { ErrorAlert } from "../../components/error-alert";
import { Panel } from "../../components/panel";
import { useStageStyle } from "../../components/stage-style";
import { formatCalendarDate } from "../../format/dates";
import { formatCompactMoney, formatMoney, formatNumber, formatPercent } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";
import { useDark } from "../../theme";

type Metric = keyof typeof strings.analytics.metricNames;
const METRICS = Object.keys(strings.analytics.metricNames) as Metric[];

/** One figure of every stage, day by day. */
export function MetricsCard({ view }: { view: AnalyticsQuery }) {
  const [metric, setMetric] = useState<Metric>("customer_count");
  const query = useStageMetrics(view);
  const stageStyle = useStageStyle();
  const order = (useStages().data?.stages ?? []).map((stage) => stage.stage_key);
  const dark = useDark();
  const currency = useCurrency();
  const said = strings.analytics;
  const rows = sinceSomething(query.data?.stage_metrics ?? []);
  // A stage that never has the figure has no line; the colours go by the stage all the same.
  const stages = order.filter((key) => rows.some((row) => row.stage === key));
  const label = useCallback(
    (value: number) => shownAs(metric, value, currency, formatCompactMoney),
    [metric, currency],
  );
  const show = (value: number) => shownAs(metric, value, currency, formatMoney);
  const days = [...new Set(rows.map((row) => row.metric_date))];
  const by = new Map(rows.map((row) => [`${row.metric_date} ${row.stage}`, row]));
  const last = days.at(-1);
  if (query.isError && query.data === undefined) {
    return (
      <Panel title={said.metrics} className="wide">
        <ErrorAlert error={query.error} retry={() => void query.refetch()} />
      </Panel>
    );
  }
  return (
    <ChartCard
      className="wide"
      title={said.metrics}
      hint={said.metricsHint}
      summary={stages
        .map((key) => `${stageStyle(key).name}: ${cell(by.get(`${last} ${key}`), metric, show)}`)
        .join("; ")}
      isEmpty={query.data !== undefined && rows.every((row) => !row[metric])}
      isLoading={query.isPending}
      extra={
        <Select<Metric>
          aria-label={said.metric}
          className="metric"
          value={metric}
          onChange={setMetric}
          options={METRICS.map((value) => ({ value, label: said.metricNames[value] }))}
        />
      }
      table={{
        columns: [said.columns.day, ...stages.map((key) => stageStyle(key).name)],
        rows: days.toReversed().map((date) => ({
          key: date,
          cells: [
            formatCalendarDate(date),
            ...stages.map((key) => cell(by.get(`${date} ${key}`), metric, show)),
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
          series={stages.map((key) => stageStyle(key).name)}
          format={label}
          theme={chartThemeFor(dark)}
        />
      }
    />
  );
}

/** Without the days before the first customer, but for the one before. */
function sinceSomething(rows: StageMetric[]): StageMetric[] {
  const first = rows.find((row) => row.customer_count > 0)?.metric_date;
  return first === undefined ? rows : rows.filter((row) => row.metric_date >= daysBefore(first, 1));
}

function shownAs(metric: Metric, value: number, currency: string, amount: typeof formatMoney): string {
  if (metric === "revenue") return amount(value, currency);
  return metric === "conversion_rate" ? formatPercent(value) : formatNumber(value);
}

function cell(row: StageMetric | undefined, metric: Metric, show: (value: number) => string): string {
  const value = row?.[metric];
  return value === null || value === undefined ? strings.common.none : show(value);
}
