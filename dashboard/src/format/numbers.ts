import { LOCALE } from "./locale";

export function formatNumber(value: number, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
}

/** An amount in the company's currency (ISO 4217). */
export function formatMoney(value: number, currency: string, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(value);
}

/** A large amount for an axis: "€12K". */
export function formatCompactMoney(value: number, currency: string, locale = LOCALE): string {
  const style = { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale, style).format(value);
}

/** A share of 1: 0.8 is "80%". */
export function formatShare(value: number, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 }).format(value);
}

/** A share of 100, as the gateway's figures have it: 9.96 is "10%". */
export function formatPercent(value: number, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(value / 100);
}

/** A score as it was computed, with its two decimals. */
export function formatScore(value: number | string, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(
    Number(value),
  );
}
