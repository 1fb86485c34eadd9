import { useStages } from "../../api/queries";
import { BarChart } from "../../charts/bar-chart";
import { ChartCard } from "../../charts/chart-card";
import { useStageStyle } from "../../components/stage-style";
import { strings } from "../../strings";

interface Props {
  title: string;
  hint: string;
  column: string;
  values: Record<string, number>;
  formatValue: (value: number) => string;
}

/** One bar per stage in the company's order; removed stages come last. */
export function StageBarCard({ title, hint, column, values, formatValue }: Props) {
  const stageStyle = useStageStyle();
  const order = (useStages().data?.stages ?? []).map((stage) => stage.stage_key);
  const keys = [
    ...order.filter((key) => key in values),
    ...Object.keys(values).filter((key) => !order.includes(key)),
  ];
  const rows = keys.map((key) => ({
    key,
    name: stageStyle(key).name,
    colour: stageStyle(key).colour,
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
      chart={<BarChart rows={rows} />}
    />
  );
}
