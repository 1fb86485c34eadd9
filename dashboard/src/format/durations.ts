import { strings } from "../strings";
import { formatNumber } from "./numbers";

/** Format a number of days: "12 days". */
export function formatDays(days: number): string {
  return strings.common.days(formatNumber(days), days);
}
