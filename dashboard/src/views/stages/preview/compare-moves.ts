import type { PreviewMove } from "../../../api/types";

interface Compared {
  from: string | null;
  to: string;
  old: number;
  changed: number;
}

/** Put the moves under both rules next to each other, those with the largest difference first. */
export function compareMoves(old: readonly PreviewMove[], changed: readonly PreviewMove[]): Compared[] {
  const moves = new Map<string, Compared>();
  for (const [side, list] of [["old", old] as const, ["changed", changed] as const])
    for (const { from, to, count } of list) {
      const key = `${from} ${to}`;
      const move = moves.get(key) ?? { from, to, old: 0, changed: 0 };
      moves.set(key, { ...move, [side]: count });
    }
  const difference = (move: Compared) => Math.abs(move.changed - move.old);
  return [...moves.values()].sort((one, other) => difference(other) - difference(one) || other.old - one.old);
}
