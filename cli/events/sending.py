"""Send the events of an import to journeys, several customers at a time, and wait until they are in Postgres."""

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

CONCURRENCY = 32  # customers at a time
LOOKUP_CHUNK = 5000  # event ids in one query
STALL_TIMEOUT = 300.0  # seconds without progress until an import gives up
TRANSIENT = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.UNKNOWN,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
    RPCStatusCode.CANCELLED,
)

Outgoing = dict[str, list[dict[str, Any]]]


async def send_all(client: Client, company: int, outgoing: Outgoing, bar: Progress) -> dict[str, str]:
    """Send all events. Returns the customers that Temporal refused, each with the reason.

    Raises RPCError if Temporal is unavailable for minutes.
    """
    sending = bar.add_task("starting journeys", total=len(outgoing))
    customers = iter(outgoing.items())
    refused: dict[str, str] = {}

    async def send(customer: str, events: list[dict[str, Any]]) -> None:
        batches = list(event_batches(events))
        for batch in batches:
            until = None if batch is batches[-1] else _time_of(batch[-1])
            await _send_with_retries(partial(send_events, client, company, customer, batch, until=until, history=True))

    async def consume() -> None:
        for customer, events in customers:
            try:
                await send(customer, events)
            except RPCError as error:
                if _is_transient(error):
                    raise
                refused[customer] = error.message
            bar.advance(sending)

    await asyncio.gather(*(consume() for _ in range(CONCURRENCY)))
    return refused


async def run_actions(client: Client, company: int, customers: Sequence[str], bar: Progress) -> None:
    """Have each journey run the actions of its current stage, except those that it has run before."""
    acting = bar.add_task("running actions", total=len(customers))
    left = iter(customers)

    async def consume() -> None:
        for customer in left:
            await _send_with_retries(partial(journey_handle(client, company, customer).signal, ACT_SIGNAL))
            bar.advance(acting)

    await asyncio.gather(*(consume() for _ in range(CONCURRENCY)))


def _is_transient(error: RPCError) -> bool:
    """Whether a retry may succeed. A message that is too large never will, whatever its status."""
    return error.status in TRANSIENT and "larger than max" not in error.message


async def _send_with_retries(send: Callable[[], Awaitable[None]]) -> None:
    """Send with retries while Temporal is unavailable; an event that arrives twice counts once."""
    pause, gave_up = 0.2, time.monotonic() + STALL_TIMEOUT
    while True:
        try:
            return await send()
        except RPCError as error:
            if not _is_transient(error) or time.monotonic() > gave_up:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


def _time_of(event: dict[str, Any]) -> Micros:
    return to_micros(datetime.fromisoformat(event["occurred_at"]))


async def wait_until_projected(pool: Pool, company: int, outgoing: Outgoing, bar: Progress) -> None:
    """Wait until every event is in Postgres. Raises RuntimeError after minutes without progress."""
    waiting = [event["id"] for events in outgoing.values() for event in events]
    total, progressed = len(waiting), time.monotonic()
    projecting = bar.add_task("writing to Postgres", total=total)
    while waiting:
        front, rest = waiting[:LOOKUP_CHUNK], waiting[LOOKUP_CHUNK:]
        done: set[str] = set()
        with suppress(psycopg.OperationalError):  # until Postgres is back, the events are safe in Temporal
            done = {event_id for event_id, _ in await event_import.existing_events(pool, company, front)}
        waiting = [event_id for event_id in front if event_id not in done] + rest
        bar.update(projecting, completed=total - len(waiting))
        if done:
            progressed = time.monotonic()
        elif time.monotonic() - progressed > STALL_TIMEOUT:
            safe = f"{len(waiting)} events are safe in Temporal"
            raise RuntimeError(f"{safe} but have not reached Postgres for {STALL_TIMEOUT:.0f} s; is a worker running?")
        if len(done) < len(front):
            await asyncio.sleep(0.2)
