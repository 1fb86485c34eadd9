/** Numbers of rules and scores, as the API has them and as people enter them: shares are percentages. */
import type { Unit } from "./vocabulary";

const NUMBER = /^-?[0-9]{1,12}(\.[0-9]{1,6})?$/;

/** Return the text of a field for a number of the API. */
export function toShown(text: string, unit: Unit): string {
  return unit === "share" && NUMBER.test(text) ? shifted(text, 2) : text;
}

/** Return the API's number for the text of a field; a text that is no number is returned as it is. */
export function fromShown(text: string, unit: Unit): string {
  const number = normalized(text);
  return unit === "share" && NUMBER.test(number) ? shifted(number, -2) : number;
}

/** Whether the text of a field is a number that the API takes. */
export function isNumber(text: string, unit: Unit): boolean {
  return NUMBER.test(fromShown(text, unit));
}

/** Accept a decimal comma, and spaces and zeros around. */
function normalized(text: string): string {
  return text
    .trim()
    .replace(",", ".")
    .replace(/^(-?)0+(?=\d)/, "$1");
}

/** Multiply by a power of ten without rounding errors. */
function shifted(text: string, digits: number): string {
  return String(Number((Number(text) * 10 ** digits).toFixed(8)));
}
