"""Explanations of a journey for people: why it is in its stage, and what will happen next.

`explain` needs the rules. `details` and `readable` need only the state, so that a workflow can show them without
knowing any rule.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from journey.engine import context_of, decide
from journey.scoring import Factor
from journey.stages import Rulebook
from journey.state import State, unpack
from journey.time import DAY, EPOCH_MICROS, Micros, Moment, minute_text, to_datetime, to_micros, utc_text

YEAR_SHOWN_FROM = 300 * DAY  # µs ahead; a nearer day and month are unambiguous
BOOKED_SHOWN = 3  # times in the details of a workflow
COMING = 8  # deadlines shown at most; each is found by simulating up to the one before


def explain(state: State, rulebook: Rulebook, now: Micros) -> dict[str, Any]:
    """Explain a journey: the factors of both scores, each rule with the numbers it compares, and the next deadlines.

    ``{"current_stage", "entered_at", "trigger_event", "previous_stage", "hold", "booking",
    "scores": {name: {"score", "factors"}}, "rules": [{"stage_key", "kind", "holds", "rules"}],
    "deadlines": [{"at", "leads_to", "sentence"}]}``;
    The state is first brought up to ``now``.
    """
    state = decide(state, [], rulebook, now).state
    facts, scorer, moment = state.facts, rulebook.scorer, max(Moment(2 * now), state.evaluated or Moment(0))
    stage = rulebook.by_key.get(state.stage or "")
    contexts = {other.key: context_of(state, rulebook, moment, other) for other in rulebook.stages}
    return {
        "current_stage": state.stage,
        "stage_name": stage.name if stage else state.stage,
        "entered_at": utc_text(state.entered_at),
        "trigger_event": state.trigger,
        "previous_stage": state.previous_stage,
        "hold": {"until": _text(state.hold_until)} if state.held else None,
        "booking": _booking(state, rulebook, now),
        "scores": {
            "risk": _score(state.risk, scorer.explain_risk(facts, moment)),
            "engagement": _score(state.engagement, scorer.explain_engagement(facts, moment)),
        },
        "facts": {
            "total_appointments": facts.completed,
            "lifetime_value": money_text(facts.value),
            "last_appointment_at": _text(facts.last_appointment_at),
            "next_appointment_at": _text(facts.next_booked(now)),
            "usual_interval": None if facts.interval is None else round(facts.interval / DAY, 3),
            "overdue_from": _text(facts.overdue_from),
            "last_event_at": _text(facts.last_event_at),
            "missed": facts.missed,
            "cancelled": facts.cancelled,
            "requests": facts.requests,
            "calls": facts.calls,
            "qualified_calls": facts.qualified_calls,
            "ratings": facts.ratings,
            "open_tickets": facts.open_tickets,
        },
        "rules": [
            {
                "stage_key": other.key,
                "kind": other.kind,
                "current": other.key == state.stage,
                "holds": other.holding(contexts[other.key]) is not None,
                "rules": [rule.verdict(contexts[other.key]) for rule in other.rules],
            }
            for other in rulebook.stages
        ],
        "deadlines": _coming(state, rulebook),
    }


def _booking(state: State, rulebook: Rulebook, now: Micros) -> dict[str, Any] | None:
    """Say until when a booking keeps the journey out of lapse stages; None without one."""
    booked = state.facts.last_booked
    if booked is None or booked + rulebook.booking_grace < now:
        return None
    return {
        "next_appointment_at": _text(state.facts.next_booked(now)),
        "booked_until": utc_text(Micros(booked + rulebook.booking_grace)),
        "booked_times": [utc_text(time) for time in state.facts.booked_times if time > now],
    }


def _score(score: int, factors: list[Factor]) -> dict[str, Any]:
    return {"score": f"{score / 100:.2f}", "factors": msgspec.to_builtins(factors)}


def _coming(state: State, rulebook: Rulebook) -> list[dict[str, Any]]:
    deadlines: list[dict[str, Any]] = []
    while state.deadline is not None and len(deadlines) < COMING:
        at, leads_to = state.deadline, state.deadline_stage
        before, state = state, decide(state, [], rulebook, Micros(state.deadline + 1)).state
        deadlines.append({"at": utc_text(at), "leads_to": leads_to, "sentence": _sentence(before, state)})
    return deadlines


def _sentence(before: State, after: State) -> str:
    day = _day(before.deadline or EPOCH_MICROS)
    if before.held and not after.held:
        return f"the hold ends on {day}" + (f" and leads to {after.stage}" if after.stage != before.stage else "")
    if after.stage != before.stage:
        return f"{after.stage} on {day} {_unless(before)}"
    asked = len(before.facts.unasked) - len(after.facts.unasked)
    changes = [
        f"{name} changes from {old}% to {new}%"
        for name, old, new in (
            ("risk", before.risk, after.risk),
            ("engagement", before.engagement, after.engagement),
        )
        if old != new
    ]
    if asked and not changes:
        return f"on {day} the appointment of {_day(before.facts.unasked[0][0])} has no outcome: did they come?"
    return f"on {day} {' and '.join(changes)} {_unless(before)}"


def _unless(state: State) -> str:
    return "unless an appointment is completed" if state.facts.completed else "unless another event arrives"


def explain_held_back(actions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add a ``sentence`` to actions that are held back: ``{"action", "reason", "waits_for", "until", …}``."""
    explained = []
    for action in actions:
        until = minute_text(to_micros(datetime.fromisoformat(action["until"])))
        sentence = f"{action['action']} waits until {until}: {action['reason']}"
        if action["waits_for"] == "profile":
            sentence = f"{action['action']} waits for the customer's profile, until {until}: {action['reason']}"
        explained.append({**action, "sentence": sentence})
    return explained


