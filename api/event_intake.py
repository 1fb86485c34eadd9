"""Event intake: group validated events by customer, signal their journeys, and report outcomes.

Does not query Postgres unless the caller passes `?wait=`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
import psycopg
from temporalio.client import Client
from temporalio.exceptions import TemporalError

from api.aliases import end_of_chain
from api.event_formats import Parsed
from api.problems import shown
from contracts.event_batches import event_batches
from contracts.journey_client import send_events
from db.connections import Pool
from db.journeys import event_outcomes as ledger
from db.journeys.event_outcomes import EventOutcome
from journey.event_validation import InvalidEvent
from journey.events import canonical, content_hash, quarantine_hash, quarantine_id

SEND_LIMIT = 15.0  # seconds for all signals of a request; the client itself retries each one for ten
POLL_INTERVAL = 0.05  # seconds between two queries for outcomes

Verdict = tuple[str, str | None]  # an outcome and its reason
Recorded = dict[str, list[EventOutcome]]  # the ledger's rows by event id
PENDING: Verdict = ("pending", None)


@dataclass
class AcceptedEvent:
    """A valid event: its canonical JSON object and the hash of it."""

    fields: dict[str, Any]
    content_hash: bytes

    @property
    def id(self) -> str:
        event_id: str = self.fields["id"]
        return event_id

    @cached_property
    def quarantine_id(self) -> str:
        """The id of its row in the ledger if the commit, which decides by another clock, cannot apply it."""
        return quarantine_id(quarantine_hash("event", orjson.dumps(self.fields, option=orjson.OPT_SORT_KEYS).decode()))

    @property
    def customer(self) -> str:
        customer: str = self.fields["customer_id"]
        return customer


@dataclass(slots=True)
class SortedEvents:
    """The events of one request: `accepted` in order, each id once; `rejected` as in the response."""

    accepted: list[AcceptedEvent] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


def sort_events(parsed: Iterable[tuple[str | None, Parsed]]) -> SortedEvents:
    """Separate valid from invalid events and drop duplicates.

    Of several events with the same id the first is accepted; one with different content is rejected.
    """
    result, hashes = SortedEvents(), dict[str, bytes]()
    for index, (event_id, event) in enumerate(parsed):
        if isinstance(event, list):
            result.rejected.append(_rejection(index, event_id, event))
            continue
        fields = canonical(event)
        fingerprint = content_hash(fields)
        first = hashes.setdefault(event.id, fingerprint)
        if first != fingerprint:
            error = InvalidEvent(
                "id", event.id, "conflict: another event of this batch has the same id and different content"
            )
            result.rejected.append(_rejection(index, event_id, [error]))
        elif first is fingerprint:  # identity, not equality: only the first event with this id
            result.accepted.append(AcceptedEvent(fields, fingerprint))
    return result


def _rejection(index: int, event_id: str | None, errors: list[InvalidEvent]) -> dict[str, Any]:
    return {"index": index, "id": event_id, "errors": [error_fields(error) for error in errors]}


def error_fields(error: InvalidEvent) -> dict[str, str]:
    """Return an error as a `FieldError` of the response."""
    return {"field": shown(error.field), "value": shown(error.value), "problem": shown_whole(error.problem)}


def shown_whole(text: str) -> str:
    """Replace lone surrogates, which no encoder accepts."""
    return text.encode(errors="replace").decode()


async def send_to_journeys(
    client: Client,
    company_id: int,
    accepted: Iterable[AcceptedEvent],
    concurrency: int,
    aliases: dict[str, str] | None = None,
) -> int:
    """Signal all events to their journeys and return how many Temporal did not store.

    An event of one of the `aliases` goes to the journey of the customer who remains. Events of one customer are sent
    together, `concurrency` customers at a time. After the first failure, no more signals are sent.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for event in accepted:
        customer_id = end_of_chain(aliases, event.customer) if aliases else event.customer
        groups.setdefault(customer_id, []).append(event.fields)
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
    """Return the ledger's rows for these event ids before they are sent; None if Postgres is unavailable."""
    try:
        return await ledger.find_outcomes(pool, company_id, _row_ids(accepted))
    except psycopg.OperationalError:
        return None


async def wait_for_outcomes(
    pool: Pool,
    company_id: int,
    accepted: list[AcceptedEvent],
    before: dict[str, list[EventOutcome]] | None,
    until: float,
) -> list[dict[str, Any]]:
    """Wait for the outcome of each event until `until` (monotonic seconds); outcomes still unknown are pending.

    Returns:
    ``{"id", "outcome": applied | duplicate | conflict | quarantined | pending, "reason"?, "transitions"}``
    """
    decided: dict[str, Verdict] = {}
    known = before or {}
    quarantined_before = {event.id for event in accepted if event.quarantine_id in known}
    for event in accepted:
        if verdict := _verdict(event, known):
            again = verdict[0] == "applied"
            decided[event.id] = ("duplicate", "this event was applied before") if again else verdict
    caused: dict[str, list[dict[str, Any]]] = {}
    try:
        while before is not None and (missing := [event for event in accepted if event.id not in decided]):
            known = await ledger.find_outcomes(pool, company_id, _row_ids(missing))
            decided |= {event.id: verdict for event in missing if (verdict := _verdict(event, known))}
            newly_quarantined = [event for event in missing if event.id not in quarantined_before]
            decided |= {event.id: verdict for event in newly_quarantined if (verdict := _quarantine(event, known))}
            if len(decided) == len(accepted) or time.monotonic() >= until:
                break
            await asyncio.sleep(min(POLL_INTERVAL, max(0.0, until - time.monotonic())))
        applied = [event for event in accepted if decided.get(event.id, PENDING)[0] == "applied"]
        if applied:
            customers = sorted({event.customer for event in applied})
            ids = [event.id for event in applied]
            caused = await ledger.find_caused_transitions(pool, company_id, customers, ids)
    except psycopg.OperationalError:
        pass  # the events are stored in Temporal; unknown outcomes are reported as pending
    for event in accepted:
        # Not in the ledger yet, but certain: another content with this id was applied.
        if event.id not in decided and any(row.outcome == "applied" for row in known.get(event.id, ())):
            decided[event.id] = ("conflict", "an event with this id and different content was applied first")
        # It was quarantined before, and was not applied this time either.
        elif event.id not in decided and (verdict := _quarantine(event, known)):
            decided[event.id] = verdict
    return [_answer(event, decided.get(event.id, PENDING), caused) for event in accepted]


def _verdict(event: AcceptedEvent, known: Recorded) -> Verdict | None:
    """Return the ledger's outcome for exactly this content."""
    for row in known.get(event.id, ()):
        if row.content_hash == event.content_hash:
            return row.outcome, row.reason
    return None


def _quarantine(event: AcceptedEvent, known: Recorded) -> Verdict | None:
    """Return that the commit could not apply this content, and why."""
    for row in known.get(event.quarantine_id, ()):
        return row.outcome, row.reason
    return None


def _row_ids(events: Iterable[AcceptedEvent]) -> list[str]:
    """Return the ids that the ledger's rows of these events can have."""
    return [row_id for event in events for row_id in (event.id, event.quarantine_id)]


def _answer(event: AcceptedEvent, verdict: Verdict, caused: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    outcome, reason = verdict
    answer: dict[str, Any] = {"id": event.id, "outcome": outcome}
    if reason is not None:
        answer["reason"] = reason
    answer["transitions"] = caused.get(event.id, []) if outcome == "applied" else []
    return answer
