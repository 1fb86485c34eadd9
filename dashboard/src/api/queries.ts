/** Queries of the API, one hook each. */
import { keepPreviousData, queryOptions, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import type { paths } from "./generated";
import { Problem } from "./problem";
import { queryKeys } from "./query-keys";
import type { Assumption, Entry } from "./types";

export type CustomerSearch = NonNullable<paths["/v1/portal/relationships"]["get"]["parameters"]["query"]>;
export type PredictionsQuery = NonNullable<
  paths["/v1/portal/analytics/churn-predictions"]["get"]["parameters"]["query"]
>;

export type CallListQuery = NonNullable<paths["/v1/portal/call-list"]["get"]["parameters"]["query"]>;
export type AppointmentQuery = NonNullable<paths["/v1/portal/appointments"]["get"]["parameters"]["query"]>;

export type TaskQuery = NonNullable<paths["/v1/portal/tasks"]["get"]["parameters"]["query"]>;

const LIST_PAGE = 20;
const TASKS_PAGE = 12;
const CUSTOMER_TASKS_PAGE = 200;
const MAX_PREDICTIONS = 1000;
const TIMELINE_PAGE = 50;
const MESSAGES_PAGE = 5;

export const stagesQuery = queryOptions({
  queryKey: queryKeys.stages,
  queryFn: ({ signal }) => unwrap(api.GET("/v1/stages", { signal })),
  staleTime: 5 * 60_000, // stages rarely change
});

/** The company's stages in order. */
export function useStages() {
  return useQuery(stagesQuery);
}

export function useCustomers(search: CustomerSearch, enabled = true) {
  return useQuery({
    queryKey: queryKeys.customers(search),
    enabled,
    queryFn: ({ signal }) =>
      unwrap(api.GET("/v1/portal/relationships", { params: { query: search }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The current state of a journey, without its timeline (see `useTimeline`). */
export function useJourney(customerId: string) {
  return useQuery({
    queryKey: queryKeys.journey(customerId),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/portal/customers/{customer_id}/journey", {
          params: { path: { customer_id: customerId }, query: { limit: 1 } },
          signal,
        }),
      ),
  });
}

/** The profile of a customer. A journey contains what views need of it. */
export function useProfile(customerId: string) {
  return useQuery({
    queryKey: queryKeys.profile(customerId),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/customers/{customer_id}", { params: { path: { customer_id: customerId } }, signal }),
      ),
  });
}

export function useTimeline(customerId: string, kinds: Entry["kind"][]) {
  return useInfiniteQuery({
    queryKey: queryKeys.timeline(customerId, kinds),
    queryFn: ({ signal, pageParam }) =>
      unwrap(
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

/** The messages that were sent to a customer, newest first, page by page. */
export function useSentMessages(customerId: string) {
  return useInfiniteQuery({
    queryKey: queryKeys.sentMessages(customerId),
    queryFn: ({ signal, pageParam }) =>
      unwrap(
        api.GET("/v1/customers/{customer_id}/messages", {
          params: {
            path: { customer_id: customerId },
            query: { limit: MESSAGES_PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) },
          },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** The factors of a journey's scores; fetched on demand. */
export function useExplanation(customerId: string, enabled: boolean) {
  return useQuery({
    queryKey: queryKeys.explanation(customerId),
    enabled,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/customers/{customer_id}/explain", {
          params: { path: { customer_id: customerId } },
          signal,
        }),
      ),
  });
}

/** A journey explained as it was at an instant of the past. */
export function usePastExplanation(customerId: string, asOf: string) {
  return useQuery({
    queryKey: queryKeys.pastExplanation(customerId, asOf),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/customers/{customer_id}/explain", {
          params: { path: { customer_id: customerId }, query: { as_of: asOf } },
          signal,
        }),
      ),
  });
}

/** What would happen to a customer. Nothing is changed. */
export function useWhatIf(customerId: string, assumption: Assumption) {
  return useQuery({
    queryKey: queryKeys.whatIf(customerId, assumption),
    gcTime: 0,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      unwrap(
        api.POST("/v1/customers/{customer_id}/what-if", {
          params: { path: { customer_id: customerId } },
          body: assumption,
          signal,
        }),
      ),
  });
}

/** Booked appointments by time, page by page. */
export function useAppointments(search: AppointmentQuery, enabled = true) {
  return useInfiniteQuery({
    queryKey: queryKeys.appointments(search),
    enabled,
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === null ? {} : { cursor: pageParam };
      return unwrap(
        api.GET("/v1/portal/appointments", { params: { query: { ...search, ...cursor } }, signal }),
      );
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** One list of tasks, page by page. */
export function useTasks(search: TaskQuery) {
  return useInfiniteQuery({
    queryKey: queryKeys.tasks(search),
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === null ? {} : { cursor: pageParam };
      const limit = search.customer_id === undefined ? TASKS_PAGE : CUSTOMER_TASKS_PAGE;
      return unwrap(
        api.GET("/v1/portal/tasks", { params: { query: { limit, ...search, ...cursor } }, signal }),
      );
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** The message that a request of this type would send now. */
export function useMessagePreview(customerId: string, type: "email" | "offer") {
  return useQuery({
    queryKey: queryKeys.messagePreview(customerId, type),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/customers/{customer_id}/messages/preview", {
          params: { path: { customer_id: customerId }, query: { type } },
          signal,
        }),
      ),
  });
}

/** What the retraction of an event would change now. Not refetched: once it was made, there is nothing to preview. */
export function useRetractionPreview(customerId: string, eventId: string) {
  return useQuery({
    queryKey: queryKeys.retractionPreview(customerId, eventId),
    gcTime: 0,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/customers/{customer_id}/retractions/preview", {
          params: { path: { customer_id: customerId }, query: { retracts: eventId } },
          signal,
        }),
      ),
  });
}

export function useStaff() {
  return useQuery({
    queryKey: queryKeys.staff,
    queryFn: ({ signal }) => unwrap(api.GET("/v1/portal/staff", { signal })),
    staleTime: 60_000,
  });
}

/** Whom to call, by value at stake, page by page. */
export function useCallList(query: CallListQuery) {
  return useInfiniteQuery({
    queryKey: queryKeys.callList(query),
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === null ? {} : { cursor: pageParam };
      return unwrap(
        api.GET("/v1/portal/call-list", {
          params: { query: { limit: LIST_PAGE, ...query, ...cursor } },
          signal,
        }),
      );
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** Who is expected soon and has not booked, page by page. */
export function useDueList() {
  return useInfiniteQuery({
    queryKey: queryKeys.due({}),
    queryFn: ({ signal, pageParam }) => {
      const cursor = pageParam === null ? {} : { cursor: pageParam };
      return unwrap(
        api.GET("/v1/portal/due", { params: { query: { limit: LIST_PAGE, ...cursor } }, signal }),
      );
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor,
  });
}

/** Customers at risk, and others that the query adds; null waits. */
export function usePredictions(query: PredictionsQuery | null) {
  return useQuery({
    queryKey: queryKeys.predictions(query ?? {}),
    enabled: query !== null,
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/portal/analytics/churn-predictions", {
          params: { query: { ...query, limit: MAX_PREDICTIONS } },
          signal,
        }),
      ),
  });
}

/** Whether React Query should retry a failed query. */
export function shouldRetry(failures: number, error: Error): boolean {
  return failures < 2 && !(error instanceof Problem && !error.isTransient);
}
