"""What a search for customers means: which terms of a customer it looks for.

Terms are stored in `customer_search_terms` in the normal form of `search_form`: each word of a name, an e-mail address
and an id from their beginning and from each separator, and forms of a phone number (see `INTERNATIONAL`).
The trigger that writes them (`db/schema/migrations/versions/0019_search_terms.py`) has the same rules in SQL.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from journey.phone_numbers import MAX_DIGITS, MIN_DIGITS, e164, national_digits, number_digits, valid_e164

# First characters of the terms of a phone number. The ends have the digits in reverse, to search for the last ones.
INTERNATIONAL, INTERNATIONAL_END = "#", "<"  # in E.164
NATIONAL = "~"  # the same number without the country code and zeros at the beginning
UNKNOWN, UNKNOWN_END = "?", ">"  # digits of a number whose country is unknown, without zeros at the beginning
MAX_WORDS = 8  # of a search; the others are ignored
MIN_TYPO_LENGTH, MAX_TYPO_LENGTH = 3, 24  # letters of a word that may have a typo
LAST = "\U0010ffff"  # sorts after every character

#: Combining marks of Latin, Greek and Cyrillic letters, and invisible characters.
_REMOVED = re.compile(
    r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
    r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]"
)
_SEPARATOR = re.compile(r"[\u0001-\u0020!-/:-@\[-`{-\u00bf\u2000-\u206f\u3000-\u3003]+")
_APOSTROPHE = re.compile("['\u2018\u2019\u02bc`\u00b4]")
#: Letters that have no decomposition; the keys are those of `translate` in SQL.
_LETTERS = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ς": "σ"}
)
_ALPHABETS = [
    "".join(map(chr, range(ord(first), ord(last) + 1)))
    for first, last in ("az", "αω", "ая", "\u05d0\u05ea", "\u0621\u064a")
]
_PHONE_PART = re.compile(r"[0-9()\[\]./~-]+")


@dataclass(frozen=True, slots=True)
class Criterion:
    """A customer fulfils it by a term that begins with one of the prefixes, or that is one of the words.

    Attributes:
        prefixes: Beginnings of terms.
        words: Whole terms: what was searched for, with up to one typo.
    """

    prefixes: tuple[str, ...]
    words: tuple[str, ...] = ()

    def with_typos(self) -> Criterion:
        """Return the criterion that a whole word with up to one typo fulfils; itself if it is not about one word."""
        typed = {word for text in self.prefixes for word in _typos(text)}
        # Without prefixes, one condition on whole terms is left, for which Postgres reads the index alone.
        return Criterion((), tuple(sorted(typed))) if typed else self


def search_form(text: str) -> str:
    """Return the normal form of a text: lower case, without accents and invisible characters, in NFKD."""
    return _REMOVED.sub("", unicodedata.normalize("NFKD", text).lower()).translate(_LETTERS)


def words(text: str) -> list[str]:
    """Return the words of a text in their normal form."""
    return [word for word in _SEPARATOR.split(_APOSTROPHE.sub("", search_form(text))) if word]


def is_phone_search(text: str) -> bool:
    """Whether a part of a search is a phone number, which is read with the company's country."""
    return any(_is_number(part) for part in _parts(text))


def criteria(text: str, country: str | None = None) -> list[Criterion]:
    """Return what a customer must fulfil, each of it, to be found.

    Args:
        text: What was typed: words in any order, and phone numbers.
        country: The country of national phone numbers (ISO 3166).

    Returns:
        The longest criterion first; empty if the text has neither letters nor digits.
    """
    found: dict[Criterion, None] = {}
    for part in _parts(text):
        if _is_number(part):
            found[_phone_criterion(part, country)] = None
        elif "@" in part.strip("@"):
            found[Criterion((search_form(part),))] = None
        else:
            found.update((Criterion((word,)), None) for word in words(part))
    longest_first = sorted(found, key=lambda criterion: -len(criterion.prefixes[0]))
    return longest_first[:MAX_WORDS]


def _parts(text: str) -> list[str]:
    """Split a search into words and phone numbers, which may contain spaces."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if number_digits(plain) is not None:  # with an extension, perhaps
        return [plain]
    parts: list[str] = []
    for word in plain.split():
        if parts and _PHONE_PART.fullmatch(word) and number_digits(parts[-1]):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts


def _is_number(part: str) -> bool:
    digits = number_digits(part)
    return digits is not None and MIN_DIGITS <= len(digits) <= MAX_DIGITS


def _phone_criterion(text: str, country: str | None) -> Criterion:
    digits = number_digits(text) or ""
    is_international = "+" in text or digits.startswith("00")
    significant = digits.lstrip("0")
    number, typed = e164(text, country), valid_e164(digits)  # typed: with the country code, but without +
    national = {national_digits(form).lstrip("0") for form in (number, typed) if form}
    # A number of another country has other digits, even if it is the same without the country code.
    local = set() if is_international else {significant, *(national if number else ())}
    forms = {
        INTERNATIONAL: {significant, *(form[1:] for form in (number, typed) if form)},
        NATIONAL: local,
        UNKNOWN: national | local,
        INTERNATIONAL_END: {form[::-1] for form in local if len(form) > MIN_DIGITS},
        UNKNOWN_END: {form[::-1] for form in national | local if len(form) > MIN_DIGITS},
    }
    prefixes = [kind + form for kind, texts in forms.items() for form in sorted(texts) if len(form) >= MIN_DIGITS]
    if " " not in text or not prefixes:  # it may be a customer's id
        prefixes.insert(0, search_form(text))
    return Criterion(tuple(prefixes))


def _typos(word: str) -> Iterator[str]:
    """Return every word at a distance of one typo: a letter too many, missing, wrong, or swapped with the next."""
    if not MIN_TYPO_LENGTH <= len(word) <= MAX_TYPO_LENGTH or not word.isalpha():
        return
    yield word
    alphabet = next((letters for letters in _ALPHABETS if not set(letters).isdisjoint(word)), "")
    for place in range(len(word) + 1):
        before, after = word[:place], word[place:]
        yield before + after[1:]
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]
        for letter in alphabet:
            yield before + letter + after
            yield before + letter + after[1:]
