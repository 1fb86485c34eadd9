"""Records of a delimited text file (CSV), read so that a bad line costs itself and nothing else.

Python's `csv` reads on to the end of the file when a quote is never closed, and thousands of rows become one field.
Here every physical line ends up in exactly one `Item`: the header (or a ``sep=`` line), an ignored line (blank, or
without any value), a record (one line, or several where a quoted field holds line breaks), or a rejected line.

A quoted field may hold line breaks only if its closing quote is followed by a separator or a line end, and if the
record then has as many fields as the header. Otherwise the line on which the record begins is rejected, and reading
resumes at the next line.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["header", "ignored", "record", "rejected"]

DELIMITERS = ",;\t|"
QUOTE = '"'
#: The limits of a record with line breaks, in characters and in lines: what a quote that is never closed can cost.
LONGEST_RECORD = 131_072
MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """One or several physical lines of the file.

    ``line`` is the number of the first, from 1; ``lines`` how many they are; ``raw`` their text without the last line
    end. ``cells`` are the fields of a header or record; ``problem`` says why a rejected line is no record. A header
    has the ``delimiter`` of the file.
    """

    kind: Kind
    line: int
    lines: int
    raw: str
    cells: tuple[str, ...] = ()
    problem: str = ""
    delimiter: str = ""


class _Malformed(Exception):
    """The text is no record; the message says why."""


def records(lines: Iterable[str], delimiter: str | None = None) -> Iterator[Item]:
    """Read the items of a file, in order; the first that is not ignored is the header, if there is any.

    Args:
        lines: The physical lines, each with its line end.
        delimiter: One character; None: named by a ``sep=`` line, or else the one of `DELIMITERS` that the header has
            most of.
    """
    source = _Lines(lines)
    width = 0
    for line, text in source:
        if not width and (named := _separator_line(text)):
            delimiter = delimiter or named
            yield Item("header", line, 1, text)
            continue
        if not text.strip():
            yield Item("ignored", line, 1, text)
            continue
        if not width:
            delimiter = delimiter or _likely_delimiter(text)
        assert delimiter is not None
        item = _item(source, line, text, delimiter, width)
        if not width and item.kind == "record":
            width = len(item.cells)
            item = Item("header", item.line, item.lines, item.raw, item.cells, delimiter=delimiter)
        yield item


def _item(source: "_Lines", line: int, text: str, delimiter: str, width: int) -> Item:
    """The record that begins on a line, with the lines that it continues on."""
    taken, whole = 0, text
    try:
        while (cells := fields(whole, delimiter)) is None:
            more = source.through_next_quote(taken, LONGEST_RECORD - len(whole))
            if more is None:
                return Item("rejected", line, 1, text, problem="a quoted field that begins here is never closed")
            whole += more[0]
            taken = more[1]
    except _Malformed as error:
        problem = f"a quoted field that begins here is not closed: {error}" if taken else str(error)
        return Item("rejected", line, 1, text, problem=problem)
    if taken and width and len(cells) != width:
        problem = (
            f"a quoted field that begins here ends {taken} lines later, and the record then has {len(cells)} fields "
            f"instead of {width}: is a quote missing?"
        )
        return Item("rejected", line, 1, text, problem=problem)
    source.skip(taken)
    kind: Kind = "record" if any(cells) else "ignored"
    return Item(kind, line, taken + 1, whole, tuple(cells))


def fields(text: str, delimiter: str) -> list[str] | None:
    """The fields of one record; None where the text ends inside a quoted field.

    Raises _Malformed where text follows a closing quote.
    """
    if QUOTE not in text:
        return text.split(delimiter)
    cells: list[str] = []
    at = 0
    while True:
        if text.startswith(QUOTE, at):
            cell, at = _quoted(text, at + 1)
            if cell is None:
                return None
            if at < len(text) and text[at] != delimiter:
                raise _Malformed(f"{text[at : at + 20]!r} follows a closing quote; a separator or the line end may")
            cells.append(cell)
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            cells.append(text[at:end])
            at = end
        if at >= len(text):
            return cells
        at += 1


def _quoted(text: str, at: int) -> tuple[str | None, int]:
    """The field whose opening quote is before ``at`` (None: it is not closed), and the position after its end."""
    parts: list[str] = []
    while True:
        end = text.find(QUOTE, at)
        if end < 0:
            return None, len(text)
        parts.append(text[at:end])
        if not text.startswith(QUOTE, end + 1):
            return "".join(parts), end + 1
        parts.append(QUOTE)
        at = end + 2


def _separator_line(text: str) -> str | None:
    """The separator that a line like ``sep=;`` names, as Excel writes it before the header."""
    stripped = text.strip(" \ufeff").removeprefix(QUOTE).removesuffix(QUOTE)
    return stripped[4:] if stripped[:4].lower() == "sep=" and stripped[4:] in tuple(DELIMITERS) else None


def _likely_delimiter(header: str) -> str:
    return max(DELIMITERS, key=header.count)  # the first of equals: a comma


class _Lines:
    """Numbered physical lines without their ends, with a view ahead."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()  # with their ends
        self._number = 0
        self._end = ""  # of the current line

    def __iter__(self) -> Iterator[tuple[int, str]]:
        while (raw := self._ahead.popleft() if self._ahead else next(self._lines, None)) is not None:
            self._number += 1
            text, self._end = _split_end(raw)
            yield self._number, text

    def through_next_quote(self, after: int, most: int) -> tuple[str, int] | None:
        """What follows line ``after`` (0: the current one), through the next line with a quote.

        Returns the text, beginning with the line end before it, and the number of that line; None where there is no
        such line within ``most`` characters and the limit of lines.
        """
        text = self._end_of(after)
        for number in range(after + 1, MOST_LINES):
            while len(self._ahead) < number:
                raw = next(self._lines, None)
                if raw is None:
                    return None
                self._ahead.append(raw)
            raw = self._ahead[number - 1]
            if len(text) + len(raw) > most:
                return None
            if QUOTE in raw:
                return text + _split_end(raw)[0], number
            text += raw
        return None

    def _end_of(self, number: int) -> str:
        return self._end if number == 0 else _split_end(self._ahead[number - 1])[1]

    def skip(self, count: int) -> None:
        """Leave out the next lines: they belong to the current record."""
        for _ in range(count):
            self._ahead.popleft()
        self._number += count


def _split_end(raw: str) -> tuple[str, str]:
    for end in ("\r\n", "\n", "\r"):
        if raw.endswith(end):
            return raw.removesuffix(end), end
    return raw, ""
