import { LOCALE, stringsLocale } from "./locale";

const DAY = 86_400_000;
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * DAY],
  ["month", 30 * DAY],
  ["day", DAY],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** The day of an instant: "7 Dec 2026". */
export function formatDate(instant: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(instant));
}

/** A calendar day (`2026-12-07`), which is the same day everywhere. */
export function formatCalendarDate(date: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(date));
}

/** A calendar day without its year, for axes: "7 Dec". */
export function formatShortDate(date: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" }).format(
    new Date(date),
  );
}

/** Day and time of an instant. */
export function formatDateTime(instant: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(
    new Date(instant),
  );
}

/** How far an instant is from now: "in 12 days", "3 hours ago". */
export function formatRelative(instant: string, now = Date.now(), locale = stringsLocale()): string {
  const distance = new Date(instant).getTime() - now;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const size = Math.abs(distance);
  for (const [unit, length] of UNITS) {
    // Up to ten weeks people count in days.
    if (unit === "month" && size < 70 * DAY) continue;
    if (size >= length) return format.format(Math.trunc(distance / length), unit);
  }
  return format.format(0, "second");
}

/** An instant as the value of `<input type="datetime-local">`, in the browser's time zone. */
export function toDateTimeLocal(instant: Date): string {
  const shifted = new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
