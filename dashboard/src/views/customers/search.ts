import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import type { CustomerSearch } from "../../api/queries";

export const PAGE_SIZE = 50;
export const RISKS = {
  high: { min_risk: 0.71 },
  medium: { min_risk: 0.3, max_risk: 0.7 },
  low: { max_risk: 0.29 },
};
export const SORTS = [
  "risk",
  "name",
  "days_inactive",
  "lifetime_value",
  "last_appointment_at",
  "stage_entered_at",
  "next_deadline",
] as const;

export type Risk = keyof typeof RISKS;

export interface Search {
  text: string;
  stages: string[];
  risk: Risk | null;
  sort: (typeof SORTS)[number];
  descending: boolean;
  /** the corresponding query parameters of the API */
  query: CustomerSearch;
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
  const riskParam = params.get("risk");
  const risk = riskParam !== null && Object.hasOwn(RISKS, riskParam) ? (riskParam as Risk) : null;
  const sort = SORTS.find((key) => key === params.get("sort")) ?? "risk";
  const descending = params.get("order") !== "asc";
  const query: CustomerSearch = {
    sort,
    order: descending ? "desc" : "asc",
    ...(risk === null ? {} : RISKS[risk]),
  };
  if (text.trim() !== "") query.search = text.trim();
  if (stages.length > 0) query.stage = stages;
  return { text, stages, risk, sort, descending, query };
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
