/** Queries and changes of the rules: versions, previews, roll-outs. */
import {
  keepPreviousData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import type { paths } from "../api/generated";
import { queryKeys } from "../api/query-keys";
import type { Rulebook } from "./draft";

export type PreviewFilter = NonNullable<
  paths["/v1/stages/previews/{preview_id}/customers"]["get"]["parameters"]["query"]
>;

/** What a preview is about: changed rules, or an earlier version. */
export type Proposal = Rulebook | { version: number };

const POLL = 1000;
const CUSTOMERS_PAGE = 10;

/** The rules to edit: read when the editor opens, and not again while it is open. */
export function useRulesToEdit() {
  return useQuery({
    queryKey: queryKeys.rulesToEdit,
    queryFn: ({ signal }) => unwrap(api.GET("/v1/stages", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnReconnect: false,
  });
}

export function usePresets(enabled: boolean) {
  return useQuery({
    queryKey: queryKeys.presets,
    enabled,
    queryFn: ({ signal }) => unwrap(api.GET("/v1/stages/presets", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Every version of the rules, the newest first. */
export function useVersions() {
  return useQuery({
    queryKey: queryKeys.ruleVersions,
    staleTime: 0,
    queryFn: ({ signal }) => unwrap(api.GET("/v1/stages/versions", { signal })),
  });
}

/** Begin a preview, and return its id. `since` is the time from which on the past is compared; null: all of it. */
export async function beginPreview(proposal: Proposal, since: string | null): Promise<number> {
  const body = { ...proposal, ...(since === null ? {} : { since }) };
  return (await unwrap(api.POST("/v1/stages/preview", { body }))).id;
}

export async function cancelPreview(previewId: number): Promise<void> {
  await api.DELETE("/v1/stages/previews/{preview_id}", { params: { path: { preview_id: previewId } } });
}

/** A preview, looked at every second until it is complete. */
export function usePreview(previewId: number | null) {
  return useQuery({
    queryKey: queryKeys.rulePreview(previewId),
    enabled: previewId !== null,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/stages/previews/{preview_id}", {
          params: { path: { preview_id: previewId ?? 0 } },
          signal,
        }),
      ),
    refetchInterval: ({ state }) =>
      state.data === undefined || state.data.status === "running" ? POLL : false,
    refetchOnWindowFocus: false,
  });
}

/** The customers whom a preview concerns, page by page. */
export function usePreviewCustomers(previewId: number, filter: PreviewFilter) {
  return useInfiniteQuery({
    queryKey: queryKeys.previewCustomers(previewId, filter),
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === null ? {} : { cursor: pageParam };
      return unwrap(
        api.GET("/v1/stages/previews/{preview_id}/customers", {
          params: { path: { preview_id: previewId }, query: { ...filter, limit: CUSTOMERS_PAGE, ...cursor } },
          signal,
        }),
      );
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
    placeholderData: keepPreviousData,
  });
}

/** The address of the same customers as a file. */
export function previewCsvPath(previewId: number, filter: PreviewFilter): string {
  const search = new URLSearchParams(
    Object.entries(filter).flatMap(([name, value]) => (value ? [[name, String(value)]] : [])),
  );
  return `/v1/stages/previews/${previewId}/customers.csv?${search}`;
}

interface Change {
  proposal: Proposal;
  baseVersion: number;
  reason: string;
  runActions: boolean;
  previewId: number;
}

/** Put changed rules in force. Fails with 412 if another version than `baseVersion` is. */
export function useApplyRules() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ proposal, baseVersion, reason, runActions, previewId }: Change) => {
      const header = { "if-match": `"${baseVersion}"` };
      const about = { reason, run_actions: runActions, preview_id: previewId };
      if ("version" in proposal)
        return unwrap(
          api.POST("/v1/stages/versions/{version}/restore", {
            params: { path: { version: proposal.version }, header },
            body: about,
          }),
        );
      return unwrap(api.PUT("/v1/stages", { params: { header }, body: { ...proposal, ...about } }));
    },
    onSuccess: () => invalidateRules(queries),
  });
}

/** Everything depends on the rules: names and colours, lists, figures. */
function invalidateRules(queries: QueryClient): Promise<void> {
  return queries.invalidateQueries({
    predicate: ({ queryKey }) => queryKey[0] !== queryKeys.rulesToEdit[0],
  });
}

/** A roll-out, looked at every second until it has ended. */
export function useRollout(version: number) {
  return useQuery({
    queryKey: queryKeys.rollout(version),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/stages/rollouts/{rollout_id}", { params: { path: { rollout_id: version } }, signal }),
      ),
    refetchInterval: ({ state }) =>
      state.status !== "error" && ["running", "paused", undefined].includes(state.data?.status)
        ? POLL
        : false,
  });
}

export function usePauseRollout(version: number) {
  const queries = useQueryClient();
  const params = { path: { rollout_id: version } };
  return useMutation({
    mutationFn: (pauses: boolean) =>
      unwrap(
        pauses
          ? api.POST("/v1/stages/rollouts/{rollout_id}/pause", { params })
          : api.POST("/v1/stages/rollouts/{rollout_id}/continue", { params }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.rollout(version) }),
  });
}
