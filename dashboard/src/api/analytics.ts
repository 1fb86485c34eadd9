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

/** Routes of figures; their parameters and responses have generated types. */
type FigurePath = Extract<keyof paths, `/v1/portal/analytics/${string}`>;
type FigureParams<Path extends FigurePath> = NonNullable<paths[Path]["get"]["parameters"]["query"]>;
type Figure<Path extends FigurePath> = paths[Path]["get"]["responses"][200]["content"]["application/json"];

/** Query a figure. While other parameters load, the previous data stays. */
export function useFigure<Path extends FigurePath>(path: Path, params: FigureParams<Path>, enabled = true) {
  return useQuery({ ...figureQuery(path, params), enabled });
}

/** Prefetch what the analytics view shows first while its code is still loading. */
export function usePrefetchAnalytics(filter: AnalyticsQuery): void {
  usePrefetchQuery(figureQuery("/v1/portal/analytics/customer-journey", periodParams(filter)));
  usePrefetchQuery(stagesQuery);
  usePrefetchQuery(figureQuery("/v1/portal/analytics/sankey", periodParams(filter)));
  usePrefetchQuery(figureQuery("/v1/portal/analytics/stage-metrics", dailyParams(filter)));
}

function figureQuery<Path extends FigurePath>(path: Path, params: FigureParams<Path>) {
  // The client cannot infer the types of a generic path.
  const get = api.GET as unknown as (
    path: Path,
    init: { params: { query: FigureParams<Path> }; signal: AbortSignal },
  ) => Promise<{ data?: Figure<Path> }>;
  return queryOptions({
    queryKey: queryKeys.analytics(path, params),
    queryFn: ({ signal }) => unwrap(get(path, { params: { query: params }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** The parameters of figures that cover the period. */
export function periodParams({ period, asOf }: AnalyticsQuery) {
  return { period, ...(asOf === null ? {} : { as_of: asOf }) };
}

/** The days of the period: at least a week, so that there is a line to draw, and at most a year. */
export function dailyParams({ period, asOf }: AnalyticsQuery) {
  const last = (asOf ?? new Date().toISOString()).slice(0, 10);
  const first = daysBefore(last, DAYS[period] - 1);
  return { from: first, to: last, ...(asOf === null ? {} : { as_of: asOf }) };
}

/** Return the date (UTC) a number of days before another. */
export function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(date) - days * 86_400_000).toISOString().slice(0, 10);
}
