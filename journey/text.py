"""Checks of text that comes from outside: what can be stored and what can be shown."""

import re

STORABLE_TEXT = "text in Unicode, without NUL or lone surrogates"
_NOT_STORABLE = re.compile(r"[\x00\ud800-\udfff]")


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
