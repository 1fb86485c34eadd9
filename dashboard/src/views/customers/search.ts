import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { CustomerSearch } from "../../api/queries";
import { RISK_LEVELS, type RiskLevel, type RiskLevels, riskRange } from "../../format/risk-levels";

export const PAGE_SIZE = 50;
export const SORTS = [
  "risk",
  "name",
  "days_inactive",
  "lifetime_value",
  "last_appointment_at",
  "stage_entered_at",
  "next_deadline",
] as const;

export interface Search {
  text: string;
  stages: string[];
  risk: RiskLevel | null;
  sort: (typeof SORTS)[number];
  descending: boolean;
}

/** The search, kept in the URL, so that it can be bookmarked and shared. */
export function useSearch() {
  const [params, setParams] = useSearchParams();
  const search = useMemo(() => parseSearch(params), [params]);
  const change = useCallback(
    (changes: Partial<Search>) =>
      setParams((current) => toSearchParams({ ...parseSearch(current), ...changes }), { replace: true }),
    [setParams],
  );
  const clear = useCallback(() => setParams({}, { replace: true }), [setParams]);
  return {
    search,
    change,
    clear,
    isFiltered: search.text !== "" || search.stages.length > 0 || search.risk !== null,
  };
}

export function parseSearch(params: URLSearchParams): Search {
  const text = (params.get("find") ?? "").slice(0, 100);
  const stages = params.getAll("stage").slice(0, 20);
  const risk = RISK_LEVELS.find((level) => level === params.get("risk")) ?? null;
  const sort = SORTS.find((key) => key === params.get("sort")) ?? "risk";
  const descending = params.get("order") !== "asc";
  return { text, stages, risk, sort, descending };
}

/** Convert a search to query parameters of the API. A filter by risk needs the levels. */
export function toApiQuery(search: Search, levels: RiskLevels | null): CustomerSearch {
  const query: CustomerSearch = {
    sort: search.sort,
    order: search.descending ? "desc" : "asc",
    ...(search.risk === null || levels === null ? {} : riskRange(search.risk, levels)),
  };
  if (search.text.trim() !== "") query.search = search.text.trim();
  if (search.stages.length > 0) query.stage = search.stages;
  return query;
}

export function toSearchParams(search: Search): URLSearchParams {
  const params = new URLSearchParams();
  if (search.text !== "") params.set("find", search.text);
  for (const stage of search.stages) params.append("stage", stage);
  if (search.risk !== null) params.set("risk", search.risk);
  if (search.sort !== "risk") params.set("sort", search.sort);
  if (!search.descending) params.set("order", "asc");
  return params;
}
