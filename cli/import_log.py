"""``journey import``: an event log into journeys, customer by customer, resumable and repeatable.

The log is read whole before anything is sent: only then is it known which line is the last event, and all events of one
customer can go in one message, so that a history imported at once is lived in order. What the ledger has already is not
sent again; what was sent twice all the same counts once.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from rich.progress import Progress
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

import connection
from cli.event_log_file import Raw, UnreadableLog, read_log
from cli.output import complaints, console, print_json, progress
from contracts.journey_client import journey_handle, send_events
from contracts.names import ACT_SIGNAL
from db.connections import Pool, open_pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from journey.events import MICROSECOND, Event, InvalidEvent, canonical, content_hash, to_instant
from journey.simulate import Log
from settings import Settings

LANES = 32  # customers under way at once
CHUNK = 1000  # events in one message
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


async def import_log(settings: Settings, file: str, company: int, shift_to_now: bool, act: bool, as_json: bool) -> int:
    """Import a log for one company; 0, 1 when lines were rejected, 2 when the file cannot be read.

    Nobody acts upon what is imported; ``act``: but for the actions of the stage that each customer stands in now.
    Raises ValueError for a company that does not exist, RuntimeError or psycopg.OperationalError when a part is away.
    """
    with progress() as bar:
        try:
            log, bad, fingerprint = _read(file, bar, None if shift_to_now else int(time.time() * 1e6))
        except UnreadableLog as error:
            complaints.print(f"[red]error:[/red] {error}")
            return 2
        pool = await open_pool(settings.database_url, min_size=1, max_size=4, timeout=10.0)
        try:
            await _company_exists(pool, company)
            shift = 0
            if shift_to_now and log.last_at is not None:
                # whole seconds, so that times read as well as before
                shift = (int(time.time()) * 1_000_000 - log.last_at) // 1_000_000 * 1_000_000
                shift = await maintenance.import_shift(pool, company, fingerprint, shift)
            outgoing = _outgoing(log, shift)
            left = await _unknown(pool, company, outgoing, bar)
            sent = sum(map(len, left.values()))
            client = await connection.connect() if left or act else None
            if left and client:
                await _send(client, company, left, bar)
                await _projected(pool, company, left, bar)
            if act and client:
                await _act(client, company, list(outgoing), bar)
        finally:
            await pool.close()
    summary = {
        "customers": len(log.customers),
        "events": log.events,
        "imported": sent,
        "known": log.events - sent,
        "duplicates": log.duplicates,
        "conflicts": len(log.conflicts),
        "rejected": bad,
        "shifted_seconds": shift // 1_000_000,
    }
    if as_json:
        print_json(summary)
    else:
        console.print(
            f"{sent:,} events of {len(left):,} customers imported, {summary['known']:,} were there already"
            + (f", {log.duplicates:,} duplicates" if log.duplicates else "")
        )
        if bad:
            console.print(f"[yellow]{bad:,} lines rejected[/yellow]: see {_rejects(file)}")
        if log.conflicts:
            console.print(
                f"[yellow]{len(log.conflicts)} conflicts[/yellow] (the first content counts): {log.conflicts[:5]}"
            )
    return 1 if bad or log.conflicts else 0


async def _company_exists(pool: Pool, company: int) -> None:
    """Raises ValueError where there is none: its journeys could never be committed."""
    try:
        await RulebookCache().latest(pool, company)
    except LookupError as error:
        raise ValueError(f"--company: {error}") from None


def _rejects(file: str) -> Path:
    return Path(("import" if file == "-" else file) + ".rejected.jsonl")


def _read(file: str, bar: Progress, now: int | None) -> tuple[Log, int, str]:
    """The log, how many lines were bad (they are in the rejects file), and a fingerprint of its events."""
    log, bad = Log(), 0
    fingerprint = hashlib.sha256()
    reading = bar.add_task("reading", total=None)
    rejects: list[dict[str, Any]] = []
    for number, raw, event in read_log(file, now=now):
        bar.advance(reading)
        conflicts = len(log.conflicts)
        if isinstance(event, InvalidEvent):
            bad += 1
            rejects.append({"line": number, "errors": [event.as_dict()], "raw": _text(raw)})
        elif log.add(event):
            fingerprint.update(event.id.encode() + b"\n")
        elif len(log.conflicts) > conflicts:
            problem = InvalidEvent("id", event.id, "an event with this id and other content came first")
            rejects.append({"line": number, "errors": [problem.as_dict()], "raw": _text(raw)})
    bar.update(reading, total=log.events + bad, completed=log.events + bad)
    _rejects(file).unlink(missing_ok=True)  # an earlier import's
    if rejects:
        with _rejects(file).open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(reject) + "\n" for reject in rejects)
    return log, bad, fingerprint.hexdigest()


def _text(raw: Raw) -> str:
    return raw.decode("utf-8", "replace").rstrip("\n") if isinstance(raw, bytes) else json.dumps(raw)


def _outgoing(log: Log, shift: int) -> Outgoing:
    """Every customer's events as they are sent, in order of time, moved by ``shift`` µs."""
    outgoing: Outgoing = {}
    for customer, events in log.customers.items():
        ordered = sorted(events, key=lambda event: (event.at, event.id))
        outgoing[customer] = [canonical(_moved(event, shift)) for event in ordered]
    return outgoing


