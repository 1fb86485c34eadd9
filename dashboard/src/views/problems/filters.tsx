import { Segmented, Select } from "antd";
import type { ActionProblemCount, ProblemName } from "../../api/types";
import { PROBLEM_NAMES, problemLabel, sumCounts } from "../../components/problem-counts";
import { label } from "../../format/labels";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import type { ProblemSearch } from "./problem-search";

interface Props {
  search: ProblemSearch;
  change(search: Partial<ProblemSearch>): void;
  counts: readonly ActionProblemCount[];
}

/** Filters by problem and by action, each option with its number of actions. */
export function Filters({ search, change, counts }: Props) {
  const t = strings.problems;
  const narrow = useNarrow();
  const problems = [
    { value: "" as const, label: t.withCount(t.all, countOf(counts, null, search.action)) },
    ...PROBLEM_NAMES.map((name) => ({
      value: name,
      label: t.withCount(problemLabel(name), countOf(counts, name, search.action)),
    })),
  ];
  // An action in the URL that has no problems any more stays selectable, so that the filter is seen.
  const actions = new Set([...counts.map(({ action }) => action), ...(search.action ? [search.action] : [])]);
  const actionOptions = [...actions]
    .map((action) => ({
      value: action,
      label: t.withCount(label("actions", action), countOf(counts, search.problem, action)),
    }))
    .sort((one, other) => one.label.localeCompare(other.label));
  const shared = {
    value: search.problem ?? ("" as const),
    options: problems,
    "aria-label": t.problem,
    onChange: (value: ProblemName | "") => change({ problem: value === "" ? null : value }),
  };
  return (
    <search className="filters problem-filters">
      {narrow ? <Select<ProblemName | ""> {...shared} /> : <Segmented<ProblemName | ""> {...shared} />}
      <Select
        aria-label={t.action}
        value={search.action ?? ""}
        onChange={(action) => change({ action: action === "" ? null : action })}
        options={[{ value: "", label: t.anyAction }, ...actionOptions]}
      />
    </search>
  );
}

function countOf(
  counts: readonly ActionProblemCount[],
  problem: ProblemName | null,
  action: string | null,
): string {
  return sumCounts(
    counts,
    (count) =>
      (problem === null || count.problem === problem) && (action === null || count.action === action),
  ).shown;
}
