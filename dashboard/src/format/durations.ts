import { strings } from "../strings";
import { formatNumber } from "./numbers";

/** "12 days". */
export function formatDays(days: number): string {
  return strings.common.days(formatNumber(days), days);
}
