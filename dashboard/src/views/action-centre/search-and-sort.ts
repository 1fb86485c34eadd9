import type { Prediction } from "../../api/types";

export const SORT_KEYS = [
  "risk_score",
  "days_inactive",
  "lifetime_value",
  "return_probability",
  "predicted_churn_date",
] as const;
export type SortKey = (typeof SORT_KEYS)[number];

/** Sort rows; unknown values come last in both directions, ties keep the order of the API. */
export function sortRows(rows: readonly Prediction[], key: SortKey, descending: boolean): Prediction[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [one[key] ?? null, other[key] ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return a < b ? -sign : a > b ? sign : 0;
  });
}
