/** Readable text colours on arbitrary backgrounds, by WCAG 2 relative luminance and contrast ratio. */

// Only with pure black and white does one of the two always reach 4.5 : 1.
const DARK = "#000000";
const LIGHT = "#ffffff";

/** Return the relative luminance (0 to 1) of a colour `#rrggbb`. */
export function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) =>
    channel(Number.parseInt(colour.slice(at, at + 2), 16) / 255),
  );
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

/** Return the contrast ratio (1 to 21) of two colours. */
export function contrast(one: string, other: string): number {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (lighter + 0.05) / (darker + 0.05);
}

/** Return black or white, whichever has at least 4.5 : 1 on `background`. */
export function readableTextColour(background: string): string {
  return contrast(background, DARK) >= contrast(background, LIGHT) ? DARK : LIGHT;
}

function channel(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