def _moved(event: Event, shift: int) -> Event:
    if not shift:
        return event
    changes: dict[str, Any] = {"occurred_at": event.occurred_at + shift * MICROSECOND}
    scheduled = getattr(event, "scheduled_for", None)
    if scheduled is not None:
        changes["scheduled_for"] = scheduled + shift * MICROSECOND
    moved: Event = msgspec.structs.replace(event, **changes)
    return moved


async def _unknown(pool: Pool, company: int, outgoing: Outgoing, bar: Progress) -> Outgoing:
    """What the ledger does not have."""
    known: set[str] = set()
    listed = [event for events in outgoing.values() for event in events]
    looking = bar.add_task("comparing with the ledger", total=len(listed))
    for start in range(0, len(listed), LOOKED_UP):
        chunk = {event["id"]: event for event in listed[start : start + LOOKED_UP]}
        for event_id, stored in await maintenance.existing_events(pool, company, list(chunk)):
            if stored == content_hash(chunk[event_id]):
                known.add(event_id)
        bar.advance(looking, min(LOOKED_UP, len(listed) - start))
    left = {customer: [e for e in events if e["id"] not in known] for customer, events in outgoing.items()}
    return {customer: events for customer, events in left.items() if events}


async def _send(client: Client, company: int, outgoing: Outgoing, bar: Progress) -> None:
    sending = bar.add_task("starting journeys", total=len(outgoing))
    customers = iter(outgoing.items())

    async def lane() -> None:
        for customer, events in customers:
            for start in range(0, len(events), CHUNK):
                chunk = events[start : start + CHUNK]
                until = None if start + CHUNK >= len(events) else _instant_of(chunk[-1])
                await _patiently(partial(send_events, client, company, customer, chunk, until=until, history=True))
            bar.advance(sending)

    await asyncio.gather(*(lane() for _ in range(LANES)))


async def _act(client: Client, company: int, customers: Sequence[str], bar: Progress) -> None:
    """Have each journey do what its stage of now asks for; what it did before it does not do again."""
    acting = bar.add_task("acting", total=len(customers))
    left = iter(customers)

    async def lane() -> None:
        for customer in left:
            await _patiently(partial(journey_handle(client, company, customer).signal, ACT_SIGNAL))
            bar.advance(acting)

    await asyncio.gather(*(lane() for _ in range(LANES)))


async def _patiently(send: Callable[[], Awaitable[None]]) -> None:
    """Send, and try again while Temporal is away: an event that was taken twice counts once."""
    pause, gave_up = 0.2, time.monotonic() + PATIENCE
    while True:
        try:
            return await send()
        except RPCError as error:
            if error.status not in TRANSIENT or time.monotonic() > gave_up:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 5.0)


def _instant_of(event: dict[str, Any]) -> int:
    return to_instant(datetime.fromisoformat(event["occurred_at"]))


async def _projected(pool: Pool, company: int, outgoing: Outgoing, bar: Progress) -> None:
    """Wait until every event sent stands in Postgres. Raises RuntimeError when nothing moves for minutes."""
    waiting = [event["id"] for events in outgoing.values() for event in events]
    total, moved = len(waiting), time.monotonic()
    projecting = bar.add_task("projecting", total=total)
    while waiting:
        front, rest = waiting[:LOOKED_UP], waiting[LOOKED_UP:]
        done: set[str] = set()
        with suppress(psycopg.OperationalError):  # Postgres may be away for a while: the events are safe in Temporal
            done = {event_id for event_id, _ in await maintenance.existing_events(pool, company, front)}
        waiting = [event_id for event_id in front if event_id not in done] + rest
        bar.update(projecting, completed=total - len(waiting))
        if done:
            moved = time.monotonic()
        elif time.monotonic() - moved > PATIENCE:
            safe = f"{len(waiting)} events are safe in Temporal"
            raise RuntimeError(f"{safe} but were not projected for {PATIENCE:.0f} s: is a worker running?")
        if len(done) < len(front):
            await asyncio.sleep(0.2)
