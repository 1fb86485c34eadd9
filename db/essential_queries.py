"""How a module declares its essential queries, whose plans `journey optimize-queries` shows.

`db/operations/query_registry.py` collects `ESSENTIAL_QUERIES` of the modules in `db/analytics`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from db.connections import Pool


@dataclass(frozen=True, slots=True)
class SampleJourney:
    """The parameters of the queries: a company, one of its customers and one of their events."""

    company_id: int
    customer_id: str = "nobody"
    event_id: str = "nothing"
    run_id: str = ""
    version: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def month_ago(self) -> datetime:
        return self.now - timedelta(days=30)


@dataclass(frozen=True, slots=True)
class RegisteredQuery:
    """One query.

    Attributes:
        name: The name shown in reports.
        run: Calls the function that executes the query.
        reads_whole_company: The result depends on every row of the company, so that no index could avoid reading them.
        writes: The query writes; it is only explained, never executed.
    """

    name: str
    run: Callable[[Pool, SampleJourney], Awaitable[Any]]
    reads_whole_company: bool = False
    writes: bool = False
