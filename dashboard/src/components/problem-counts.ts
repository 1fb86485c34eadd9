import type { ActionProblemCount, ProblemName } from "../api/types";
import { label } from "../format/labels";
import { formatNumber } from "../format/numbers";
import { strings } from "../strings";

export const PROBLEM_NAMES: readonly ProblemName[] = ["failed", "failing", "waiting", "suppressed"];
export const FAILURES: readonly ProblemName[] = ["failed", "failing"];
export const HELD_BACK: readonly ProblemName[] = ["waiting", "suppressed"];

export interface Count {
  value: number;
  /** formatted; "1,000+" if more were not counted */
  shown: string;
}

/** Add up the counts that match. */
export function sumCounts(
  counts: readonly ActionProblemCount[],
  matches: (count: ActionProblemCount) => boolean,
): Count {
  const matching = counts.filter(matches);
  const value = matching.reduce((sum, { count }) => sum + count, 0);
  const shown = formatNumber(value);
  return { value, shown: matching.some(({ more }) => more) ? strings.problems.atLeast(shown) : shown };
}

/** Return the label of a problem, which is the label of the action's status elsewhere. */
export function problemLabel(name: ProblemName): string {
  return name === "failing" ? strings.journey.failing : label("statuses", name);
}
