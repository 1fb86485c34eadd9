"""Live updates: one watcher per process polls for changes and notifies its listeners.

It polls each company with listeners once a second (measured: 1 ms), so that any number of open dashboards of a company
costs the same. Listeners hold no database connection.
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

POLL_INTERVAL = 1.0  # seconds
MAX_LISTENERS = 200  # per company and process
MAX_CUSTOMERS = 50  # per message

_log = structlog.get_logger("gateway")

Change = set[str] | None  # customer ids; None: too many to list


class StreamClosed(Exception):
    """The gateway is shutting down."""


class Listener:
    """One client of the stream; collects the changes it has not received yet."""

    def __init__(self) -> None:
        self._pending: Change = set()
        self._closed = False
        self._wake = asyncio.Event()

    def notify(self, change: Change) -> None:
        """Add a change and wake the client."""
        if change is None or self._pending is None:
            self._pending = None
        else:
            self._pending |= change
            if len(self._pending) > MAX_CUSTOMERS:
                self._pending = None
        self._wake.set()

    def close(self) -> None:
        """Make `changed` raise StreamClosed."""
        self._closed = True
        self._wake.set()

    async def changed(self, within: float) -> Change:
        """Wait for changes and return them; an empty set after `within` seconds without any.

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
    """All listeners of a process, by company. `watch` is its background task."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._companies: dict[int, _Company] = {}
        self._closed = False

    def listener_count(self, company_id: int) -> int:
        """Return the number of listeners of a company."""
        company = self._companies.get(company_id)
        return len(company.listeners) if company else 0

    @asynccontextmanager
    async def listen(self, company_id: int) -> AsyncGenerator[Listener]:
        """Register a listener, which receives every change that is committed from now on.

        Raises the problem 429 if the company has too many listeners, psycopg.OperationalError if Postgres is down.
        """
        if self.listener_count(company_id) >= MAX_LISTENERS:
            detail = f"this company already has {MAX_LISTENERS} open streams"
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
        """Poll for changes and notify listeners, also after outages of Postgres. Runs until it is cancelled."""
        unavailable = False
        while True:
            await asyncio.sleep(POLL_INTERVAL)
            for company_id, company in list(self._companies.items()):
                try:
                    change = await change_feed.poll(self._pool, company_id, company.watch)
                except psycopg.OperationalError as error:
                    if not unavailable:
                        _log.warning("postgres does not respond; streams wait", error=str(error)[:200])
                    unavailable = True
                    break
                except psycopg.Error:
                    _log.exception("cannot read changes", company=company_id)
                    continue
                unavailable = False
                if change is None or change:
                    for listener in company.listeners:
                        listener.notify(change)

    def close(self) -> None:
        """End every stream, because a server that shuts down would wait for them."""
        self._closed = True
        for company in self._companies.values():
            for listener in company.listeners:
                listener.close()
