"""Explain a journey as it was at an instant: what was known then, by the rules in force then.

What the journey did is on record and counts: its stage is that of the last transition until then. Its facts are those
of the events that counted then (`split_known`). Events that came later, retractions among them, may say something else
about the same instant today; then both are shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from msgspec import Struct

from journey.engine import Command, decide
from journey.events import Event, EventRetracted, counting
from journey.explain import explain, money_text
from journey.refold import ManualMove, RecordedMove
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros, Moment, utc_text


class PastEvent(Struct, frozen=True, kw_only=True):
    """An applied event of the ledger.

    Attributes:
        version: The commit that applied it.
        rules_version: The rules by which it was decided.
        received_at: When it came to this journey, by itself or by a merge.
        was_merged: It came with the journey of a customer who was merged into this one.
    """

    version: int
    rules_version: int
    received_at: Micros
    was_merged: bool
    event: Event


class JourneyRecord(Struct, frozen=True, kw_only=True):
    """Everything on record of a journey.

    Attributes:
        events: All applied events.
        moves: All transitions, by number.
        manual: The manual moves and their holds.
        rulebooks: The versions of the rules, the oldest first.
    """

    events: Sequence[PastEvent]
    moves: Sequence[RecordedMove]
    manual: Sequence[ManualMove]
    rulebooks: Sequence[Rulebook]


def explain_past(record: JourneyRecord, as_of: Micros) -> dict[str, Any] | None:
    """Explain a journey as of an instant of the past; None if it had not begun.

    Returns:
        As `journey.explain.explain`, with ``as_of``, ``rules_version``, ``rules_since``, ``transition_number`` (of the
        transition into the stage), ``stages`` (their looks then) and ``today``: None, or what the events known today
        say about that instant, if that differs: ``{"stage", "differences": [{"name", "then",
        "today"}], "because": [{"event_id", "type", "occurred_at", "received_at", "why", "retracted"}]}``.
    """
    known, unknown = split_known(record, as_of)
    moves = known_moves(record.moves, unknown, as_of)
    if not moves:
        return None
    rulebook = in_force(record.rulebooks, record.events, as_of)
    state = _state_on_record(moves, record.manual, known, rulebook, as_of)
    answer = explain(state, rulebook, as_of)
    since = None if rulebook is record.rulebooks[0] else utc_text(rulebook.changed_at)
    answer |= {"as_of": utc_text(as_of), "rules_version": rulebook.version, "rules_since": since}
    answer["transition_number"] = state.transition_number
    answer["stages"] = [
        {"stage_key": stage.key, "stage_name": stage.name, "color": stage.fields.color, "icon": stage.fields.icon}
        for stage in rulebook.all_stages
    ]
    return {**answer, "today": _today(record, state, unknown, as_of)}


def split_known(record: JourneyRecord, as_of: Micros) -> tuple[list[PastEvent], list[PastEvent]]:
    """Split the events that had occurred by an instant into those that counted then, and those that came too late.

    Every event arrives a moment after it occurred, or hours after, or years if a history is imported. If the journey
    had not gone on in the meantime, its record is as if the event had arrived at once; so it counts from its own time.
    Otherwise, and if it came with another customer's journey, it counts from its arrival. So does the retraction of an
    event that had arrived.
    """
    listed = sorted(record.events, key=lambda each: (each.version, each.event.at, each.event.id))
    own = [(each.version, each.event.at) for each in listed if not each.was_merged]
    passed = sorted(own + [(move.version, move.at) for move in record.moves])
    arrivals = {each.event.id: each.received_at for each in listed}
    moved = {move.event_id: move.at for move in record.moves if move.event_id is not None}
    changes = [rulebook.changed_at for rulebook in record.rulebooks[1:]]
    counted: list[PastEvent] = []
    late: list[PastEvent] = []
    latest: Micros | None = None  # up to which the journey had gone by earlier commits
    done = 0  # of `passed`
    for each in listed:
        while done < len(passed) and passed[done][0] < each.version:
            latest = passed[done][1] if latest is None else max(latest, passed[done][1])
            done += 1
        at = each.event.at
        if at > as_of:
            continue
        has_gone_on = (
            each.was_merged
            or (type(each.event) is EventRetracted and arrivals.get(each.event.retracts, as_of + 1) <= as_of)
            or moved.get(each.event.id, at) > at
            or (latest is not None and latest > at)
            or (latest is not None and any(at < change <= each.received_at for change in changes))
        )
        (late if has_gone_on and each.received_at > as_of else counted).append(each)
    return counted, late


def known_moves(moves: Iterable[RecordedMove], unknown: Iterable[PastEvent], as_of: Micros) -> list[RecordedMove]:
    """Return the transitions until an instant, without those that an event has caused which was not known then."""
    ids = {each.event.id for each in unknown}
    until = takewhile(lambda move: move.event_id is None or move.event_id not in ids, moves)
    return [move for move in until if move.at <= as_of]


def in_force(rulebooks: Sequence[Rulebook], events: Sequence[PastEvent], as_of: Micros) -> Rulebook:
    """Return the rules by which a journey went at an instant: those in force, or those of its import."""
    return _stages_of_rules(rulebooks, events, as_of)[-1]


def simulate_past(record: JourneyRecord, as_of: Micros) -> State:
    """Return the state in which a simulation of all events until an instant ends, by the rules of each time.

    Events that were retracted, however late, do not count.
    """
    waiting = [event for event in counting(each.event for each in record.events) if event.at <= as_of]
    manual = [move for move in record.manual if move.at <= as_of]
    rulebooks = _stages_of_rules(record.rulebooks, record.events, as_of)
    ends = [following.changed_at for following in rulebooks[1:]] + [as_of]
    state = State()
    done: list[Event] = []
    passed: list[ManualMove] = []

    def advance(rulebook: Rulebook, until: Micros, commands: Sequence[Command] = ()) -> None:
        nonlocal state, waiting
        due = [event for event in waiting if event.at <= until]
        waiting = waiting[len(due) :]
        if due or commands or state.stage is not None:
            state = decide(state, due, rulebook, until, commands, done).state
        done.extend(due)

    for rulebook, end in zip(rulebooks, ends, strict=True):
        for move in manual:
            stage = rulebook.by_key.get(move.stage)
            if move in passed or move.at > end or stage is None or not stage.is_active:
                continue
            set_stage = Command(kind="set_stage", stage=move.stage, hold=move.is_held, hold_until=move.held_until)
            advance(rulebook, move.at, [set_stage])
            passed.append(move)
        advance(rulebook, end)
    return state


def _stages_of_rules(rulebooks: Sequence[Rulebook], events: Sequence[PastEvent], as_of: Micros) -> list[Rulebook]:
    """Return the rules by which a journey went until an instant, one after the other."""
    first = min((each.rules_version for each in events), default=rulebooks[-1].version)
    begun = next((each for each in rulebooks if each.version >= first), rulebooks[-1])
    later = [each for each in rulebooks if each.version > begun.version and each.changed_at <= as_of]
    return [begun, *later]


def _state_on_record(
    moves: Sequence[RecordedMove],
    manual: Iterable[ManualMove],
    known: Iterable[PastEvent],
    rulebook: Rulebook,
    as_of: Micros,
) -> State:
    last = moves[-1]
    hold = next(
        (
            move
            for move in manual
            if move.is_held and last.at <= move.at <= as_of and (move.held_until is None or move.held_until > as_of)
        ),
        None,
    )
    state = State(
        version=last.version,
        stage=last.to_stage,
        entered_at=last.at,
        trigger=last.trigger_event,
        previous_stage=last.from_stage,
        started_at=moves[0].at,
        transition_number=last.transition_number,
        reached=list(dict.fromkeys(move.to_stage for move in moves)),
        evaluated=Moment(2 * as_of),
        rules_version=rulebook.version,
        held=hold is not None,
        hold_until=None if hold is None else hold.held_until,
    )
    events = counting(each.event for each in known)
    return decide(state, [], rulebook, as_of, history=events).state


def _today(record: JourneyRecord, then: State, unknown: Sequence[PastEvent], as_of: Micros) -> dict[str, Any] | None:
    now = simulate_past(record, as_of)
    before, after = _figures(then), _figures(now)
    differences = [{"name": name, "then": before[name], "today": after[name]} for name in before]
    differences = [each for each in differences if each["then"] != each["today"]]
    if not differences:
        return None
    late = {each.event.id for each in unknown}
    events = {each.event.id: each.event for each in record.events if each.event.at <= as_of}
    because = [
        _why(each, events)
        for each in record.events
        if each.event.id in late
        or (type(each.event) is EventRetracted and each.event.at > as_of and each.event.retracts in events)
    ]
    return {"stage": now.stage, "differences": differences, "because": because}


def _why(each: PastEvent, events: Mapping[str, Event]) -> dict[str, Any]:
    event = each.event
    named = events.get(event.retracts) if isinstance(event, EventRetracted) else None
    return {
        "event_id": event.id,
        "type": event.type,
        "occurred_at": utc_text(event.at),
        "received_at": utc_text(each.received_at),
        "why": "retracted" if named is not None else "merged" if each.was_merged else "late",
        "retracted": None if named is None else {"type": named.type, "occurred_at": utc_text(named.at)},
    }


def _figures(state: State) -> dict[str, Any]:
    facts = state.facts
    last = facts.last_appointment_at
    return {
        "stage": state.stage,
        "total_appointments": facts.completed,
        "lifetime_value": money_text(facts.value),
        "missed": facts.missed,
        "last_appointment_at": None if last is None else utc_text(last),
        "risk_score": money_text(state.risk),
        "engagement_score": money_text(state.engagement),
    }
