"""How commands print: tables and progress bars for people, JSON for programs."""

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

#: Tables that go to a file or pipe get a fixed, generous width.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
SHORT = 25  # characters of a cell that is not wrapped
complaints = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    print(json.dumps(document, indent=None if not sys.stdout.isatty() else 2, default=str))


def print_rows(rows: Sequence[dict[str, Any]], empty: str) -> None:
    """Print a table whose columns are the keys of the first row, or the sentence `empty` if there are no rows.

    Empty columns are left out. If the width allows it, only long texts are wrapped.
    """
    if not rows:
        console.print(empty)
        return
    cells = {name: [_cell(row[name]) for row in rows] for name in rows[0]}
    cells = {name: column for name, column in cells.items() if any(column)}
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    widths = {name: max(map(len, [name, *column])) for name, column in cells.items()}
    fits = sum(3 + min(width, SHORT) for width in widths.values()) <= console.width
    for name, width in widths.items():
        table.add_column(name.replace("_", " "), overflow="fold", no_wrap=fits and width <= SHORT)
    for row_cells in zip(*cells.values(), strict=True):
        table.add_row(*row_cells)
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, str) and TIMESTAMP.match(value):
        return value[:16].replace("T", " ")  # always UTC
    return "" if value is None else escape(str(value))


def progress() -> Progress:
    """A progress bar on standard error, hidden if that is not a terminal."""
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
