import { Column } from "@ant-design/plots";
import { axisOptions, baseOptions, type ChartTheme } from "./chart-theme";

export interface ColumnRow {
  key: string;
  /** short name on the axis */
  name: string;
  /** full name in the tooltip */
  title: string;
  value: number;
  /** formatted value */
  label: string;
}

interface Props {
  rows: ColumnRow[];
  format: (value: number) => string;
  theme: ChartTheme;
}

/** Vertical bars over time. */
export default function ColumnChart({ rows, format, theme }: Props) {
  const names = new Map(rows.map(({ key, name }) => [key, name]));
  return (
    <Column
      {...baseOptions(theme)}
      height={300}
      data={rows}
      xField="key"
      yField="value"
      style={{ fill: theme.bar, maxWidth: 48 }}
      scale={{ y: { nice: true } }}
      axis={{
        x: axisOptions(theme, {
          labelFormatter: (key: string) => names.get(key) ?? key,
          labelAutoRotate: false,
          labelAutoHide: true,
          grid: false,
        }),
        y: axisOptions(theme, { labelFormatter: (value: number) => format(value) }),
      }}
      tooltip={{
        title: (row: ColumnRow) => row.title,
        items: [(row: ColumnRow) => ({ name: "", value: row.label })],
      }}
    />
  );
}
