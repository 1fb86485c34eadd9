/** Merges of customers who are one person, and pairs who may be. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, unwrap } from "../api/client";
import { queryKeys } from "../api/query-keys";
import { useSession } from "../session/session";

const PAGE_SIZE = 25;

/** Whether the session may merge customers. */
export function useCanMerge(): boolean {
  return useSession().scopes.includes("admin");
}

function merge(customerId: string, into: string, preview: boolean) {
  return unwrap(
    api.POST("/v1/customers/{customer_id}/merge", {
      params: { path: { customer_id: customerId }, query: { preview } },
      body: { into },
    }),
  );
}

/** What a merge would do; null waits. */
export function useMergePreview(customerId: string | null, into: string) {
  return useQuery({
    queryKey: queryKeys.mergePreview(customerId ?? "", into),
    enabled: customerId !== null,
    queryFn: () => merge(customerId ?? "", into, true),
    staleTime: 0,
    retry: false,
  });
}

export function useMerge() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ customerId, into }: { customerId: string; into: string }) =>
      merge(customerId, into, false),
    // Not the preview: what was merged cannot be merged again.
    onSettled: () => queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[2] !== "merge" }),
  });
}

/** A page of pairs of customers who may be one person. */
export function useDuplicates(cursor: string | undefined) {
  const query = { limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) };
  return useQuery({
    queryKey: queryKeys.duplicates(query),
    queryFn: ({ signal }) => unwrap(api.GET("/v1/portal/duplicates", { params: { query }, signal })),
    placeholderData: keepPreviousData,
  });
}

export function useDismissPair() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (customers: [string, string]) =>
      unwrap(api.POST("/v1/portal/duplicates/dismiss", { body: { customers } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["duplicates"] }),
  });
}
