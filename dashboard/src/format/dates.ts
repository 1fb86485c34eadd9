import { LOCALE, stringsLocale } from "./locale";

/** Milliseconds of a day. */
export const DAY = 86_400_000;
const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * DAY],
  ["month", 30 * DAY],
  ["day", DAY],
  ["hour", 3_600_000],
  ["minute", 60_000],
];

/** Format the date of a timestamp: "7 Dec 2026". */
export function formatDate(instant: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(new Date(instant));
}

/** Format a calendar date (`2026-12-07`), independent of the time zone. */
export function formatCalendarDate(date: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(date));
}

/** Format a range of calendar dates: "2–8 Nov 2026". */
export function formatCalendarRange(first: string, last: string, locale = LOCALE): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  return format.formatRange(new Date(first), new Date(last));
}

/** Format the month of a calendar date: "Nov 2026". */
export function formatMonth(date: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { month: "short", year: "numeric", timeZone: "UTC" }).format(
    new Date(date),
  );
}

/** Format a calendar date without the year, for chart axes: "7 Dec". */
export function formatShortDate(date: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" }).format(
    new Date(date),
  );
}

/** Format the weekday and date of a timestamp: "Friday, 27 November". */
export function formatDay(instant: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" }).format(
    new Date(instant),
  );
}

/** Format the time of day of a timestamp: "14:30". */
export function formatTimeOfDay(instant: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(instant));
}

/** Return the start of the day that is some days from today, in the browser's time zone. */
export function startOfDay(days = 0, now = new Date()): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
}

/** Format the date and time of a timestamp. */
export function formatDateTime(instant: string, locale = LOCALE): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(
    new Date(instant),
  );
}

/** Format the time of a timestamp, with the date unless it is within a day: "14:30". */
export function formatTime(instant: string, now = Date.now(), locale = LOCALE): string {
  if (Math.abs(Date.parse(instant) - now) >= DAY) return formatDateTime(instant, locale);
  return new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(new Date(instant));
}

/** Format the distance of a timestamp from now: "in 12 days", "3 hours ago". */
export function formatRelative(instant: string, now = Date.now(), locale = stringsLocale()): string {
  const distance = new Date(instant).getTime() - now;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const size = Math.abs(distance);
  for (const [unit, length] of UNITS) {
    // Up to ten weeks are shown in days.
    if (unit === "month" && size < 70 * DAY) continue;
    if (size >= length) return format.format(Math.trunc(distance / length), unit);
  }
  return format.format(0, "second");
}

/** Whether a timestamp is on the current date, in the browser's time zone. */
export function isToday(instant: string, now = Date.now()): boolean {
  return new Date(instant).toDateString() === new Date(now).toDateString();
}

/** Format a date as the value of `<input type="datetime-local">`, in the browser's time zone. */
export function toDateTimeLocal(instant: Date): string {
  const shifted = new Date(instant.getTime() - instant.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
