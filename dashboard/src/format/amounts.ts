/**
 * Return an amount as people write it (`49,90`, `1.249,90`, `1,249.90`, `50`) as the API's decimal number, or null if it
 * is not one. The last comma or point is the decimal one if one or two digits follow it.
 */
export function parseAmount(text: string): string | null {
  const plain = text.trim().replaceAll(/[\s\u00a0'’]/g, "");
  const parts = /^(\d{1,3}(?:[.,]\d{3})+|\d+)(?:[.,](\d{1,2}))?$/.exec(plain);
  if (parts === null) return null;
  const [, whole = "", decimals = ""] = parts;
  const digits = whole.replaceAll(/[.,]/g, "").replace(/^0+(?=\d)/, "");
  return digits.length > 12 ? null : `${digits}.${decimals.padEnd(2, "0")}`;
}
