"""How commands print: tables and progress for people, JSON for programs."""

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

#: Where nobody looks, a table is as wide as it needs to be.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
SHORT = 25  # characters that stand on one line of a table
complaints = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=None if not sys.stdout.isatty() else 2, default=str))


def print_rows(rows: Sequence[dict[str, Any]], empty: str) -> None:
    """A table whose columns are the first row's keys, or the sentence for when there is none. Where there is room, only
    long texts are broken into lines; a column that nobody has anything in is left out."""
    if not rows:
        console.print(empty)
        return
    cells = {name: [_cell(row[name]) for row in rows] for name in rows[0]}
    cells = {name: column for name, column in cells.items() if any(column)}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    widths = {name: max(map(len, [name, *column])) for name, column in cells.items()}
    is_room = sum(3 + min(width, SHORT) for width in widths.values()) <= console.width
    for name, width in widths.items():
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=is_room and width <= SHORT)
    for row_cells in zip(*cells.values(), strict=True):
        table.add_row(*row_cells)
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, str) and INSTANT.match(value):
        return value[:16].replace("T", " ")  # which is always UTC
    return "" if value is None else escape(str(value))


def progress() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )


def print_result(rows: Sequence[dict[str, Any]], as_json: bool, empty: str) -> int:
    """Print rows as JSON or as a table, and return exit code 0."""
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, empty)
    return 0


def print_not_found(sentence: str) -> int:
    """Print what does not exist, and return exit code 1."""
    console.print(sentence)
    return 1
