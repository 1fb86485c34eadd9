/**
 * Series colours that are distinguishable with any colour vision (Okabe and Ito), lightened for dark mode. Stage colours
 * are not used, because a company may choose similar ones.
 */
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#b0518c", "#4b3a9e", "#8c6d00", "#3a97d1", "#1c1c1c"];
const DARK = ["#56b4e9", "#ff8f4a", "#2fd0a0", "#e79ac4", "#b3a6ff", "#f0c04a", "#a8dcff", "#f2f2f2"];
/** The number of series with solid lines: further ones are also distinguished by dashes. */
const PLAIN = 4;
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3]];

export interface SeriesStyle {
  colour: string;
  dash: readonly number[];
}

/** Return the style of the nth series. */
export function seriesStyle(index: number, dark: boolean): SeriesStyle {
  const colours = dark ? DARK : LIGHT;
  const dash = DASHES[Math.floor(index / PLAIN) % DASHES.length] ?? [];
  return { colour: colours[index % colours.length] ?? "#888888", dash };
}
