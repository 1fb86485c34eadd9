"""Event logs as files: JSON lines, CSV or a workbook, also compressed; ``-`` for the standard input.

Read line by line, so that a log larger than memory can be read. Every physical line is accounted for: it is a header,
ignored, part of an event, or rejected with its text and every problem. A file that cannot be read as a whole is
reported once, with the cause and what to do.
"""

import codecs
import contextlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypedDict

import msgspec

from cli.events.file_checks import UnreadableLog, check_start, is_json_lines
from cli.events.file_forms import (
    BUFFER,
    SEPARATORS,
    Encoding,
    Form,
    Reader,
    is_windows_1252,
    open_stream,
    utf16_encoding,
)
from journey.delimited import Item, records
from journey.event_problems import event_or_problems
from journey.event_validation import InvalidEvent, parse
from journey.events import Event
from journey.time import Micros

Kind = Literal["header", "ignored", "event", "rejected"]

REQUIRED = ("id", "type", "customer_id", "occurred_at")
NUMBERS = ("duration_seconds", "call_duration_seconds", "rating")
#: How other programs spell that there is no value. An id like this would collect the rows of everybody without an id.
NO_VALUE = frozenset({"null", "none", "nil", "nan", "na", "n/a", "#n/a", "<na>", "undefined"})
_NO_VALUE = {spelled for word in NO_VALUE for spelled in (word, word.upper(), word.title(), word.capitalize())} | {
    "NaN"
}
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,18}\.[0-9]{1,18}")
_WHOLE_AS_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,17})\.0+")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_decode = msgspec.json.Decoder().decode


class Line(msgspec.Struct, frozen=True, gc=False):
    """One or several physical lines of a log.

    ``line`` is the number of the first, from 1; ``lines`` how many they are. An event has ``event``; a rejected line
    has its text ``raw`` and all its ``errors``.
    """

    kind: Kind
    line: int
    event: Event | None = None
    lines: int = 1
    raw: str = ""
    errors: tuple[InvalidEvent, ...] = ()


class Checks(TypedDict):
    """What `parse` checks apart from the form of an event."""

    now: Micros | None
    email_ids: bool


def read_log(
    path: str | Path, *, now: Micros | None = None, email_ids: bool = True, form: Form | None = None
) -> Iterator[Line]:
    """Read every line of a log, in order.

    Args:
        path: The file; ``-`` is the standard input.
        now: µs since 1970; events more than five minutes later are rejected.
        email_ids: Whether customers' ids may be e-mail addresses.
        form: Encoding and separator, where they are not to be detected.

    Raises:
        UnreadableLog: also midway, where a compressed file is damaged.
    """
    name, form = str(path), form or Form()
    checks: Checks = {"now": now, "email_ids": email_ids}
    try:
        with contextlib.ExitStack() as stack:
            stream = open_stream(name, stack)
            if not isinstance(stream, io.BufferedReader):
                yield from _csv_lines(name, stream, checks)
                return
            start = stream.peek(BUFFER)
            utf16 = utf16_encoding(start) if form.encoding in (None, Encoding.utf16) else None
            if form.encoding is Encoding.utf16:
                utf16 = utf16 or "utf-16"
            sample = start.decode(utf16, "replace").encode() if utf16 else start.removeprefix(codecs.BOM_UTF8)
            check_start(name, sample)
            encoding = utf16 or _narrow_encoding(sample, form.encoding)
            if is_json_lines(name, sample):
                yield from _json_lines(_lines(stream, utf16, stack) if utf16 else stream, checks)
            else:
                items = records(_lines(stream, encoding, stack), form.delimiter and form.delimiter.character)
                yield from _csv_lines(name, _shown(items, encoding, form), checks)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UnreadableLog(f"{name}: {reason}") from None


def _narrow_encoding(sample: bytes, chosen: Encoding | None) -> str:
    if chosen is None:
        chosen = Encoding.windows1252 if is_windows_1252(sample) else Encoding.utf8
    return "cp1252" if chosen is Encoding.windows1252 else "utf-8-sig"


def _shown(items: Iterator[Item], encoding: str, form: Form) -> Iterator[Item]:
    """The items; what was detected and is not usual (UTF-8, commas) is shown at the header."""
    encodings = {"cp1252": "Windows-1252", "utf-8-sig": ""}
    for item in items:
        if item.kind == "header" and item.cells:
            name = "" if form.encoding else encodings.get(encoding, "UTF-16")
            separator = "" if form.delimiter else SEPARATORS.get(item.delimiter, "")
            if detected := ", ".join(
                filter(None, (name and f"encoding {name}", separator and f"separator {separator}"))
            ):
                form.show(f"detected {detected}; --encoding and --delimiter override this")
        yield item


