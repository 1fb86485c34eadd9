import { strings } from "../strings";

/** The browser's locale, for dates, numbers and money; undefined lets Intl take its own default. */
export const LOCALE: string | undefined = undefined;

/**
 * The locale for strings that Intl makes ("in 12 days"): the browser's, where it speaks the language of our own strings, so
 * that no sentence is half in one language and half in another.
 */
export function stringsLocale(preferred: readonly string[] = navigator.languages): string {
  return preferred.find((tag) => tag.split("-")[0] === strings.language) ?? strings.language;
}
