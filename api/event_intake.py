"""From validated events to journeys: sorted by customer, handed to Temporal, and what became of them.

Postgres is not asked on this way, except by who waits for outcomes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg
from temporalio.client import Client
from temporalio.exceptions import TemporalError

from api.event_formats import Parsed
from api.problems import shown
from contracts.event_batches import event_batches
from contracts.journey_client import send_events
from db.connections import Pool
from db.journeys import event_outcomes as ledger
from db.journeys.event_outcomes import EventOutcome
from journey.events import InvalidEvent, canonical, content_hash

SEND_LIMIT = 15.0  # seconds for all signals of a request; the client itself tries again for ten
POLL_INTERVAL = 0.05  # seconds between two looks for outcomes

Verdict = tuple[str, str | None]  # an outcome and its reason
Recorded = dict[str, list[EventOutcome]]  # the ledger's rows by event id
PENDING: Verdict = ("pending", None)


@dataclass(slots=True)
class AcceptedEvent:
    """An event that will be sent: its canonical JSON object and the hash of that."""

    fields: dict[str, Any]
    content_hash: bytes

    @property
    def id(self) -> str:
        event_id: str = self.fields["id"]
        return event_id

    @property
    def customer(self) -> str:
        customer: str = self.fields["customer_id"]
        return customer


@dataclass(slots=True)
class SortedEvents:
    """The events of one request: `accepted` in order, each id once; `rejected` as they are answered."""

    accepted: list[AcceptedEvent] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def sort_events(parsed: Iterable[tuple[str | None, Parsed]]) -> SortedEvents:
    """Which events are sent. An id that comes twice counts once; with another content, the first one counts."""
    found, seen = SortedEvents(), dict[str, bytes]()
    for index, (event_id, event) in enumerate(parsed):
        if isinstance(event, InvalidEvent):
            found.rejected.append(_rejection(index, event_id, event))
            continue
        fields = canonical(event)
        fingerprint = content_hash(fields)
        first = seen.setdefault(event.id, fingerprint)
        if first != fingerprint:
            error = InvalidEvent("id", event.id, "conflict: an event of this batch has this id and other content")
            found.rejected.append(_rejection(index, event_id, error))
        elif first is fingerprint:  # and not only equal to it: this is where the id stands for the first time
            found.accepted.append(AcceptedEvent(fields, fingerprint))
    return found


def _rejection(index: int, event_id: str | None, error: InvalidEvent) -> dict[str, Any]:
    return {"index": index, "id": event_id, "errors": [error_fields(error)]}


def error_fields(error: InvalidEvent) -> dict[str, str]:
    return {"field": shown(error.field), "value": shown(error.value), "problem": shown_whole(error.problem)}


def shown_whole(text: str) -> str:
    return text.encode(errors="replace").decode()


async def send_to_journeys(client: Client, company_id: int, accepted: Iterable[AcceptedEvent], concurrency: int) -> int:
    """Hand all events to their journeys, `concurrency` customers at once; how many Temporal did not take.

    Those of one customer go together. After the first failure nothing more is begun.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for event in accepted:
        groups.setdefault(event.customer, []).append(event.fields)
    left = sum(map(len, groups.values()))
    waiting = iter(groups.items())
    failed = False

    async def work() -> None:
        nonlocal failed, left
        for customer_id, events in waiting:
            for part in event_batches(events):
                if failed:
                    return
                try:
                    await send_events(client, company_id, customer_id, part)
                except (TemporalError, OSError, RuntimeError):
                    failed = True
                else:
                    left -= len(part)

    try:
        async with asyncio.timeout(SEND_LIMIT), asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(groups))):
                group.create_task(work())
    except TimeoutError:
        return left
    return left


async def recorded_outcomes(
    pool: Pool, company_id: int, accepted: list[AcceptedEvent]
) -> dict[str, list[EventOutcome]] | None:
    """What the ledger knew of these ids before they were sent; None when Postgres does not answer."""
    try:
        return await ledger.find_outcomes(pool, company_id, [event.id for event in accepted])
    except psycopg.OperationalError:
        return None


async def wait_for_outcomes(
    pool: Pool,
    company_id: int,
    accepted: list[AcceptedEvent],
    before: dict[str, list[EventOutcome]] | None,
    until: float,
) -> list[dict[str, Any]]:
    """The outcome of each event, looked for until `until` (monotonic seconds); after that it is pending.

    ``{"id", "outcome": applied | duplicate | conflict | quarantined | pending, "reason"?, "transitions"}``
    """
    decided: dict[str, Verdict] = {}
    known = before or {}
    for event in accepted:
        if verdict := _verdict(event, known):
            again = verdict[0] == "applied"
            decided[event.id] = ("duplicate", "this event was applied before") if again else verdict
    caused: dict[str, list[dict[str, Any]]] = {}
    try:
        while before is not None and (missing := [event for event in accepted if event.id not in decided]):
            known = await ledger.find_outcomes(pool, company_id, [event.id for event in missing])
            decided |= {event.id: verdict for event in missing if (verdict := _verdict(event, known))}
            if len(decided) == len(accepted) or time.monotonic() >= until:
                break
            await asyncio.sleep(min(POLL_INTERVAL, max(0.0, until - time.monotonic())))
        applied = [event for event in accepted if decided.get(event.id, PENDING)[0] == "applied"]
        if applied:
            customers = sorted({event.customer for event in applied})
            ids = [event.id for event in applied]
            caused = await ledger.find_caused_transitions(pool, company_id, customers, ids)
    except psycopg.OperationalError:
        pass  # what is not known yet is pending: the events themselves are safe
    for event in accepted:
        # Not on record yet, but there is no other way for it to end.
        if event.id not in decided and any(row.outcome == "applied" for row in known.get(event.id, ())):
            decided[event.id] = ("conflict", "an event with this id and other content came first")
    return [_answer(event, decided.get(event.id, PENDING), caused) for event in accepted]


def _verdict(event: AcceptedEvent, known: Recorded) -> Verdict | None:
    """What the ledger says of exactly this content."""
    for row in known.get(event.id, ()):
        if row.content_hash == event.content_hash:
            return row.outcome, row.reason
    return None


def _answer(event: AcceptedEvent, verdict: Verdict, caused: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    outcome, reason = verdict
    answer: dict[str, Any] = {"id": event.id, "outcome": outcome}
    if reason is not None:
        answer["reason"] = reason
    answer["transitions"] = caused.get(event.id, []) if outcome == "applied" else []
    return answer
