/**
 * Search in a list that the browser has, with the meaning of the API's search: words in any order, phone numbers in
 * any spelling, without regard to case and accents; one typo in each word if nothing matches otherwise.
 */

export interface Searchable {
  customer_id: string;
  name: string | null;
  email: string | null;
  phone: string | null;
  phone_e164: string | null;
}

const REMOVED = /[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const SEPARATORS = /[\s!-/:-@[-`{-\u00bf\u2000-\u206f\u3000-\u3003]+/g;
const APOSTROPHE = /['\u2018\u2019\u02bc`\u00b4]/g;
const LETTERS = new Map(
  Object.entries({
    ß: "ss",
    æ: "ae",
    œ: "oe",
    þ: "th",
    ø: "o",
    ł: "l",
    đ: "d",
    ð: "d",
    ħ: "h",
    ı: "i",
    ς: "σ",
  }),
);
const PHONE = /^[+(]*[0-9][0-9 ()./~-]*$/;
const EXTENSION = /[ ,;]*(extension|extn|ext|durchwahl|dw|x|#)[ .:=]*[0-9]{1,7}#?$/;
const MIN_DIGITS = 3;
/** digits of a number without its country code and area code, at least */
const WHOLE_NUMBER = 6;
const MIN_TYPO_LENGTH = 3;

/** Return the rows that a text finds; all for a blank one. */
export function searchRows<Row extends Searchable>(rows: readonly Row[], text: string): readonly Row[] {
  const plain = searchForm(text).trim();
  if (plain === "") return rows;
  const dialled = plain.replace(EXTENSION, "");
  const number = PHONE.test(dialled) ? dialled.replaceAll(/[^0-9]/g, "").replace(/^0+/, "") : "";
  const byNumber =
    number.length < MIN_DIGITS ? [] : rows.filter((row) => hasNumber(row, number) || hasWord(row, plain));
  if (byNumber.length > 0) return byNumber;
  const words = plain
    .split(/\s+/)
    .flatMap((part) => (/[^@]@[^@]/.test(part) ? [part] : wordsOf(part.replaceAll(APOSTROPHE, ""))));
  if (words.length === 0) return [];
  const exact = rows.filter((row) => words.every((word) => hasWord(row, word)));
  if (exact.length > 0) return exact;
  return rows.filter((row) => words.every((word) => hasWord(row, word) || hasWordWithTypo(row, word)));
}

/** The normal form of a text: lower case, without accents and invisible characters. */
export function searchForm(text: string): string {
  const plain = text.normalize("NFKD").toLowerCase().replaceAll(REMOVED, "");
  return [...plain].map((letter) => LETTERS.get(letter) ?? letter).join("");
}

function wordsOf(plain: string): string[] {
  return plain.split(SEPARATORS).filter((word) => word !== "");
}

function nameWords(row: Searchable): string[] {
  const name = searchForm(row.name ?? "");
  return [...wordsOf(name), ...wordsOf(name.replaceAll(APOSTROPHE, ""))];
}

function hasWord(row: Searchable, word: string): boolean {
  if (nameWords(row).some((other) => other.startsWith(word))) return true;
  return [row.email ?? "", row.customer_id]
    .flatMap((field) => fromEachWord(searchForm(field)))
    .some((rest) => rest.startsWith(word));
}

/** A text from its beginning and from each of its words on. */
function fromEachWord(form: string): string[] {
  return [form, ...[...form.matchAll(SEPARATORS)].map((match) => form.slice(match.index + match[0].length))];
}

function hasNumber(row: Searchable, number: string): boolean {
  return [row.phone_e164, row.phone].some((phone) => {
    const digits = searchForm(phone ?? "")
      .replace(EXTENSION, "")
      .replaceAll(/[^0-9]/g, "");
    const national = digits.replace(/^0+/, "");
    // The second: a number with the country code, of a customer whose number has none.
    return digits.includes(number) || (national.length >= WHOLE_NUMBER && number.endsWith(national));
  });
}

function hasWordWithTypo(row: Searchable, word: string): boolean {
  return word.length >= MIN_TYPO_LENGTH && nameWords(row).some((other) => isOneTypoApart(word, other));
}

/** Whether a letter is missing, too many, wrong, or swapped with the next one. */
function isOneTypoApart(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const [a, b] = [one.slice(start), other.slice(start)];
  if (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2)) return true;
  return a.slice(1) === b.slice(1) || a.slice(1) === b || a === b.slice(1);
}