def next_change(packed: Mapping[str, Any] | None, now: Micros) -> str:
    """Say what the next deadline leads to, as in ``churned on 24 Dec unless an appointment is completed``."""
    state = unpack(dict(packed or {}))
    if state.deadline is None:
        return "no deadline"
    day = to_datetime(state.deadline)
    on = f"on {day.day} {day:%b}" + (f" {day.year}" if state.deadline - now > YEAR_SHOWN_FROM else "")
    if state.held and state.deadline == state.hold_until:
        return f"the hold ends {on}" + (f" and leads to {state.deadline_stage}" if state.deadline_stage else "")
    return f"{state.deadline_stage or 'the scores or a booking change'} {on} {_unless(state)}"


def details(packed: Mapping[str, Any] | None) -> str:
    """Describe a journey's state in Markdown for the Temporal UI, without personal data or free text."""
    if not packed:
        return "Nothing committed yet."
    state = unpack(dict(packed))
    facts = state.facts
    lines = [
        f"**{state.stage}** since {minute_text(state.entered_at)}, triggered by `{state.trigger}`"
        + (f" (previously {state.previous_stage})" if state.previous_stage else ""),
        f"- risk **{state.risk}%**, engagement **{state.engagement}%**",
        (
            f"- {facts.completed} appointments, lifetime value {money_text(facts.value)}, {facts.missed} missed,"
            f" {facts.cancelled} cancelled, {facts.calls} calls, {facts.open_tickets} open tickets"
        ),
    ]
    if facts.last_appointment_at is not None:
        lines.append(f"- last appointment {minute_text(facts.last_appointment_at)}")
    if facts.booked_times:
        lines.append(f"- booked: {', '.join(map(minute_text, facts.booked_times[:BOOKED_SHOWN]))}")
    if state.held:
        lines.append(f"- **held** until {minute_text(state.hold_until) if state.hold_until else 'it is released'}")
    if state.deadline is None:
        lines.append("- no change is due without an event")
    elif state.deadline_stage:
        lines.append(f"- next: **{state.deadline_stage}** on {minute_text(state.deadline)} {_unless(state)}")
    else:
        lines.append(f"- next: the scores, the hold or a booking change on {minute_text(state.deadline)}")
    lines.append(f"- commit {state.version}, transition {state.transition_number}")
    return "\n".join(lines)


def readable(packed: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the state with full names and times in RFC 3339, as the ``state`` query answers it."""
    if not packed:
        return {"stage": None, "version": 0}
    state = unpack(dict(packed))
    facts = state.facts
    return {
        "stage": state.stage,
        "entered_at": utc_text(state.entered_at),
        "trigger_event": state.trigger,
        "previous_stage": state.previous_stage,
        "started_at": utc_text(state.started_at),
        "version": state.version,
        "transitions": state.transition_number,
        "risk_score": state.risk / 100,
        "engagement_score": state.engagement / 100,
        "lifetime_value": money_text(facts.value),
        "total_appointments": facts.completed,
        "last_appointment_at": _text(facts.last_appointment_at),
        "booked_times": [utc_text(booked) for booked in facts.booked_times],
        "held": state.held,
        "hold_until": _text(state.hold_until),
        "next_deadline": _text(state.deadline),
        "next_stage": state.deadline_stage,
    }


def money_text(hundredths: int) -> str:
    """Format an amount in hundredths as an exact decimal: ``-1234`` is ``-12.34``."""
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"


def _text(instant: Micros | None) -> str | None:
    return None if instant is None else utc_text(instant)


def _day(instant: Micros) -> str:
    moment = to_datetime(instant)
    return f"{moment.day} {moment:%B %Y}"
