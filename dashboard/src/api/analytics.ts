/** Analytics queries: a period that ends now or at a time in the past. */
import { keepPreviousData, queryOptions, usePrefetchQuery, useQuery } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import type { paths } from "./generated";
import { stagesQuery } from "./queries";
import { queryKeys } from "./query-keys";

export type Period = NonNullable<
  NonNullable<paths["/v1/portal/analytics/customer-journey"]["get"]["parameters"]["query"]>["period"]
>;

export interface AnalyticsQuery {
  period: Period;
  /** RFC 3339; null means now */
  asOf: string | null;
}

export const PERIODS: readonly Period[] = ["day", "week", "month", "quarter", "year", "all"];
const DAYS: Record<Period, number> = { day: 7, week: 7, month: 30, quarter: 90, year: 365, all: 365 };

export function useJourneyAnalytics(filter: AnalyticsQuery) {
  return useQuery(journeyAnalyticsQuery(filter));
}

export function useSankey(filter: AnalyticsQuery) {
  return useQuery(sankeyQuery(filter));
}

/** Daily metrics of the period. Covers at least a week, so that there is a line to draw, and at most a year. */
export function useStageMetrics(filter: AnalyticsQuery) {
  return useQuery(stageMetricsQuery(filter));
}

/** Prefetch everything that the analytics view needs while its code is still loading. */
export function usePrefetchAnalytics(filter: AnalyticsQuery): void {
  usePrefetchQuery(journeyAnalyticsQuery(filter));
  usePrefetchQuery(stagesQuery);
  usePrefetchQuery(sankeyQuery(filter));
  usePrefetchQuery(stageMetricsQuery(filter));
}

function journeyAnalyticsQuery(filter: AnalyticsQuery) {
  return queryOptions({
    queryKey: queryKeys.analytics(filter),
    queryFn: ({ signal }) =>
      unwrap(
        api.GET("/v1/portal/analytics/customer-journey", { params: { query: queryParams(filter) }, signal }),
      ),
    placeholderData: keepPreviousData,
  });
}

function sankeyQuery(filter: AnalyticsQuery) {
  return queryOptions({
    queryKey: queryKeys.sankey(filter),
    queryFn: ({ signal }) =>
      unwrap(api.GET("/v1/portal/analytics/sankey", { params: { query: queryParams(filter) }, signal })),
    placeholderData: keepPreviousData,
  });
}

function stageMetricsQuery(filter: AnalyticsQuery) {
  const last = (filter.asOf ?? new Date().toISOString()).slice(0, 10);
  const first = daysBefore(last, DAYS[filter.period] - 1);
  return queryOptions({
    queryKey: queryKeys.metrics({ first, last, asOf: filter.asOf }),
    queryFn: ({ signal }) => {
      const query = { from: first, to: last, ...(filter.asOf === null ? {} : { as_of: filter.asOf }) };
      return unwrap(api.GET("/v1/portal/analytics/stage-metrics", { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
}

function queryParams({ period, asOf }: AnalyticsQuery) {
  return { period, ...(asOf === null ? {} : { as_of: asOf }) };
}

/** Return the date (UTC) a number of days before another. */
export function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(date) - days * 86_400_000).toISOString().slice(0, 10);
}
