"""Text made fit to go out: names into a line, what servers answer into something that names nobody."""

import re
import unicodedata

LONGEST_REASON = 160  # characters

# They turn the reading direction around, so that an address or a number reads as another.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+(?:@|%40|\uff20)[^\s<>\"'(),;:]+", re.IGNORECASE)
_NUMBER = re.compile(r"\+?\d[\d ().\-/]{5,}\d")


def one_line(text: str, longest: int = 500) -> str:
    """The text without control characters, white space and line breaks as single spaces, cut at ``longest``."""
    plain = "".join(" " if character.isspace() else character for character in text if not _is_unseen(character))
    return " ".join(plain.split())[:longest].rstrip()


def plain_lines(text: str) -> str:
    """The text with line feeds as its only control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("".join(character for character in line if not _is_unseen(character)) for line in lines)


def _is_unseen(character: str) -> bool:
    kind = unicodedata.category(character)
    return character in _TURNING or kind == "Cs" or (kind == "Cc" and not character.isspace())


def redacted(text: str, *known: str) -> str:
    """What a server said without addresses, numbers, links, and the words of ``known`` (address, subject …)."""
    text = _ADDRESS.sub("…", _URL.sub("…", text))
    words = {word for phrase in known for word in re.findall(r"\w{3,}", phrase)}
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return one_line(_NUMBER.sub("…", text), LONGEST_REASON)