def _lines(stream: Reader, encoding: str, stack: contextlib.ExitStack) -> io.TextIOWrapper:
    """Physical lines with their ends. Bytes that the encoding does not have become lone surrogates."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    text = io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")
    stack.callback(text.detach)  # else it would close the stream, which may be the standard input
    return text


# -- JSON lines -------------------------------------------------------------------------------------------------------


def _json_lines(stream: Iterable[bytes | str], checks: Checks) -> Iterator[Line]:
    for number, line in enumerate(stream, 1):
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8) if isinstance(line, bytes) else line.removeprefix("\ufeff")
        try:
            event = parse(line, **checks)
        except InvalidEvent as invalid:
            yield Line("ignored", number) if line.isspace() else _json_again(number, line, invalid, checks)
        else:
            customer = event.customer_id
            if type(customer) is str and (".0" in customer or customer in _NO_VALUE or event.id in _NO_VALUE):
                yield _json_again(number, line, None, checks)
            else:
                yield Line("event", number, event)


def _json_again(number: int, line: bytes | str, invalid: InvalidEvent | None, checks: Checks) -> Line:
    """A line that is no event as it is: read as other files spell their values, or rejected with every problem."""
    raw = line if isinstance(line, str) else line.decode("utf-8", "backslashreplace")
    try:
        fields = _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or _has_duplicate_names(line):
        return _rejected(number, 1, raw, [invalid] if invalid else [])
    cleaned = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    return _line(number, 1, raw, cleaned, checks)


def _has_duplicate_names(line: bytes | str) -> bool:
    """Whether a name is used twice in a JSON object: decoded once more, one of the two values would be lost."""
    pairs = json.loads(line, object_pairs_hook=list, parse_int=str, parse_float=str)
    return len({name for name, _ in pairs}) < len(pairs)


# -- CSV --------------------------------------------------------------------------------------------------------------


def _csv_lines(name: str, items: Iterable[Item], checks: Checks) -> Iterator[Line]:
    header: list[str] | None = None
    for item in items:
        if item.kind == "header":
            if item.cells:
                header = _header(name, item)
            yield Line("header", item.line, lines=item.lines)
        elif item.kind == "ignored":
            yield Line("ignored", item.line, lines=item.lines)
        elif header is None:
            raise UnreadableLog(f"{name}: line {item.line} should name the columns, but: {item.problem}")
        elif item.kind == "rejected":
            yield _rejected(item.line, item.lines, item.raw, [InvalidEvent("(line)", item.raw, item.problem)])
        else:
            yield _record(header, item, checks)
    if header is None:
        raise UnreadableLog(f"{name}: the file is empty; the first line should name the columns")


def _header(name: str, item: Item) -> list[str]:
    """The names of the columns, empty ones at the end left out."""
    columns = [cell.strip().removeprefix("\ufeff").strip() for cell in item.cells]
    while columns and not columns[-1]:
        columns.pop()
    if missing := [column for column in REQUIRED if column not in columns]:
        shown = ", ".join(columns[:12]) + (" …" if len(columns) > 12 else "")
        raise UnreadableLog(
            f"{name}: line {item.line} should name the columns; {', '.join(missing)} missing (found: {shown[:200]})"
        )
    if twice := [column for column in columns if column and columns.count(column) > 1]:
        raise UnreadableLog(f"{name}: line {item.line} names the column {twice[0]!r} more than once")
    return columns


def _record(header: list[str], item: Item, checks: Checks) -> Line:
    cells = [cell.strip() for cell in item.cells]
    problems: list[InvalidEvent] = []
    if bad := _NOT_UTF8.search(item.raw):
        byte = ord(bad[0]) - 0xDC00
        problems.append(
            InvalidEvent("(line)", f"byte 0x{byte:02x}", "text in the encoding of the file (--encoding names another)")
        )
    if any(cells[len(header) :]):
        extra = next(cell for cell in cells[len(header) :] if cell)
        problems.append(InvalidEvent("(line)", extra, f"a value beyond the header's {len(header)} columns"))
    named = dict(zip(header, cells, strict=False))
    if unnamed := named.pop("", ""):
        problems.append(InvalidEvent("(line)", unnamed, "a value in a column without a name"))
    if problems:
        return _rejected(item.line, item.lines, item.raw, problems)
    fields: dict[str, Any] = {column: cell for column, cell in named.items() if cell}
    for column in NUMBERS:
        if column in fields:
            fields[column] = _number(fields[column])
    return _line(item.line, item.lines, item.raw, fields, checks)


def _line(number: int, lines: int, raw: str, fields: dict[str, Any], checks: Checks) -> Line:
    """An event of a file, its ids read as spreadsheets and databases write them; or every problem of it."""
    problems = []
    for name in ("id", "customer_id"):
        if isinstance(value := fields.get(name), str) and value.lower() in NO_VALUE:
            problems.append(InvalidEvent(name, value, "required; this stands for no value"))
            fields = {**fields, name: "1"}
    customer = fields.get("customer_id")
    if isinstance(customer, str) and (whole := _WHOLE_AS_DECIMAL.fullmatch(customer)):
        fields = {**fields, "customer_id": whole[1]}
    event = event_or_problems(fields, **checks)
    if isinstance(event, Event) and not problems:
        return Line("event", number, event, lines)
    return _rejected(number, lines, raw, problems + ([] if isinstance(event, Event) else event))


def _rejected(number: int, lines: int, raw: str, errors: list[InvalidEvent]) -> Line:
    text = raw.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return Line("rejected", number, None, lines, text, tuple(errors))


def _number(cell: str) -> str | int | float:
    """A cell's number; what is none stays text, which is then rejected with the field's name."""
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _DECIMAL.fullmatch(cell) else cell
