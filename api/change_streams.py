"""Who listens for changes, and the one watcher of a process that tells them. No listener holds a connection.

The watcher looks once a second at each company that somebody listens to (measured: a millisecond), so that a thousand
open dashboards of one company cost what one costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import structlog

from api.problems import problem
from db.connections import Pool
from db.journeys import change_feed
from db.journeys.change_feed import FeedCursor

TICK = 1.0  # seconds between two looks
MAX_LISTENERS = 200  # of one company, in one process
MAX_CUSTOMERS = 50  # customers in one message

_log = structlog.get_logger("gateway")

Change = set[str] | None  # the customers; None: more than can be named


class StreamClosed(Exception):
    """The gateway is being stopped."""


class Listener:
    """What one client has not been told yet, gathered while it was not listener_count."""

    def __init__(self) -> None:
        self._pending: Change = set()
        self._closed = False
        self._wake = asyncio.Event()

    def notify(self, change: Change) -> None:
        if change is None or self._pending is None:
            self._pending = None
        else:
            self._pending |= change
            if len(self._pending) > MAX_CUSTOMERS:
                self._pending = None
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def changed(self, within: float) -> Change:
        """What changed since the last time; nothing (an empty set) after `within` seconds without a change.

        Raises StreamClosed.
        """
        try:
            async with asyncio.timeout(within):
                await self._wake.wait()
        except TimeoutError:
            return set()
        if self._closed:
            raise StreamClosed
        self._wake.clear()
        change, self._pending = self._pending, set()
        return change


@dataclass(slots=True)
class _Company:
    watch: FeedCursor
    listeners: set[Listener] = field(default_factory=set)


class ChangeStreams:
    """The listeners of a process by company. `watch` runs beside the gateway; `close` ends all."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._companies: dict[int, _Company] = {}
        self._closed = False

    def listener_count(self, company_id: int) -> int:
        """How many listen to a company."""
        company = self._companies.get(company_id)
        return len(company.listeners) if company else 0

    @asynccontextmanager
    async def listen(self, company_id: int) -> AsyncGenerator[Listener]:
        """A listener that is told everything committed after it was made. Raises the problem 429 for one too many,
        psycopg.OperationalError when Postgres does not answer."""
        if self.listener_count(company_id) >= MAX_LISTENERS:
            detail = f"{MAX_LISTENERS} dashboards of this company are open already"
            raise problem("rate-limited", detail, headers={"Retry-After": "30"})
        if company_id not in self._companies:
            watch = await change_feed.start(self._pool, company_id)
            self._companies.setdefault(company_id, _Company(watch))
        company, listener = self._companies[company_id], Listener()
        company.listeners.add(listener)
        if self._closed:
            listener.close()
        try:
            yield listener
        finally:
            company.listeners.discard(listener)
            if not company.listeners and self._companies.get(company_id) is company:
                del self._companies[company_id]

    async def watch(self) -> None:
        """Look, and tell, for ever. Postgres may go away and come back meanwhile."""
        away = False
        while True:
            await asyncio.sleep(TICK)
            for company_id, company in list(self._companies.items()):
                try:
                    change = await change_feed.poll(self._pool, company_id, company.watch)
                except psycopg.OperationalError as error:
                    if not away:
                        _log.warning("postgres does not answer; streams wait", error=str(error)[:200])
                    away = True
                    break
                except psycopg.Error:
                    _log.exception("changes could not be read", company=company_id)
                    continue
                away = False
                if change is None or change:
                    for listener in company.listeners:
                        listener.notify(change)

    def close(self) -> None:
        """End every stream: a server that is being stopped would otherwise wait for them."""
        self._closed = True
        for company in self._companies.values():
            for listener in company.listeners:
                listener.close()
