"""Event logs as files: ``.jsonl`` or ``.csv``, either of them as ``.gz``, ``-`` for the standard input.

Read line by line, so that a log larger than memory passes through; a line that is no event comes with its reason.
"""

import _csv
import contextlib
import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias, cast

from journey.events import Event, InvalidEvent, from_fields, parse
from journey.time import Micros

Raw = bytes | dict[str, str]
Line = tuple[int, Raw, Event | InvalidEvent]
Reader: TypeAlias = "io.BufferedReader[io.RawIOBase]"  # in quotes: at run time it takes no parameter

GZIP_MAGIC = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"  # what Windows programs put before UTF-8
BUFFER = 1 << 18
NUMBERS = ("duration_seconds", "call_duration_seconds", "rating")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}\.[0-9]{1,18}")


class UnreadableLog(Exception):
    """The file as a whole cannot be read: not there, broken off, no header. The text says which file and why."""


def read_log(path: str | Path, *, now: Micros | None = None) -> Iterator[Line]:
    """Every line of a log that is not blank: (its number from 1, as it was read, the event or why it is none).

    What was read is the line's bytes in JSON lines, the filled cells by column in CSV, where the number is the row's
    last line and the header is line 1. ``now`` (µs) refuses what lies in its future. Raises UnreadableLog, even midway.
    """
    name = str(path)
    try:
        with contextlib.ExitStack() as stack:
            stream = _open(name, stack)
            yield from _csv_lines(stream, now, name) if _is_csv(name, stream) else _json_lines(stream, now)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableLog(f"{name}: {reason}") from None


def _open(name: str, stack: contextlib.ExitStack) -> Reader:
    """The decompressed bytes. By its first bytes, not its name: a download may have been unpacked on the way."""
    raw = sys.stdin.buffer if name == "-" else stack.enter_context(io.FileIO(name))
    stream: Reader = io.BufferedReader(cast(io.RawIOBase, raw), BUFFER)
    if name == "-":
        stack.callback(stream.detach)  # the standard input stays open
    if stream.peek(2)[:2] == GZIP_MAGIC:
        # GzipFile's own lines go through Python one by one; a reader around it finds them in C
        unpacked = stack.enter_context(gzip.GzipFile(fileobj=stream))
        return io.BufferedReader(cast(io.RawIOBase, unpacked), BUFFER)
    return stream


def _is_csv(name: str, stream: Reader) -> bool:
    if name != "-":
        return name.lower().removesuffix(".gz").endswith(".csv")
    first = stream.peek(1).removeprefix(UTF8_MARK).split(b"\n", 1)[0]
    return b"{" not in first and b"customer_id" in first


def _json_lines(stream: Iterable[bytes], now: Micros | None) -> Iterator[Line]:
    for number, line in enumerate(stream, 1):
        if number == 1:
            line = line.removeprefix(UTF8_MARK)
        try:
            event = parse(line, now=now)
        except InvalidEvent as invalid:
            if not line.isspace():
                yield number, line, invalid
        else:
            yield number, line, event


def _csv_lines(stream: Reader, now: Micros | None, name: str) -> Iterator[Line]:
    # Bytes that are no UTF-8 become lone surrogates here, which no event takes: the row is refused with its field.
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _rows(csv.reader(text, strict=True), now, name)
    finally:
        text.detach()  # else it would close the stream, which may be the standard input


def _rows(rows: "_csv.Reader", now: Micros | None, name: str) -> Iterator[Line]:
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise UnreadableLog(f"{name}: the header is no CSV: {error}") from None
    if "customer_id" not in header:
        raise UnreadableLog(f"{name}: the first line must name the columns, customer_id among them")
    if twice := [column for column in header if header.count(column) > 1]:
        raise UnreadableLog(f"{name}: the column {twice[0]!r} stands twice")
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            yield rows.line_num, b"", InvalidEvent("(body)", "", f"CSV: {error}")
            continue
        if row is None:
            return
        if row:
            yield rows.line_num, *_from_row(header, row, now)


def _from_row(header: list[str], row: list[str], now: Micros | None) -> tuple[Raw, Event | InvalidEvent]:
    cells = {column: cell for column, cell in zip(header, row, strict=False) if cell}
    if len(row) > len(header) and any(row[len(header) :]):
        return cells, InvalidEvent("(body)", ",".join(row), f"at most {len(header)} cells, as the header has")
    fields: dict[str, str | int | float] = dict(cells)
    for column in NUMBERS:
        if (cell := cells.get(column)) is not None:
            fields[column] = _number(cell)
    try:
        return cells, from_fields(fields, now=now)
    except InvalidEvent as invalid:
        return cells, invalid


def _number(cell: str) -> str | int | float:
    """A cell's number; what is none stays text, which the event then refuses with the field's name."""
    cell = cell.strip()
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _DECIMAL.fullmatch(cell) else cell
