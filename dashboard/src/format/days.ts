import { words } from "../words";
import { number } from "./figures";

/** "12 days". */
export function inDays(days: number): string {
  return words.common.days(number(days), days);
}
