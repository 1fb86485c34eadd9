/**
 * Dashes of lines in a chart. Lines have the colours of their stages, as tags have. A company may choose similar ones, so
 * neighbouring lines also differ by their dashes.
 */
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3]];

/** Return the dashes of the nth line; empty for a solid line. */
export function dashOf(index: number): readonly number[] {
  return DASHES[index % DASHES.length] ?? [];
}
