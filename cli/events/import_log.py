"""``journey import``: import an event log, customer by customer. Resumable and repeatable.

The whole log is read before anything is sent: only then is the last event known, and the events of one customer can be
sent in one message, so that their history is processed in order. Events that are in the ledger already are not sent
again; events sent twice count once.
"""

import hashlib
import json
import time
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.progress import Progress

import connection
from cli.events.event_log_file import Line, read_log
from cli.events.file_checks import UnreadableLog
from cli.events.file_forms import Form
from cli.events.form_options import LOG_HELP, DelimiterOption, EncodingOption
from cli.events.sending import Outgoing, run_actions, send_all, wait_until_projected
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import complaints, console, print_json, progress
from db.connections import Pool, open_pool
from db.journeys.rulebooks import RulebookCache
from db.operations import event_import
from db.people import aliases, companies
from journey.event_validation import InvalidEvent
from journey.events import Event, canonical, content_hash
from journey.simulate import Log
from journey.time import MICROSECOND, Micros
from settings import Settings


class Actions(StrEnum):
    """Which stage actions an import runs: none, or those of each customer's current stage."""

    none = "none"
    current = "current"


LOOKUP_CHUNK = 5000  # event ids in one query

app = command_app()


@app.command()
def import_(
    file: Annotated[str, typer.Argument(help=LOG_HELP)],
    company: Company,
    shift_to_now: Annotated[bool, typer.Option(help="Shift all times so that the last event happens now.")] = False,
    actions: Annotated[
        Actions, typer.Option(help="Stage actions to run: none, or those of each customer's current stage, once.")
    ] = Actions.none,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Import an event log.

    Safe to repeat: events that were imported before change nothing. Invalid lines are written to FILE.rejected.jsonl
    with the reasons, and the exit code is 1.

    Example: [bold]journey import visits.jsonl.gz --company 1 --shift-to-now[/bold]
    """
    form = Form(encoding, delimiter, lambda text: complaints.print(f"{file}: {text}"))
    act = actions is Actions.current
    run(data, lambda settings: import_log(settings, file, company, shift_to_now, act, as_json, form))


async def import_log(
    settings: Settings,
    file: str,
    company: int,
    shift_to_now: bool,
    act: bool,
    as_json: bool,
    form: Form | None = None,
) -> int:
    """Import a log for one company; the exit code.

    Args:
        shift_to_now: Shift all times so that the last event happens now.
        act: Run the actions of each customer's current stage. No others are run for imported events.
        form: Encoding and separator, where they are not to be detected.

    Returns:
        0; 1 when lines were rejected or customers could not be sent; 2 when the file cannot be read.

    Raises:
        ValueError: The company does not exist.
        RuntimeError, psycopg.OperationalError: Temporal or Postgres is unavailable.
    """
    with progress() as bar:
        pool = await open_pool(settings.database_url, min_size=1, max_size=4, timeout=10.0)
        try:
            await _company_exists(pool, company)
            now = None if shift_to_now else Micros(time.time_ns() // 1000)
            try:
                email_ids = await companies.allows_email_ids(pool, company)
                log, lines, fingerprint = _read(file, bar, now, email_ids, form)
            except UnreadableLog as error:
                complaints.print(f"[red]error:[/red] {error}")
                return 2
            shift = 0
            unsent: list[dict[str, Any]] = []
            if shift_to_now and log.last_at is not None:
                # whole seconds, to keep the times readable
                shift = (int(time.time()) * 1_000_000 - log.last_at) // 1_000_000 * 1_000_000
                shift = await event_import.import_shift(pool, company, fingerprint, shift)
            outgoing = await _to_current(pool, company, _outgoing(log, shift))
            left = await _new_events(pool, company, outgoing, bar)
            known = log.events - sum(map(len, left.values()))
            failed: dict[str, str] = {}
            client = await connection.connect() if left or act else None
            if left and client:
                failed = await send_all(client, company, left, bar)
                unsent = [{"customer_id": c, "events": len(left.pop(c)), "problem": why} for c, why in failed.items()]
                await wait_until_projected(pool, company, left, bar)
            if act and client:
                await run_actions(client, company, [customer for customer in outgoing if customer not in failed], bar)
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


async def _to_current(pool: Pool, company: int, outgoing: Outgoing) -> Outgoing:
    """Join the events of merged customers, so that each journey gets all of its events in order."""
    listed, current = list(outgoing), dict[str, str]()
    for start in range(0, len(listed), LOOKUP_CHUNK):
        current |= await aliases.resolve_all(pool, company, listed[start : start + LOOKUP_CHUNK])
    for customer, into in current.items():
        joined = [*outgoing.get(into, ()), *outgoing.pop(customer)]
        outgoing[into] = sorted(joined, key=lambda event: (datetime.fromisoformat(event["occurred_at"]), event["id"]))
    return outgoing


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
    """Raises ValueError for an unknown company: its journeys could never be committed."""
    try:
        await RulebookCache().latest(pool, company)
    except LookupError as error:
        raise ValueError(f"--company: {error}") from None


def _rejects(file: str) -> Path:
    return Path(("import" if file == "-" else file) + ".rejected.jsonl")


def _read(
    file: str, bar: Progress, now: Micros | None, email_ids: bool, form: Form | None
) -> tuple[Log, dict[str, int], str]:
    """Read the file: its events, how many lines of each kind it has, and a fingerprint of the events.

    Each physical line is one of ``header``, ``ignored``, ``imported`` (part of an event) and ``rejected``. The rejected
    ones are written to the rejects file.
    """
    log = Log()
    lines = dict.fromkeys(("header", "ignored", "imported", "rejected"), 0)
    fingerprint = hashlib.sha256()
    reading = bar.add_task("reading", total=None)
    rejects: list[dict[str, Any]] = []
    for line in read_log(file, now=now, email_ids=email_ids, form=form):
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
    _rejects(file).unlink(missing_ok=True)  # from an earlier import
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
    """Every customer's events in the form in which they are sent, by time, shifted by ``shift`` µs."""
    outgoing: Outgoing = {}
    for customer, events in log.customers.items():
        ordered = sorted(events, key=lambda event: (event.at, event.id))
        outgoing[customer] = [canonical(_shifted(event, shift)) for event in ordered]
    return outgoing


def _shifted(event: Event, shift: int) -> Event:
    if not shift:
        return event
    changes: dict[str, Any] = {"occurred_at": event.occurred_at + shift * MICROSECOND}
    scheduled = getattr(event, "scheduled_for", None)
    if scheduled is not None:
        changes["scheduled_for"] = scheduled + shift * MICROSECOND
    shifted: Event = msgspec.structs.replace(event, **changes)
    return shifted


async def _new_events(pool: Pool, company: int, outgoing: Outgoing, bar: Progress) -> Outgoing:
    """The events that are not in the ledger yet."""
    known: set[str] = set()
    all_events = [event for events in outgoing.values() for event in events]
    comparing = bar.add_task("comparing with the ledger", total=len(all_events))
    for start in range(0, len(all_events), LOOKUP_CHUNK):
        chunk = {event["id"]: event for event in all_events[start : start + LOOKUP_CHUNK]}
        for event_id, stored in await event_import.existing_events(pool, company, list(chunk)):
            if stored == content_hash(chunk[event_id]):
                known.add(event_id)
        bar.advance(comparing, min(LOOKUP_CHUNK, len(all_events) - start))
    left = {customer: [e for e in events if e["id"] not in known] for customer, events in outgoing.items()}
    return {customer: events for customer, events in left.items() if events}
