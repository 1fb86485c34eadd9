import type { Prediction } from "../../api/types";
import type { Sorting } from "../../components/data-list";

export const SORT_KEYS = [
  "expected_value",
  "risk_score",
  "days_inactive",
  "lifetime_value",
  "return_probability",
  "predicted_churn_date",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];
/** The order of the API: return probability × lifetime value. */
export const DEFAULT_SORTING: Sorting = { key: "expected_value", descending: true };

/** Sort rows; unknown values come last in both directions, ties keep the order of the API. */
export function sortRows(rows: readonly Prediction[], key: SortKey, descending: boolean): Prediction[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [one[key] ?? null, other[key] ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return a < b ? -sign : a > b ? sign : 0;
  });
}
