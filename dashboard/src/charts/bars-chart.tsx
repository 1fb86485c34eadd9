import { Bar } from "@ant-design/plots";
import { axis, base, type Ink } from "./ink";

export interface BarRow {
  name: string;
  value: number;
  /** the value as it is shown */
  shown: string;
}

/** One bar a row, the names on the left, the values at their ends. */
export default function BarsChart({ rows, ink }: { rows: BarRow[]; ink: Ink }) {
  return (
    <Bar
      {...base(ink)}
      height={rows.length * 40 + 16}
      data={rows}
      xField="name"
      yField="value"
      style={{ fill: ink.bar, radiusTopRight: 4, radiusTopLeft: 4, maxWidth: 22 }}
      axis={{ x: axis(ink, { labelFill: ink.text }), y: false }}
      scale={{ y: { domainMin: 0, domainMax: Math.max(1, ...rows.map((row) => row.value)) * 1.5 } }}
      label={{
        text: "shown",
        position: "right",
        dx: 6,
        textAlign: "start",
        fill: ink.text,
        fillOpacity: 1,
        fontSize: 12,
      }}
      tooltip={false}
      legend={false}
    />
  );
}
