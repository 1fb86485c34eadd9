/** A link that dials a number, without its extension. */
export function phoneLink(phone: string): string {
  return `tel:${phone.replace(/[a-z#].*$/i, "").replaceAll(/[^+0-9]/g, "")}`;
}
