import { strings } from "../strings";
import { formatNumber } from "./numbers";

/** Format a number of days: "12 days"; null is unknown. */
export function formatDays(days: number | null): string {
  if (days === null) return strings.common.none;
  return strings.common.days(formatNumber(days), days);
}
