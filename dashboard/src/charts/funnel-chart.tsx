import { Funnel } from "@ant-design/plots";
import { base, type Ink } from "./ink";

export interface FunnelRow {
  name: string;
  customers: number;
  shown: string;
  /** of the step before, as it is shown; empty for the first */
  conversion: string;
}

/** A funnel from the first growth stage to the last, each step with its share and its conversion. */
export default function FunnelChart({ rows, ink, height }: { rows: FunnelRow[]; ink: Ink; height: number }) {
  return (
    <Funnel
      {...base(ink)}
      height={height}
      data={rows}
      xField="name"
      yField="customers"
      legend={false}
      tooltip={false}
      style={{ fill: ink.area, stroke: "transparent" }}
      scale={{ x: { padding: 0.12 } }}
      label={[
        {
          text: ({ name, shown, conversion }: FunnelRow) =>
            `${name}\n${shown}${conversion && `  ↓ ${conversion}`}`,
          position: "inside",
          fill: ink.text,
          fillOpacity: 1,
          fontSize: 12,
          textAlign: "center",
        },
      ]}
    />
  );
}
