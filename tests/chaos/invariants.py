"""Invariants of journeys that must hold when the system is idle again, whatever was killed before.

`check` compares four things that were written separately: the responses to callers, the ledger, the projection with its
transitions, and the state of the workflows. Over 300 lines, because all invariants are read together.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import psycopg
from msgspec import structs
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from contracts.journey_client import journey_handle
from contracts.names import JOURNEY, STATE_QUERY
from contracts.timeouts import WAKE_UP_JITTER
from journey.decisions import decide
from journey.engine import Transition
from journey.events import content_hash, from_canonical
from journey.explain import readable
from journey.facts import Facts
from journey.stages import DEFAULT_RULEBOOK
from journey.state import State, unpack
from journey.time import Micros, to_micros
from tests.chaos.stored_rows import StoredRows, read
from tests.chaos.stream import Answers
from tests.support.appointment_lives import Journey

REFUSED = "every request was accepted, or refused with 429 or 503 and accepted later"
ONCE = "every acknowledged event counts once: one applied row of the ledger for its id"
CONFLICTS = "of an id with two contents, one is applied and the other acknowledged one is kept as a conflict"
SENT = "the ledger holds nothing but what was sent, and what was never acknowledged at most once"
FOLD = "facts, scores and stage are what the pure core derives from the ledger, commit by commit; facts in any order"
COLUMNS = "the projection's columns agree with its packed state"
SEQUENCE = "transitions are numbered without a gap, each begins where the previous one ended, none occurs twice"
AGREE = "workflow and projection agree on everything that the `state` query returns"
QUIET = "no journey has a waiting message, a pending activity or a retried workflow task"
RUNNING = "every journey's workflow runs, and none has failed, nor reported a problem"
MERGED = "the workflow of every customer who was merged into another one has ended"
OVERDUE = "no deadline has passed by more than the wake-ups are spread"
ALL = (REFUSED, ONCE, CONFLICTS, SENT, FOLD, COLUMNS, SEQUENCE, AGREE, QUIET, RUNNING, MERGED, OVERDUE)

#: The parts of a state that are derived anew.
PLACE = ("stage", "previous_stage", "reached", "transition_number", "trigger")
PARTS = (*PLACE, "risk", "engagement", "deadline", "deadline_stage")
FAULTS = {
    "NON_DETERMINISTIC_ERROR",
    "WORKFLOW_WORKER_UNHANDLED_FAILURE",
}  # of workflow tasks; other failures are part of normal operation
LATENCY = 60_000_000  # µs between a decision and its row in the ledger, including an outage between them


class Finding(NamedTuple):
    """One violation."""

    invariant: str
    subject: str
    problem: str


async def check(database_url: str, client: Client, answers: Answers, patience: float) -> list[Finding]:
    """Every violation. Waits at most `patience` seconds for work in progress to finish."""
    until = time.monotonic() + patience
    while missing := _missing(answers, stored := await asyncio.to_thread(read, database_url)):
        if time.monotonic() > until:
            break
        await asyncio.sleep(0.5)
    findings = [Finding(REFUSED, "a request", text) for text in answers.refusals]
    findings += [Finding(ONCE, f"company {c}, event {e}", "acknowledged, and not in the ledger") for c, e in missing]
    gate = asyncio.Semaphore(8)

    async def ask(workflow_id: str) -> list[Finding]:
        async with gate:
            return await _workflow(client, database_url, workflow_id, until)

    results = await asyncio.gather(*(ask(name) for name in sorted({*stored.journeys, *stored.entries})))
    findings += [finding for found in results for finding in found]
    findings += await _listed(client, stored)
    findings += await _ended(client, stored, until)
    stored = await asyncio.to_thread(read, database_url)
    now = int(time.time() * 1e6)
    findings += _ledger(answers, stored)
    for name in {*stored.journeys, *stored.entries}:
        findings += [Finding(invariant, name, text) for invariant, text in _journey(stored, name, now)]
    return sorted(findings)


def _missing(answers: Answers, stored: StoredRows) -> list[tuple[int, str]]:
    applied = {(row["company_id"], row["event_id"]): row for row in stored.ledger if row["outcome"] == "applied"}
    waiting = {
        (row["company_id"], row["event_id"])
        for row in stored.ledger
        if row["outcome"] == "quarantined" and not _names_an_event(row, applied)
    }
    acknowledged = {(company, event_id) for company, event_id, _ in answers.acknowledged}
    return sorted(acknowledged - applied.keys() - waiting)


def _names_an_event(row: dict[str, Any], applied: Mapping[tuple[int, str], dict[str, Any]]) -> bool:
    """Whether a row of the ledger is no retraction, or one that has to take effect."""
    if row["type"] != "event.retracted":
        return True
    named = applied.get((row["company_id"], row["payload"]["retracts"]))
    return named is not None and named["customer_id"] == row["customer_id"] and named["type"] != "event.retracted"


def _ledger(answers: Answers, stored: StoredRows) -> Iterable[Finding]:
    applied: Counter[tuple[int, str]] = Counter()
    rows = {(row["company_id"], row["event_id"]): row for row in stored.ledger if row["outcome"] == "applied"}
    kept: dict[tuple[int, str, bytes], str] = {}
    for row in stored.ledger:
        key = (row["company_id"], row["event_id"], bytes(row["content_hash"]))
        subject = f"company {key[0]}, event {key[1]}"
        applied[key[:2]] += row["outcome"] == "applied"
        if key in kept:
            yield Finding(SENT, subject, "the same content twice")
        kept[key] = row["outcome"]
        if key not in answers.sent:
            yield Finding(SENT, subject, f"{row['outcome']}, and was never sent: {row['reason'] or row['payload']}")
        elif content_hash(row["payload"] or {}) != key[2] or (
            row["outcome"] == "quarantined" and _names_an_event(row, rows)
        ):
            yield Finding(SENT, subject, f"{row['outcome']} with another content: {row['payload']}")
    for (company, event_id), times in applied.items():
        if times > 1:
            yield Finding(ONCE, f"company {company}, event {event_id}", f"applied {times} times")
    for key in answers.acknowledged - kept.keys():
        if applied[key[:2]]:
            yield Finding(CONFLICTS, f"company {key[0]}, event {key[1]}", "an acknowledged content left no trace")
    for key, outcome in kept.items():
        if outcome == "conflict" and not applied[key[:2]]:
            yield Finding(CONFLICTS, f"company {key[0]}, event {key[1]}", "a conflict with nothing that is applied")


def _journey(stored: StoredRows, name: str, now: int) -> Iterable[tuple[str, str]]:
    """Problems of one journey in Postgres."""
    row, entries, moves = stored.journeys.get(name), stored.entries[name], stored.transitions[name]
    applied = [entry for entry in entries if entry["outcome"] == "applied"]
    if row is None:
        if applied or moves:
            yield FOLD, f"{len(applied)} events and {len(moves)} transitions, and no row in the projection"
        return
    state = unpack(row["state"])
    yield from _columns(row, state)
    yield from _sequence(row, moves)
    if state.deadline is not None and now > state.deadline + LATENCY + WAKE_UP_JITTER.total_seconds() * 1e6:
        yield OVERDUE, f"its deadline was {row['next_deadline']}"
    if any(entry["version"] > row["version"] for entry in entries):
        yield FOLD, "an event of a commit that the row has not seen"

    whole = decide(
        State(), [from_canonical(entry["payload"]) for entry in applied], DEFAULT_RULEBOOK, Micros(now)
    ).state
    if _sums(whole.facts) != _sums(state.facts):
        yield FOLD, f"the fold of its {len(applied)} events has the facts {whole.facts}, its row {state.facts}"
    if name in stored.merged.values():
        return  # its commits do not say when which events came from the other customer
    journey = Journey()
    for _, commit in groupby(applied, key=lambda entry: int(entry["version"])):
        batch = list(commit)
        decided = max(to_micros(entry["received_at"]) for entry in batch)  # a waiting retraction came before
        journey.commit([from_canonical(entry["payload"]) for entry in batch], Micros(decided))
    # both brought to the same instant: a wake-up may still be due
    last, mine = (decide(each, [], DEFAULT_RULEBOOK, Micros(now)) for each in (journey.state, state))
    if last.state.facts != mine.state.facts:
        yield FOLD, f"facts should be {last.state.facts}, and are {mine.state.facts}"
    for part in PARTS:
        expected, found = getattr(last.state, part), getattr(mine.state, part)
        if expected != found:
            yield FOLD, f"{part} should be {expected}, and is {found}"
    expected_moves = [_move(move) for move in [*journey.moves, *last.transitions]]
    found_moves = [_written(move) for move in moves] + [_move(move) for move in mine.transitions]
    if [move[1:] for move in expected_moves] != [move[1:] for move in found_moves]:
        yield FOLD, f"its transitions should be {expected_moves}, and are {found_moves}"
    elif any(abs(a[0] - b[0]) > LATENCY for a, b in zip(expected_moves, found_moves, strict=True)):
        yield FOLD, f"its transitions should be at {expected_moves}, and are at {found_moves}"


def _sums(facts: Facts) -> Facts:
    """What no order of arrival can change: a ticket that is opened again under its old id is not among it."""
    return structs.replace(facts, tickets={})


def _move(move: Transition) -> tuple[int, str | None, str, str, str | None]:
    return move.at, move.from_stage, move.to_stage, move.trigger_event, move.event_id


def _written(move: dict[str, Any]) -> tuple[int, str | None, str, str, str | None]:
    at = to_micros(move["transitioned_at"])
    return at, move["from_stage"], move["to_stage"], move["trigger_event"], move["event_id"]


def _columns(row: dict[str, Any], state: State) -> Iterable[tuple[str, str]]:
    facts = state.facts
    expected = {
        "current_stage": state.stage,
        "stage_entered_at": state.entered_at,
        "previous_stage": state.previous_stage,
        "lifetime_value": facts.value,
        "total_appointments": facts.completed,
        "last_appointment_at": facts.last_appointment_at,
        "risk_score": state.risk,
        "engagement_score": state.engagement,
        "version": state.version,
        "next_deadline": state.deadline,
        "next_stage": state.deadline_stage,
        "created_at": state.started_at,
    }
    for column, value in expected.items():
        found = row[column]
        if isinstance(found, datetime):
            found = to_micros(found)
        elif column in ("lifetime_value", "risk_score", "engagement_score"):
            found = int(found * 100)
        if found != value:
            yield COLUMNS, f"{column} is {found}, the state says {value}"


def _sequence(row: dict[str, Any], moves: list[dict[str, Any]]) -> Iterable[tuple[str, str]]:
    numbers = [move["sequence"] for move in moves]
    if numbers != list(range(1, unpack(row["state"]).transition_number + 1)):
        yield (
            SEQUENCE,
            f"the numbers are {numbers}, the journey has made {unpack(row['state']).transition_number} transitions",
        )
    path = [move["from_stage"] for move in moves] + [row["current_stage"]]
    if path != [None] + [move["to_stage"] for move in moves]:
        yield SEQUENCE, f"from {path} to {[move['to_stage'] for move in moves]}"
    if any(move["version"] > row["version"] for move in moves):
        yield SEQUENCE, "a transition of a commit that the row has not seen"


# -- what the workflows say -------------------------------------------------------------------------------------------


async def _workflow(client: Client, database_url: str, workflow_id: str, until: float) -> list[Finding]:
    """Findings about one workflow; checked until there are none or the time is up."""
    while True:
        try:
            found = await _look(client, database_url, workflow_id)
        except RPCError as error:
            found = [Finding(RUNNING, workflow_id, f"it does not answer: {error.message}")]
        if not found or time.monotonic() > until:
            return found
        await asyncio.sleep(0.5)


async def _look(client: Client, database_url: str, workflow_id: str) -> list[Finding]:
    _, company, customer = workflow_id.split("/", 2)
    handle = journey_handle(client, int(company), customer)
    described = await handle.describe()
    if described.status != WorkflowExecutionStatus.RUNNING:
        return [Finding(RUNNING, workflow_id, f"its status is {described.status}")]
    found = []
    raw = described.raw_description
    if raw.HasField("pending_workflow_task") and raw.pending_workflow_task.attempt > 1:
        found.append(Finding(QUIET, workflow_id, f"its workflow task is at try {raw.pending_workflow_task.attempt}"))
    found += [
        Finding(QUIET, workflow_id, f"activity {pending.activity_type.name} is at try {pending.attempt}")
        for pending in raw.pending_activities
    ]
    state = await handle.query(STATE_QUERY)
    if state["waiting_messages"]:
        found.append(Finding(QUIET, workflow_id, f"{state['waiting_messages']} messages wait"))
    row = await asyncio.to_thread(_packed, database_url, int(company), customer)
    expected = readable(row)
    shown = {name: state.get(name) for name in expected}
    if shown != expected:
        unlike = {name: (shown[name], expected[name]) for name in expected if shown[name] != expected[name]}
        found.append(Finding(AGREE, workflow_id, f"(workflow, Postgres): {unlike}"))
    async for event in handle.fetch_history_events():
        if event.HasField("workflow_task_failed_event_attributes"):
            attributes = event.workflow_task_failed_event_attributes
            cause = WorkflowTaskFailedCause.Name(attributes.cause).removeprefix("WORKFLOW_TASK_FAILED_CAUSE_")
            if cause in FAULTS:
                found.append(Finding(RUNNING, workflow_id, f"{cause}: {attributes.failure.message[:300]}"))
    return found


def _packed(database_url: str, company: int, customer: str) -> dict[str, Any] | None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select r.state from customer_relationships r join customers u on u.id = r.customer_id"
            " where u.company_id = %s and u.external_id = %s",
            [company, customer],
        ).fetchone()
    return row[0] if row else None


async def _ended(client: Client, stored: StoredRows, until: float) -> list[Finding]:
    """Workflows of merged customers that still run."""
    running = set(stored.merged)
    while running:
        for workflow_id in sorted(running):
            _, company, customer = workflow_id.split("/", 2)
            with suppress(RPCError):  # it has never begun, or does not answer yet
                description = await journey_handle(client, int(company), customer).describe()
                if description.status == WorkflowExecutionStatus.COMPLETED:
                    running.discard(workflow_id)
        if time.monotonic() > until:
            break
        await asyncio.sleep(0.5 if running else 0)
    return [Finding(MERGED, workflow_id, "its workflow has not ended") for workflow_id in sorted(running)]


async def _listed(client: Client, stored: StoredRows) -> list[Finding]:
    """Workflows that ended or reported problems, as visibility lists them."""
    ended = f"WorkflowType = '{JOURNEY}' and ExecutionStatus not in ('Running', 'ContinuedAsNew')"
    ill = f"WorkflowType = '{JOURNEY}' and ExecutionStatus = 'Running' and TemporalReportedProblems is not null"
    found = [
        Finding(RUNNING, w.id, f"ended: {w.status}")
        async for w in client.list_workflows(ended)
        if w.id not in stored.merged
    ]
    return found + [Finding(RUNNING, w.id, "reports problems") async for w in client.list_workflows(ill)]
