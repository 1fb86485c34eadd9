"""The forms in which files arrive: plain, gzip or in a ZIP archive; their text encoding; the rows of a workbook.

By their first bytes and not by their name: a download may have been unpacked on the way. Archives are read as streams.
A workbook is held in memory, so a large one is refused.
"""

import codecs
import contextlib
import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias, cast

from python_calamine import CalamineError, CalamineWorkbook

from cli.events.file_checks import UnreadableLog
from journey.delimited import Item

Reader: TypeAlias = "io.BufferedReader[io.RawIOBase]"  # in quotes: at run time it takes no parameter

BUFFER = 1 << 18
GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: an empty archive
WORKBOOK = "xl/workbook.xml"
LARGEST_WORKBOOK = 200_000_000  # bytes, unpacked


#: Separators other than the comma, as they are shown.
SEPARATORS = {";": "semicolon", "\t": "tab", "|": "pipe"}


class Encoding(StrEnum):
    """Text encodings that files are read in."""

    utf8 = "utf-8"
    utf16 = "utf-16"
    windows1252 = "windows-1252"


class Delimiter(StrEnum):
    """Separators of columns, as an option names them."""

    comma = "comma"
    semicolon = "semicolon"
    tab = "tab"
    pipe = "pipe"

    @property
    def character(self) -> str:
        return next((character for character, name in SEPARATORS.items() if name == self.value), ",")


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of a file's form; None is detected. ``show`` is called with what was detected, in words."""

    encoding: Encoding | None = None
    delimiter: Delimiter | None = None
    show: Callable[[str], None] = lambda _: None


def open_stream(name: str, stack: contextlib.ExitStack) -> "Reader | Iterator[Item]":
    """The unpacked bytes of a file (``-`` is the standard input), or the rows of a workbook."""
    raw = sys.stdin.buffer if name == "-" else stack.enter_context(io.FileIO(name))
    stream: Reader = io.BufferedReader(cast(io.RawIOBase, raw), BUFFER)
    if name == "-":
        stack.callback(stream.detach)  # the standard input stays open
    start = stream.peek(4)
    if start.startswith(GZIP_MAGIC):
        # GzipFile's own lines go through Python one by one; a reader around it finds them in C
        unpacked = stack.enter_context(gzip.GzipFile(fileobj=stream))
        return io.BufferedReader(cast(io.RawIOBase, unpacked), BUFFER)
    if start.startswith(ZIP_MAGICS):
        return _open_archive(name, stack)
    return stream


def _open_archive(name: str, stack: contextlib.ExitStack) -> "Reader | Iterator[Item]":
    if name == "-":
        raise UnreadableLog("-: a workbook or ZIP archive cannot be read from the standard input; name the file")
    try:
        archive = stack.enter_context(zipfile.ZipFile(name))
    except zipfile.BadZipFile:
        raise UnreadableLog(f"{name}: this is a damaged Excel workbook or ZIP archive") from None
    if WORKBOOK in archive.namelist():
        if sum(member.file_size for member in archive.infolist()) > LARGEST_WORKBOOK:
            raise UnreadableLog(
                f"{name}: the workbook is larger than {LARGEST_WORKBOOK // 1_000_000} MB unpacked; save the sheet as "
                "“CSV UTF-8”, which is read line by line"
            )
        return workbook_rows(name)
    members = [
        member
        for member in archive.infolist()
        if not member.is_dir() and not member.filename.startswith(("__MACOSX/", "."))
    ]
    if len(members) != 1:
        listed = ", ".join(member.filename for member in members[:5]) + (" …" if len(members) > 5 else "")
        raise UnreadableLog(
            f"{name}: a ZIP archive must hold exactly one file, and this one holds {len(members)}"
            + (f" ({listed}); unpack it and choose one" if members else "")
        )
    if members[0].flag_bits & 1:
        raise UnreadableLog(f"{name}: the archive is encrypted; unpack it first")
    try:
        member = stack.enter_context(archive.open(members[0]))
    except NotImplementedError as error:
        raise UnreadableLog(f"{name}: {error}; unpack it first") from None
    return io.BufferedReader(cast(io.RawIOBase, member), BUFFER)


def utf16_encoding(sample: bytes) -> str | None:
    """The codec of UTF-16 text, with or without a byte order mark; None for other text."""
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    pairs = len(sample) // 2
    for codec, zeros, others in (("utf-16-le", sample[1::2], sample[::2]), ("utf-16-be", sample[::2], sample[1::2])):
        # without a mark, only text that is mostly ASCII can be recognised
        if pairs and zeros.count(0) > pairs * 0.8 and not others.count(0):
            return codec
    return None


def is_windows_1252(sample: bytes) -> bool:
    """Whether several lines are not UTF-8, and not one has any valid UTF-8 beyond ASCII."""
    invalid = 0
    lines = sample.splitlines()
    if len(lines) > 1 and not sample.endswith((b"\n", b"\r")):
        lines.pop()  # cut off by the end of the sample, perhaps inside a character
    for line in lines:
        if line.isascii():
            continue
        try:
            line.decode()
        except UnicodeDecodeError:
            invalid += 1
        else:
            return False
    return invalid > 1


def workbook_rows(name: str) -> Iterator[Item]:
    """The rows of a workbook's first sheet that has any: a header, then records; a row's number is its line."""
    try:
        workbook = CalamineWorkbook.from_path(name)
        sheets = (workbook.get_sheet_by_name(sheet) for sheet in workbook.sheet_names)
        sheet = next((sheet for sheet in sheets if sheet.height), None)
    except CalamineError as error:
        raise UnreadableLog(f"{name}: the workbook cannot be read: {error}") from None
    rows = [] if sheet is None else sheet.to_python(skip_empty_area=False)
    kind = "header"
    for number, row in enumerate(rows, 1):
        cells = tuple(_cell_text(cell) for cell in row)
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(cells)
        if not any(cells):
            yield Item("ignored", number, 1, text.getvalue())
        elif kind == "header":
            yield Item("header", number, 1, text.getvalue(), cells)
            kind = "record"
        else:
            yield Item("record", number, 1, text.getvalue(), cells)


def _cell_text(cell: str | float | bool | datetime | date | time | timedelta) -> str:
    """A cell as a CSV file would have it: whole numbers without a fraction, times in ISO 8601."""
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)
