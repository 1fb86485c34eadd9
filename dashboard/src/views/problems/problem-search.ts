import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { ProblemQuery } from "../../api/action-problems";
import type { ProblemName } from "../../api/types";
import { PROBLEM_NAMES } from "../../components/problem-counts";

export interface ProblemSearch {
  problem: ProblemName | null;
  /** name of an action without its step */
  action: string | null;
}

/** The filter of the list, kept in the URL. */
export function useProblemSearch() {
  const [params, setParams] = useSearchParams();
  const search = useMemo(() => parseProblemSearch(params), [params]);
  const change = useCallback(
    (changes: Partial<ProblemSearch>) =>
      setParams((current) => toSearchParams({ ...parseProblemSearch(current), ...changes }), {
        replace: true,
      }),
    [setParams],
  );
  return { search, change };
}

export function parseProblemSearch(params: URLSearchParams): ProblemSearch {
  const action = params.get("action") ?? "";
  return {
    problem: PROBLEM_NAMES.find((name) => name === params.get("problem")) ?? null,
    action: /^[a-z0-9_]{1,64}$/.test(action) ? action : null,
  };
}

export function toProblemQuery({ problem, action }: ProblemSearch): ProblemQuery {
  return { ...(problem === null ? {} : { problem: [problem] }), ...(action === null ? {} : { action }) };
}

function toSearchParams({ problem, action }: ProblemSearch): URLSearchParams {
  const params = new URLSearchParams();
  if (problem !== null) params.set("problem", problem);
  if (action !== null) params.set("action", action);
  return params;
}
