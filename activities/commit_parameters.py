"""The result of a commit, and the parameters of the statement that writes it, as JSON-compatible values."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from contracts.requests import CommitRequest, CommitResult, Reply
from db.journeys.ledger_snapshot import ProjectionRow
from db.journeys.rhythms import rhythm_columns
from journey.engine import Transition
from journey.explain import money_text
from journey.rhythm import NO_RECORDS, MedianRecords
from journey.state import State, state_diff
from journey.time import Micros, utc_text


def guard(request: CommitRequest, row: ProjectionRow | None) -> dict[str, Any]:
    """Return what the statement compares with the journey's row before it writes."""
    return {
        "company": request["company_id"],
        "customer": request["customer_id"],
        "expected_version": None if row is None else row.version,
        "expected_run_id": None if row is None else row.run_id,
        "expected_decided_at": None if row is None else _optional_text(row.decided_at),
        "decided_at": utc_text(request["now"]),
    }


def batch_text(messages: Sequence[tuple[str, list[str]]], version: int) -> str:
    """Return what identifies a commit's messages: its version, their number and a hash."""
    digest = hashlib.blake2b(orjson.dumps([list(message) for message in messages]), digest_size=16).hexdigest()
    return f"{version}:{len(messages)}:{digest}"


def continues(messages: Sequence[tuple[str, list[str]]], version: int, stored: str | None) -> bool | None:
    """Whether the messages begin with those of the commit that wrote a row; None if the row does not say.

    Args:
        messages: The messages of an attempt. A later attempt has the same, and possibly more.
        version: The row's version.
        stored: The row's `batch_text`; that of another version was left by older code.
    """
    if stored is None or not stored.startswith(f"{version}:"):
        return None
    count = int(stored.split(":")[1])
    return len(messages) >= count and batch_text(messages[:count], version) == stored


def projection(state: State, packed: dict[str, Any], medians: MedianRecords | None) -> dict[str, Any]:
    """Return the columns of the journey's row after the commit.

    Args:
        state: The journey's new state.
        packed: The same, packed.
        medians: The company's median gaps between visits, which the write verifies; None if they are unknown.
    """
    facts = state.facts
    return {
        "current_stage": state.stage,
        "stage_entered_at": utc_text(state.entered_at),
        "previous_stage": state.previous_stage,
        "lifetime_value": money_text(facts.value),
        "total_appointments": facts.completed,
        "last_appointment_at": _optional_text(facts.last_appointment_at),
        "risk_score": money_text(state.risk),
        "engagement_score": money_text(state.engagement),
        "version": state.version,
        "state": orjson.dumps(packed).decode(),
        "rules_version": state.rules_version,
        "next_deadline": _optional_text(state.deadline),
        "next_stage": state.deadline_stage,
        "hold_until": _optional_text(state.hold_until),
        "held": state.held,
        "started_at": utc_text(state.started_at),
        "booked_times": [utc_text(booked) for booked in facts.booked_times] or None,
        **rhythm_columns(facts, medians or NO_RECORDS),
        "medians_version": None if medians is None else medians.version,
    }


def transition_row(move: Transition) -> dict[str, Any]:
    """Return one row of ``journey_transitions``."""
    return {
        "sequence": move.transition_number,
        "from_stage": move.from_stage,
        "to_stage": move.to_stage,
        "at": utc_text(move.at),
        "since": _optional_text(move.since),
        "trigger_type": move.trigger_type,
        "trigger_event": move.trigger_event,
        "performed_by": move.performed_by,
        "notes": move.notes,
        "event_id": move.event_id,
        "reason": {"conditions": move.reason, "first_entry": move.first_entry},
    }


def _optional_text(instant: Micros | None) -> str | None:
    return None if instant is None else utc_text(instant)


def commit_result(
    request: CommitRequest,
    state: dict[str, Any] | None,
    replies: list[Reply],
    until: Micros | None = None,
    actions: dict[str, Micros] | None = None,
) -> CommitResult:
    """Build the activity's answer, no larger than necessary because it is stored in the workflow's history."""
    answer: CommitResult = {"changes": state_diff(request["state"] or {}, state or {})}
    if replies:
        answer["answers"] = replies
    if until is not None:
        answer["more"] = True
    if actions:
        answer["actions"] = actions
    return answer
