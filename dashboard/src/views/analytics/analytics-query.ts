import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { type AnalyticsQuery, PERIODS } from "../../api/analytics";

/** The selected period and time, kept in the URL. */
export function useAnalyticsQuery() {
  const [params, setParams] = useSearchParams();
  const filter = useMemo(() => parseAnalyticsQuery(params), [params]);
  const change = useCallback(
    (changes: Partial<AnalyticsQuery>) =>
      setParams((current) => toSearchParams({ ...parseAnalyticsQuery(current), ...changes }), {
        replace: true,
      }),
    [setParams],
  );
  return { filter: filter, change };
}

export function parseAnalyticsQuery(params: URLSearchParams): AnalyticsQuery {
  const period = PERIODS.find((period) => period === params.get("period")) ?? "month";
  const asOf = new Date(params.get("as_of") ?? "");
  return { period, asOf: Number.isNaN(asOf.getTime()) ? null : asOf.toISOString() };
}

export function toSearchParams({ period, asOf }: AnalyticsQuery): URLSearchParams {
  const params = new URLSearchParams();
  if (period !== "month") params.set("period", period);
  if (asOf !== null) params.set("as_of", asOf);
  return params;
}
