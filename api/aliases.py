"""The ids of merged customers, as far as this gateway knows them: intake must not wait for Postgres.

An event that is sent to the journey of a merged customer all the same is handed on by its commit.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from db.connections import Pool
from db.people.aliases import merged_since

FRESH = 5.0  # seconds between two looks at a company's merges, while it sends events
FIRST_LOOK = 0.25  # seconds that the first events of a company wait at most, so that few take the longer way


@dataclass(slots=True)
class _Company:
    aliases: dict[str, str] = field(default_factory=dict)
    since: datetime | None = None
    looked_at: float = float("-inf")
    look: asyncio.Task[None] | None = None


class Aliases:
    """The merged customers of each company that sends events, refreshed in the background."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._companies: dict[int, _Company] = {}

    async def of_company(self, company_id: int) -> dict[str, str]:
        """Return the customers that ids were merged into; possibly a few seconds old."""
        company = self._companies.setdefault(company_id, _Company())
        if company.look is None and time.monotonic() - company.looked_at > FRESH:
            company.look = asyncio.create_task(self._look(company_id, company))
            if company.looked_at == float("-inf"):
                await asyncio.wait({company.look}, timeout=FIRST_LOOK)
        return company.aliases

    async def _look(self, company_id: int, company: _Company) -> None:
        try:
            found, company.since = await merged_since(self._pool, company_id, company.since)
            company.aliases |= found
        except psycopg.OperationalError:
            pass  # what is known still holds
        finally:
            company.looked_at, company.look = time.monotonic(), None


def end_of_chain(aliases: dict[str, str], customer_id: str) -> str:
    """Return the customer whom an id means. Merges become known one by one, so that there may be chains."""
    for _ in range(len(aliases)):
        if customer_id not in aliases:
            break
        customer_id = aliases[customer_id]
    return customer_id
