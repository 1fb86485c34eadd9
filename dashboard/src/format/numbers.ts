import { strings } from "../strings";
import { LOCALE } from "./locale";

export function formatNumber(value: number, locale = LOCALE, decimals = 1): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: decimals }).format(value);
}

/** Format an amount in a currency (ISO 4217). */
export function formatMoney(value: number, currency: string, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { style: "currency", currency }).format(value);
}

/** Format an amount for a chart axis: "€12K". */
export function formatCompactMoney(value: number, currency: string, locale = LOCALE): string {
  const style = { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(locale, style).format(value);
}

/** Format a fraction of 1 as a percentage: 0.8 is "80%". */
export function formatShare(value: number, locale = LOCALE, decimals = 0): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: decimals }).format(value);
}

/** Format a percentage as the analytics API returns it: 9.96 is "10%". */
export function formatPercent(value: number, locale = LOCALE): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(value / 100);
}

/** Format what a factor adds to a score (0 to 1), on the scale of the scores: "+30%", or "None" for nothing. */
export function formatContribution(value: number, locale = LOCALE): string {
  if (value === 0) return strings.journey.noEffect;
  return new Intl.NumberFormat(locale, {
    style: "percent",
    maximumFractionDigits: 1,
    signDisplay: "exceptZero",
  }).format(value);
}
