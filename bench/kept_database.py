"""The database of a benchmark that takes minutes to fill: kept in a folder, on request, for the next runs.

Migrations run in each case, so that a kept database serves to compare indexes and queries.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from db.schema.migrate import upgrade
from local.embedded import Postgres, running


class Database:
    """A migrated database; `url` is its superuser's. What is kept beside it are small texts by name."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self._folder = url, folder

    def kept(self, name: str) -> str | None:
        """Return the text that an earlier run has kept; None without one."""
        file = self._folder / f"{name}.txt"
        return file.read_text() if file.exists() else None

    def keep(self, name: str, text: str) -> None:
        (self._folder / f"{name}.txt").write_text(text)


def add_option(parser: argparse.ArgumentParser) -> None:
    help_text = "keep the database in this folder, and use it again as it is in later runs (some 4 GB)"
    parser.add_argument("--data", type=Path, metavar="FOLDER", help=help_text)


@asynccontextmanager
async def database(folder: Path | None) -> AsyncIterator[Database]:
    """Start Postgres with its data in the folder, or in one that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="pb-") as temporary:
        data = folder or Path(temporary)
        async with running(Postgres(data)) as postgres:
            upgrade(postgres.url)
            yield Database(postgres.url, data)
