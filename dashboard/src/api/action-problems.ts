/** Failed and held-back actions: queries, and trying several again. */
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, unwrap } from "./client";
import type { paths } from "./generated";
import { isAffected, queryKeys } from "./query-keys";
import type { ActionProblem, ActionProblemCount, RetryResult } from "./types";

export type ProblemQuery = NonNullable<paths["/v1/portal/problems"]["get"]["parameters"]["query"]>;

const LARGEST_PAGE = 200;

export function useProblems(query: ProblemQuery) {
  return useQuery({
    queryKey: queryKeys.problems(query),
    queryFn: ({ signal }) => fetchProblems(query, signal),
    placeholderData: keepPreviousData,
  });
}

/** The number of failed and held-back actions, by problem and action; undefined while unknown. */
export function useProblemCounts(): readonly ActionProblemCount[] | undefined {
  return useProblems({ limit: 1 }).data?.action_counts ?? undefined;
}

/** Fetch the newest matching actions, `limit` at most. */
export async function fetchNewestProblems(query: ProblemQuery, limit: number): Promise<ActionProblem[]> {
  const actions: ActionProblem[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof fetchProblems>> = await fetchProblems({
      ...query,
      limit: Math.min(LARGEST_PAGE, limit - actions.length),
      ...(cursor === null ? {} : { cursor }),
    });
    actions.push(...page.actions);
    cursor = page.next_cursor;
  } while (cursor !== null && actions.length < limit);
  return actions;
}

/** Try actions again; at most 50 per request. */
export async function retryActions(actionIds: readonly number[]): Promise<RetryResult[]> {
  const answer = await unwrap(
    api.POST("/v1/portal/problems/retry", { body: { action_ids: [...actionIds] } }),
  );
  return answer.results;
}

/** Return a function that marks all lists and journeys as stale. */
export function useInvalidateActions(): () => Promise<void> {
  const queries = useQueryClient();
  return useCallback(
    () => queries.invalidateQueries({ predicate: ({ queryKey }) => isAffected(queryKey, "lists", null) }),
    [queries],
  );
}

function fetchProblems(query: ProblemQuery, signal: AbortSignal | null = null) {
  return unwrap(api.GET("/v1/portal/problems", { params: { query }, signal }));
}
