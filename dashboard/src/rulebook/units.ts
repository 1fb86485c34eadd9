import { formatMoney } from "../format/numbers";
import type { Unit } from "./vocabulary";

/** Return the text of a field with the unit that stands next to the field. */
export function withUnit(text: string, unit: Unit | undefined, currency: string): string {
  const number = Number(text);
  if (unit === "money" && text !== "" && !Number.isNaN(number)) return formatMoney(number, currency);
  return unit === "share" ? `${text}%` : text;
}
