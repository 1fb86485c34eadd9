import { Line } from "@ant-design/plots";
import { formatShortDate } from "../format/dates";
import { axisOptions, baseOptions, type ChartTheme } from "./chart-theme";
import { dashOf } from "./palette";

export interface Point {
  /** date, `2026-11-25` */
  day: string;
  series: string;
  value: number | null;
}

interface Props {
  points: Point[];
  /** series in order */
  series: { name: string; colour: string }[];
  format: (value: number) => string;
  theme: ChartTheme;
}

/** One line per series over days; unknown values leave gaps. */
export default function LineChart({ points, series, format, theme }: Props) {
  const names = series.map(({ name }) => name);
  return (
    <Line
      {...baseOptions(theme)}
      height={340}
      data={points}
      xField={(point: Point) => new Date(point.day)}
      yField="value"
      colorField="series"
      scale={{
        x: { type: "time", utc: true, tickCount: 6 },
        y: { nice: true, domainMin: 0 },
        color: { domain: names, range: series.map(({ colour }) => colour) },
      }}
      style={{
        lineWidth: 2,
        lineDash: ([first]: Point[]) => [...dashOf(Math.max(0, names.indexOf(first?.series ?? "")))],
      }}
      connectNulls={false}
      axis={{
        x: axisOptions(theme, {
          labelFormatter: (date: Date) => formatShortDate(date.toISOString()),
          labelAutoRotate: false,
          grid: false,
        }),
        y: axisOptions(theme, { labelFormatter: (value: number) => format(value) }),
      }}
      legend={{
        color: { position: "top", itemLabelFill: theme.text, itemLabelFillOpacity: 1, itemLabelFontSize: 12 },
      }}
      tooltip={{
        title: (point: Point) => formatShortDate(point.day),
        items: [
          (point: Point) => ({ name: point.series, value: point.value === null ? "–" : format(point.value) }),
        ],
      }}
    />
  );
}
