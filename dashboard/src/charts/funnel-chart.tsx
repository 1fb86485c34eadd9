import { Funnel } from "@ant-design/plots";
import { baseOptions, type ChartTheme } from "./chart-theme";

export interface FunnelRow {
  name: string;
  customers: number;
  label: string;
  /** of the step before, as it is shown; empty for the first */
  conversion: string;
}

/** A funnel from the first growth stage to the last, each step with its share and its conversion. */
export default function FunnelChart({
  rows,
  theme,
  height,
}: {
  rows: FunnelRow[];
  theme: ChartTheme;
  height: number;
}) {
  return (
    <Funnel
      {...baseOptions(theme)}
      height={height}
      data={rows}
      xField="name"
      yField="customers"
      legend={false}
      tooltip={false}
      style={{ fill: theme.area, stroke: "transparent" }}
      scale={{ x: { padding: 0.12 } }}
      label={[
        {
          text: ({ name, label, conversion }: FunnelRow) =>
            `${name}\n${label}${conversion && `  ↓ ${conversion}`}`,
          position: "inside",
          fill: theme.text,
          fillOpacity: 1,
          fontSize: 12,
          textAlign: "center",
        },
      ]}
    />
  );
}
