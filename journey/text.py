"""Checks of text that comes from outside: what can be stored and what can be shown."""

import re
import unicodedata

STORABLE_TEXT = "text in Unicode, without NUL or lone surrogates"
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")

SINGLE_LINE = "text in one line, without control characters"
# C0 and C1, line and paragraph separators, and the marks that turn the direction of all text after them
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NO_BREAK_SPACE = re.compile(r"[\u00a0\u2007\u202f]")


def is_single_line(text: str) -> bool:
    """Whether a text is one line that can be shown: a name in any script, with joiners and emoji.

    `str.isprintable` alone would refuse the joiners of Persian names and of emoji, and all spaces but one.
    """
    return text.isprintable() or _CONTROL.search(text) is None


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: only spaces, joiners and other invisible characters."""
    return all(unicodedata.category(character)[0] in "ZC" for character in text)


def with_plain_spaces(text: str) -> str:
    """Replace no-break spaces by spaces, so that equal names are found and compared as equal."""
    return _NO_BREAK_SPACE.sub(" ", text)


def is_storable(text: str) -> bool:
    """Whether Postgres can store a text: neither NUL nor a lone surrogate is possible there."""
    return _NOT_STORABLE.search(text) is None


def printable(text: str) -> str:
    """Return the text itself, or with escapes if it has characters that cannot be printed."""
    return text if text.isprintable() else ascii(text)[1:-1]


def excerpt(value: object) -> str:
    """Return at most 80 printable characters of any value, for an error message.

    Text that begins or ends with blanks is quoted, so that they can be seen.
    """
    try:
        text = value if isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # nested too deeply, or a number with thousands of digits
        text = f"a {type(value).__name__}"
    quote = '"' if text != text.strip() else ""
    room = 80 - 2 * len(quote)
    shown = printable(text[: room + 1])
    return quote + (shown if len(shown) <= room else shown[: room - 3] + "...") + quote
