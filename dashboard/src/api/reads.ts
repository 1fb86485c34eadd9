/** What views ask for, one hook each. */
import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { answer, api } from "./client";
import { keys } from "./keys";
import { Problem } from "./problem";
import type { paths } from "./schema";
import type { Explanation, Relationships, Stages, Timeline } from "./shapes";
import type { Entry, TimelinePage } from "./shapes-of-timeline";
import type { Predictions, Staff, Tasks } from "./shapes-of-work";

export type CustomerSearch = NonNullable<paths["/v1/portal/relationships"]["get"]["parameters"]["query"]>;

const SOME_TASKS = 12;
const MANY_TASKS = 200;
const MOST_PREDICTIONS = 1000;
const TIMELINE_PAGE = 50;

export const STAGES = queryOptions({
  queryKey: keys.stages,
  queryFn: ({ signal }) => answer<Stages>(api.GET("/v1/stages", { signal })),
  staleTime: 5 * 60_000, // they hardly ever change
});

/** The company's stages, in their order. */
export function useStages() {
  return useQuery(STAGES);
}

export function useCustomers(search: CustomerSearch) {
  return useQuery({
    queryKey: keys.customers(search),
    queryFn: ({ signal }) =>
      answer<Relationships>(api.GET("/v1/portal/relationships", { params: { query: search }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** One journey as it stands; its timeline comes page by page (`useTimeline`). */
export function useJourney(customerId: string) {
  return useQuery({
    queryKey: keys.journey(customerId),
    queryFn: ({ signal }) =>
      answer<Timeline>(
        api.GET("/v1/portal/customers/{customer_id}/journey", {
          params: { path: { customer_id: customerId }, query: { limit: 1 } },
          signal,
        }),
      ),
  });
}

export function useTimeline(customerId: string, kinds: Entry["kind"][]) {
  return useInfiniteQuery({
    queryKey: keys.timeline(customerId, kinds),
    queryFn: ({ signal, pageParam }) =>
      answer<TimelinePage>(
        api.GET("/v1/portal/customers/{customer_id}/timeline", {
          params: {
            path: { customer_id: customerId },
            query: {
              kind: kinds,
              limit: TIMELINE_PAGE,
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** Why the scores are what they are; asked for only when somebody wants to know. */
export function useExplanation(customerId: string, wanted: boolean) {
  return useQuery({
    queryKey: keys.explanation(customerId),
    enabled: wanted,
    queryFn: ({ signal }) =>
      answer<Explanation>(
        api.GET("/v1/customers/{customer_id}/explain", {
          params: { path: { customer_id: customerId } },
          signal,
        }),
      ),
  });
}

/** Open tasks, soonest due first; of one customer, or (null) of all. */
export function useTasks(customerId: string | null) {
  return useInfiniteQuery({
    queryKey: keys.tasks(customerId),
    queryFn: ({ signal, pageParam }) => {
      const customer = customerId === null ? {} : { customer_id: customerId };
      const cursor = pageParam === null ? {} : { cursor: pageParam };
      const query = { limit: customerId === null ? SOME_TASKS : MANY_TASKS, ...customer, ...cursor };
      return answer<Tasks>(api.GET("/v1/portal/tasks", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

export function useStaff() {
  return useQuery({
    queryKey: keys.staff,
    queryFn: ({ signal }) => answer<Staff>(api.GET("/v1/portal/staff", { signal })),
    staleTime: 60_000,
  });
}

export function usePredictions() {
  return useQuery({
    queryKey: keys.predictions,
    queryFn: ({ signal }) =>
      answer<Predictions>(
        api.GET("/v1/portal/analytics/churn-predictions", {
          params: { query: { limit: MOST_PREDICTIONS } },
          signal,
        }),
      ),
  });
}

/** Whether another try may help; for the cache's `retry`. */
export function worthAnotherTry(failures: number, error: Error): boolean {
  return failures < 2 && !(error instanceof Problem && !error.passing);
}
