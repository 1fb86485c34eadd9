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
from cli.event_log_file import Line, UnreadableLog, read_log
from cli.output import complaints, console, print_json, progress
from contracts.event_batches import event_batches
from contracts.journey_client import journey, send_events
from contracts.names import ACT_SIGNAL
from db.connections import Pool, open_pool
from db.journeys.rulebooks import Rulebooks
from db.operations import maintenance
from journey.events import MICROSECOND, Event, InvalidEvent, canonical, content_hash, to_instant
from journey.simulate import Log
from settings import Settings

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


async def import_log(settings: Settings, file: str, company: int, shift_to_now: bool, act: bool, as_json: bool) -> int:
    """Import a log for one company; the exit code.

    Args:
        shift_to_now: Move all times so that the last event is now.
        act: Run the actions of each customer's current stage. No others are run for imported events.

    Returns:
        0; 1 when lines were rejected or customers could not be sent; 2 when the file cannot be read.

    Raises:
        ValueError: The company does not exist.
        RuntimeError, psycopg.OperationalError: Temporal or Postgres does not answer.
    """
    with progress() as bar:
        try:
            log, lines, fingerprint = _read(file, bar, None if shift_to_now else int(time.time() * 1e6))
        except UnreadableLog as error:
            complaints.print(f"[red]error:[/red] {error}")
            return 2
        pool = await open_pool(settings.database_url, min_size=1, max_size=4, timeout=10.0)
        try:
            await _company_exists(pool, company)
            shift = 0
            unsent: list[dict[str, Any]] = []
            if shift_to_now and log.last_at is not None:
                # whole seconds, so that times read as well as before
                shift = (int(time.time()) * 1_000_000 - log.last_at) // 1_000_000 * 1_000_000
                shift = await maintenance.import_shift(pool, company, fingerprint, shift)
            outgoing = _outgoing(log, shift)
            left = await _unknown(pool, company, outgoing, bar)
            known = log.events - sum(map(len, left.values()))
            failed: dict[str, str] = {}
            client = await connection.connect() if left or act else None
            if left and client:
                failed = await _send(client, company, left, bar)
                unsent = [{"customer_id": c, "events": len(left.pop(c)), "problem": why} for c, why in failed.items()]
                await _projected(pool, company, left, bar)
            if act and client:
                await _act(client, company, [customer for customer in outgoing if customer not in failed], bar)
        finally:
            await pool.close()
    summary = {
        "customers": len(log.customers),
        "events": log.events,
        "imported": sum(map(len, left.values())),
        "known": known,
        "duplicates": log.duplicates,
        "conflicts": len(log.conflicts),
        "rejected": lines["rejected"],
        "lines": lines,
        "unsent": unsent,
        "shifted_seconds": shift // 1_000_000,
    }
    if as_json:
        print_json(summary)
    else:
        _print_summary(summary, len(left), log.conflicts, _rejects(file))
    return 1 if lines["rejected"] or unsent else 0


def _print_summary(summary: dict[str, Any], customers: int, conflicts: list[str], rejects: Path) -> None:
    lines = summary["lines"]
    console.print(
        f"{sum(lines.values()):,} lines: {lines['header']} header, {lines['ignored']:,} ignored, "
        f"{lines['imported']:,} imported, {lines['rejected']:,} rejected"
    )
    console.print(
        f"{summary['imported']:,} events of {customers:,} customers imported, {summary['known']:,} already known"
        + (f", {summary['duplicates']:,} duplicates" if summary["duplicates"] else "")
    )
    if lines["rejected"]:
        console.print(f"[yellow]{lines['rejected']:,} lines rejected[/yellow]: see {rejects}")
    if conflicts:
        shown = ", ".join(conflicts[:5])
        console.print(f"[yellow]{len(conflicts)} ids with different content[/yellow] (the first counts): {shown}")
    for unsent in summary["unsent"][:5]:
        console.print(
            f"[red]customer {unsent['customer_id']}: {unsent['events']:,} events not sent[/red]: {unsent['problem']}"
        )
    if len(summary["unsent"]) > 5:
        console.print(f"[red]{len(summary['unsent']) - 5} more customers could not be sent[/red]; --json lists them")


async def _company_exists(pool: Pool, company: int) -> None:
    """Raises ValueError where there is none: its journeys could never be committed."""
    try:
        await Rulebooks().newest(pool, company)
    except LookupError as error:
        raise ValueError(f"--company: {error}") from None


def _rejects(file: str) -> Path:
    return Path(("import" if file == "-" else file) + ".rejected.jsonl")


def _read(file: str, bar: Progress, now: int | None) -> tuple[Log, dict[str, int], str]:
    """The log, how many of the file's lines are what, and a fingerprint of its events.

    Each physical line is one of ``header``, ``ignored``, ``imported`` (part of an event) and ``rejected``. The rejected
    ones are written to the rejects file.
    """
    log = Log()
    lines = dict.fromkeys(("header", "ignored", "imported", "rejected"), 0)
    fingerprint = hashlib.sha256()
    reading = bar.add_task("reading", total=None)
    rejects: list[dict[str, Any]] = []
    for line in read_log(file, now=now):
        bar.advance(reading, line.lines)
        kind = "imported" if line.kind == "event" else line.kind
        if line.event is None:
            if line.kind == "rejected":
                rejects.append(_reject(line, [error.as_dict() for error in line.errors]))
        else:
            conflicts = len(log.conflicts)
            if log.add(line.event):
                fingerprint.update(line.event.id.encode() + b"\n")
            elif len(log.conflicts) > conflicts:
                kind = "rejected"
                problem = InvalidEvent("id", line.event.id, "an earlier event has this id and different content")
                rejects.append(_reject(line, [problem.as_dict()]))
        lines[kind] += line.lines
    total = sum(lines.values())
    bar.update(reading, total=total, completed=total)
    _rejects(file).unlink(missing_ok=True)  # an earlier import's
    if rejects:
        with _rejects(file).open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(reject) + "\n" for reject in rejects)
    return log, lines, fingerprint.hexdigest()


def _reject(line: Line, errors: list[dict[str, str]]) -> dict[str, Any]:
    """``{"line", "lines" (where a quoted field has line breaks), "raw", "errors"}``."""
    several = {"lines": line.lines} if line.lines > 1 else {}
    return {"line": line.line, **several, "raw": line.raw or _canonical_text(line), "errors": errors}


def _canonical_text(line: Line) -> str:
    """An accepted event as a line of JSON: its own text is not kept."""
    return "" if line.event is None else json.dumps(canonical(line.event))


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


async def _send(client: Client, company: int, outgoing: Outgoing, bar: Progress) -> dict[str, str]:
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


async def _act(client: Client, company: int, customers: Sequence[str], bar: Progress) -> None:
    """Have each journey do what its stage of now asks for; what it did before it does not do again."""
    acting = bar.add_task("acting", total=len(customers))
    left = iter(customers)

    async def lane() -> None:
        for customer in left:
            await _patiently(partial(journey(client, company, customer).signal, ACT_SIGNAL))
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
