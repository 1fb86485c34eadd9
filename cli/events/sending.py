"""The sending part of an import: events to journeys, some customers at once, until everything is in Postgres."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from rich.progress import Progress
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts.event_batches import event_batches
from contracts.journey_client import journey_handle, send_events
from contracts.names import ACT_SIGNAL
from db.connections import Pool
from db.operations import event_import
from journey.time import Micros, to_micros

LANES = 32  # customers under way at once
LOOKED_UP = 5000  # event ids in one query
PATIENCE = 300.0  # seconds without any progress until an import gives up
TRANSIENT = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
)

Outgoing = dict[str, list[dict[str, Any]]]


async def send_all(client: Client, company: int, outgoing: Outgoing, bar: Progress) -> dict[str, str]:
    """Send all events, some customers at once; the customers that Temporal refused, each with the reason.

    Raises RPCError when Temporal does not answer for minutes.
    """
    sending = bar.add_task("starting journeys", total=len(outgoing))
    customers = iter(outgoing.items())
    refused: dict[str, str] = {}

    async def send(customer: str, events: list[dict[str, Any]]) -> None:
        batches = list(event_batches(events))
        for batch in batches:
            until = None if batch is batches[-1] else _instant_of(batch[-1])
            await _patiently(partial(send_events, client, company, customer, batch, until=until, history=True))

    async def lane() -> None:
        for customer, events in customers:
            try:
                await send(customer, events)
            except RPCError as error:
                if _is_transient(error):
                    raise
                refused[customer] = error.message
            bar.advance(sending)

    await asyncio.gather(*(lane() for _ in range(LANES)))
    return refused


async def run_actions(client: Client, company: int, customers: Sequence[str], bar: Progress) -> None:
    """Have each journey do what its stage of now asks for; what it did before it does not do again."""
    acting = bar.add_task("acting", total=len(customers))
    left = iter(customers)

    async def lane() -> None:
        for customer in left:
            await _patiently(partial(journey_handle(client, company, customer).signal, ACT_SIGNAL))
            bar.advance(acting)

    await asyncio.gather(*(lane() for _ in range(LANES)))


def _is_transient(error: RPCError) -> bool:
    """Whether the same call may succeed later. What is too large never will, whichever status says so."""
    return error.status in TRANSIENT and "larger than max" not in error.message


async def _patiently(send: Callable[[], Awaitable[None]]) -> None:
    """Send, and try again while Temporal is away: an event that was taken twice counts once."""
    pause, gave_up = 0.2, time.monotonic() + PATIENCE
    while True:
        try:
            return await send()
        except RPCError as error:
            if not _is_transient(error) or time.monotonic() > gave_up:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


def _instant_of(event: dict[str, Any]) -> Micros:
    return to_micros(datetime.fromisoformat(event["occurred_at"]))


async def wait_until_projected(pool: Pool, company: int, outgoing: Outgoing, bar: Progress) -> None:
    """Wait until every event sent stands in Postgres. Raises RuntimeError when nothing moves for minutes."""
    waiting = [event["id"] for events in outgoing.values() for event in events]
    total, moved = len(waiting), time.monotonic()
    projecting = bar.add_task("projecting", total=total)
    while waiting:
        front, rest = waiting[:LOOKED_UP], waiting[LOOKED_UP:]
        done: set[str] = set()
        with suppress(psycopg.OperationalError):  # Postgres may be away for a while: the events are safe in Temporal
            done = {event_id for event_id, _ in await event_import.existing_events(pool, company, front)}
        waiting = [event_id for event_id in front if event_id not in done] + rest
        bar.update(projecting, completed=total - len(waiting))
        if done:
            moved = time.monotonic()
        elif time.monotonic() - moved > PATIENCE:
            safe = f"{len(waiting)} events are safe in Temporal"
            raise RuntimeError(f"{safe} but were not projected for {PATIENCE:.0f} s: is a worker running?")
        if len(done) < len(front):
            await asyncio.sleep(0.2)
