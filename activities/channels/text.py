"""Sanitized text: single lines, plain lines, and server replies without personal data."""

import re
import unicodedata

MAX_REASON = 160  # characters

# Bidirectional controls: they can make an address or a number read as a different one.
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+(?:@|%40|\uff20)[^\s<>\"'(),;:]+", re.IGNORECASE)
_NUMBER = re.compile(r"\+?\d[\d ().\-/]{5,}\d")


def one_line(text: str, longest: int = 500) -> str:
    """Remove control characters, collapse white space, and cut after ``longest`` characters."""
    plain = "".join(" " if character.isspace() else character for character in text if not _is_invisible(character))
    return " ".join(plain.split())[:longest].rstrip()


def plain_lines(text: str) -> str:
    """Remove all control characters except line feeds."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(character for character in line if not _is_invisible(character)) for line in lines)


def _is_invisible(character: str) -> bool:
    kind = unicodedata.category(character)
    return character in _BIDI_CONTROLS or kind == "Cs" or (kind == "Cc" and not character.isspace())


def redacted(text: str, *known: str) -> str:
    """Replace addresses, numbers, links and the words of ``known`` (an address, a subject) in a server's reply."""
    text = _ADDRESS.sub("…", _URL.sub("…", text))
    words = {word for phrase in known for word in re.findall(r"\w{3,}", phrase)}
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return one_line(_NUMBER.sub("…", text), MAX_REASON)
