/** Colours that all charts share, for the light and the dark theme. */
export interface ChartTheme {
  dark: boolean;
  text: string;
  secondaryText: string;
  gridLine: string;
  bar: string;
  /** large areas with text on top */
  area: string;
  /** colour of the page behind the chart */
  background: string;
}

export function chartThemeFor(dark: boolean): ChartTheme {
  return dark
    ? {
        dark,
        text: "#e8efee",
        secondaryText: "#b9c5c3",
        gridLine: "#33403e",
        bar: "#3aa79b",
        area: "#1f5e57",
        background: "#141c1b",
      }
    : {
        dark,
        text: "#14201f",
        secondaryText: "#44514f",
        gridLine: "#dfe6e5",
        bar: "#1b8479",
        area: "#a9dcd4",
        background: "#ffffff",
      };
}

/** Options of every chart: fits its container, no animation, transparent background. */
export function baseOptions(theme: ChartTheme) {
  return {
    autoFit: true,
    animate: false as const,
    theme: { type: theme.dark ? "classicDark" : "classic", view: { viewFill: "transparent" } },
  };
}

/** Axis options in a chart theme. */
export function axisOptions(theme: ChartTheme, more: Record<string, unknown> = {}) {
  return {
    title: false,
    labelFill: theme.secondaryText,
    labelOpacity: 1,
    labelFillOpacity: 1,
    labelFontSize: 12,
    gridStroke: theme.gridLine,
    gridStrokeOpacity: 1,
    gridLineDash: [0, 0],
    tick: false,
    ...more,
  };
}
