import { strings } from "../strings";
import { number } from "./numbers";

/** "12 days". */
export function inDays(days: number): string {
  return strings.common.days(number(days), days);
}
