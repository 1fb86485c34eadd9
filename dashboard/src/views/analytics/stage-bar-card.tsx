import { useStages } from "../../api/queries";
import { BarChart } from "../../charts/bar-chart";
import { ChartCard } from "../../charts/chart-card";
import { chartThemeFor } from "../../charts/chart-theme";
import { useStageStyle } from "../../components/stage-style";
import { formatDays } from "../../format/durations";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { useDark } from "../../theme";

interface Props {
  title: string;
  hint: string;
  column: string;
  values: Record<string, number>;
  formatValue: (value: number) => string;
}

export function TimeInStageCard({ times }: { times: Record<string, number> }) {
  const t = strings.analytics;
  return (
    <StageBarCard
      title={t.timeInStage}
      hint={t.timeInStageHint}
      column={t.columns.days}
      values={times}
      formatValue={formatDays}
    />
  );
}

export function DistributionCard({ distribution }: { distribution: Record<string, number> }) {
  const { distribution: title, distributionHint: hint, columns } = strings.analytics;
  return (
    <StageBarCard
      title={title}
      hint={hint}
      column={columns.customers}
      values={distribution}
      formatValue={formatNumber}
    />
  );
}

/** One bar per stage in the company's order; removed stages come last. */
function StageBarCard({ title, hint, column, values, formatValue }: Props) {
  const stageStyle = useStageStyle();
  const order = (useStages().data?.stages ?? []).map((stage) => stage.stage_key);
  const dark = useDark();
  const keys = [
    ...order.filter((key) => key in values),
    ...Object.keys(values).filter((key) => !order.includes(key)),
  ];
  const rows = keys.map((key) => ({
    key,
    name: stageStyle(key).name,
    value: values[key] ?? 0,
    label: formatValue(values[key] ?? 0),
  }));
  return (
    <ChartCard
      title={title}
      hint={hint}
      summary={rows.map((row) => `${row.name}: ${row.label}`).join("; ")}
      isEmpty={rows.every((row) => row.value === 0)}
      table={{
        columns: [strings.analytics.columns.stage, column],
        rows: rows.map((row) => ({ key: row.key, cells: [row.name, row.label] })),
      }}
      chart={<BarChart rows={rows} theme={chartThemeFor(dark)} />}
    />
  );
}
