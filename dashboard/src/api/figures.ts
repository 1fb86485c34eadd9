/** A company's figures, as of an instant of the past or (null) of now. */
import { keepPreviousData, queryOptions, usePrefetchQuery, useQuery } from "@tanstack/react-query";
import { answer, api } from "./client";
import { keys } from "./keys";
import { STAGES } from "./reads";
import type { paths } from "./schema";
import type { Figures, SankeyData, StageMetrics } from "./shapes-of-work";

export type Period = NonNullable<
  NonNullable<paths["/v1/portal/analytics/customer-journey"]["get"]["parameters"]["query"]>["period"]
>;

export interface View {
  period: Period;
  /** RFC 3339; null: now */
  asOf: string | null;
}

export const PERIODS: readonly Period[] = ["day", "week", "month", "quarter", "year", "all"];
const DAYS: Record<Period, number> = { day: 7, week: 7, month: 30, quarter: 90, year: 365, all: 365 };

export function useFigures(view: View) {
  return useQuery(figuresOf(view));
}

export function useSankey(view: View) {
  return useQuery(sankeyOf(view));
}

/** Metrics of each day of the period: at least a week, at most a year, so that there is a line to see. */
export function useStageMetrics(view: View) {
  return useQuery(metricsOf(view));
}

/** Begins to ask for all of them and for the stages, for a view whose own code is still on its way. */
export function useFiguresAhead(view: View): void {
  usePrefetchQuery(figuresOf(view));
  usePrefetchQuery(STAGES);
  usePrefetchQuery(sankeyOf(view));
  usePrefetchQuery(metricsOf(view));
}

function figuresOf(view: View) {
  return queryOptions({
    queryKey: keys.figures(view),
    queryFn: ({ signal }) =>
      answer<Figures>(
        api.GET("/v1/portal/analytics/customer-journey", { params: { query: periodOf(view) }, signal }),
      ),
    placeholderData: keepPreviousData,
  });
}

function sankeyOf(view: View) {
  return queryOptions({
    queryKey: keys.sankey(view),
    queryFn: ({ signal }) =>
      answer<SankeyData>(
        api.GET("/v1/portal/analytics/sankey", { params: { query: periodOf(view) }, signal }),
      ),
    placeholderData: keepPreviousData,
  });
}

function metricsOf(view: View) {
  const last = (view.asOf ?? new Date().toISOString()).slice(0, 10);
  const first = daysBefore(last, DAYS[view.period] - 1);
  return queryOptions({
    queryKey: keys.metrics({ first, last, asOf: view.asOf }),
    queryFn: ({ signal }) => {
      const query = { from: first, to: last, ...(view.asOf === null ? {} : { as_of: view.asOf }) };
      return answer<StageMetrics>(
        api.GET("/v1/portal/analytics/stage-metrics", { params: { query }, signal }),
      );
    },
    placeholderData: keepPreviousData,
  });
}

function periodOf({ period, asOf }: View) {
  return { period, ...(asOf === null ? {} : { as_of: asOf }) };
}

/** The day (UTC) so many days before another. */
export function daysBefore(date: string, days: number): string {
  return new Date(Date.parse(date) - days * 86_400_000).toISOString().slice(0, 10);
}
