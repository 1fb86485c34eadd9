import { Funnel } from "@ant-design/plots";
import { baseOptions, type ChartTheme } from "./chart-theme";

export interface FunnelRow {
  name: string;
  customers: number;
  label: string;
  /** formatted conversion rate from the previous step; empty for the first */
  conversion: string;
}

/** Funnel over the growth stages, with the share and the conversion rate of each step. */
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
