"""The facts of a journey anew from its ledger, and the stage where it belongs by them.

`refold_facts` is what every comparison with the ledger and every repair is built on. `belongs` and `correct` are what
follows when the ledger itself has changed: an event was retracted, or two customers became one.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct

from journey.actions import due_actions
from journey.appointment_book import copy_asked, fold_facts, shrink
from journey.appointments import Unanswered
from journey.contributions import Contribution, usual
from journey.engine import Command, Decision, Transition, decide, move_to, stage_entry
from journey.events import Event, counting
from journey.facts import Facts
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros

#: The facts that no order of arrival can change, and what users call them.
COMPARED_FACTS = {
    "calls": "calls",
    "qualified_calls": "qualified calls",
    "ratings": "ratings",
    "rating_sum": "sum of ratings",
    "requests": "requests",
    "completed": "total_appointments",
    "value": "lifetime_value",
    "missed": "missed",
    "cancelled": "cancelled",
    "last_event_at": "last event",
    "recent": "recent appointments",
    "last_booked": "latest booking",
    "visit_days": "days of the latest visits",
    "services": "visits by service",
}
#: Of transitions that are not automatic, by their ``trigger_event``.
TRIGGER_TYPES = {"stage_set": "manual", "journey_started": "system", "rules_changed": "system"}


class LedgerRecord(Struct, frozen=True):
    """An applied event of the ledger, and the version of the commit that applied it."""

    version: int
    event: Event


class RecordedMove(Struct, frozen=True, kw_only=True):
    """A transition on record."""

    transition_number: int
    from_stage: str | None
    to_stage: str
    at: Micros
    trigger_event: str
    event_id: str | None
    version: int


def refold_facts(ledger: Iterable[LedgerRecord]) -> Facts:
    """Fold the facts anew from applied events, in the order in which commits applied them.

    They hold every appointment; those of a state hold a part (`keep_facts`).
    """
    facts, _ = fold_facts(ordered_events(ledger))
    return facts


def contributions(events: Iterable[Event]) -> list[Contribution]:
    """Return what the events of a journey contribute; retracted ones contribute nothing."""
    counted = counting(events)
    _, book = fold_facts(counted)
    return [each for event in counted for each in book.contributions.get(event.id, usual(event))]


def keep_facts(state: State, ledger: Sequence[LedgerRecord], now: Micros) -> None:
    """Replace a state's facts by those of the ledger, if they differ."""
    facts = refold_facts(ledger)
    if different_facts(state.facts, ledger, facts):
        copy_asked(facts, state.facts.appointments, now)
        shrink(facts)
        facts.company_median = state.facts.company_median
        state.facts = facts


def ordered_events(ledger: Iterable[LedgerRecord]) -> list[Event]:
    ordered = sorted(ledger, key=lambda record: (record.version, record.event.at, record.event.id))
    return [record.event for record in ordered]


def different_facts(
    facts: Facts, ledger: Sequence[LedgerRecord], expected: Facts | None = None
) -> dict[str, tuple[Any, Any]]:
    """Return the facts that differ from what the ledger says: by name, (of the journey, of the ledger).

    Args:
        facts: The journey's.
        ledger: All applied events.
        expected: The facts folded anew from them, if they are known already.
    """
    expected = refold_facts(ledger) if expected is None else expected
    found = {
        shown: (getattr(facts, name), getattr(expected, name))
        for name, shown in COMPARED_FACTS.items()
        if getattr(facts, name) != getattr(expected, name)
    }
    if facts.tickets != expected.tickets:
        # a ticket that is opened again under its old id depends on the order of arrival, also within a commit
        by_time = refold_facts(LedgerRecord(0, record.event) for record in ledger)
        if facts.open_tickets not in (expected.open_tickets, by_time.open_tickets):
            found["open tickets"] = (facts.open_tickets, expected.open_tickets)
    return found


class ManualMove(Struct, frozen=True, kw_only=True):
    """A stage that a user set, and the hold on it: none, until an instant, or (None) until it was released."""

    at: Micros
    stage: str
    is_held: bool = False
    held_until: Micros | None = None


def manual_moves(moves: Iterable[RecordedMove], state: State) -> list[ManualMove]:
    """Return the manual moves on record, and the holds that a state remembers, in order."""
    found = {
        move.at: ManualMove(at=move.at, stage=move.to_stage) for move in moves if move.trigger_event == "stage_set"
    }
    for since, stage, until in state.holds:
        found[since] = ManualMove(at=since, stage=stage, is_held=True, held_until=until)
    return [found[at] for at in sorted(found)]


def belongs(events: Iterable[Event], manual: Iterable[ManualMove], rulebook: Rulebook, now: Micros) -> State:
    """Return the state in which a simulation ends: each event at its own time, manual moves and holds at theirs.

    Args:
        events: All applied events of the journey, in any order, and their retractions; retracted ones do not count.
        manual: The manual moves. Those into stages that no longer exist do not count.
        rulebook: The company's rules, for the whole past, as in an import.
        now: The instant at which the simulation ends.

    Returns:
        The state. Without events and manual moves, it has no stage: the journey belongs in its first one.
    """
    state, waiting = State(), sorted(counting(events), key=attrgetter("at", "id"))
    done: list[Event] = []
    for move in sorted(manual, key=attrgetter("at")):
        stage = rulebook.by_key.get(move.stage)
        if stage is None or not stage.is_active or move.at > now:
            continue
        due = [event for event in waiting if event.at <= move.at]
        set_stage = Command(kind="set_stage", stage=move.stage, hold=move.is_held, hold_until=move.held_until)
        state = decide(state, due, rulebook, move.at, [set_stage], done).state
        done, waiting = done + due, waiting[len(due) :]
    return decide(state, waiting, rulebook, now, history=done).state


def correct(
    state: State,
    events: Iterable[Event],
    manual: Iterable[ManualMove],
    rulebook: Rulebook,
    now: Micros,
    because: str,
    event: Event | None = None,
) -> Decision:
    """Fold a journey's facts anew after its ledger has changed, and lead it where it belongs.

    If `belongs` ends in another stage than the one in which the journey stands, one automatic transition of ``now``
    leads there, also down the growth ladder. A hold keeps the stage. What is on record of the past stays.

    Args:
        state: The journey's state, evaluated up to ``now``; it is not modified. A journey that has not begun is
            simulated, with each transition at its own time.
        events: As for `belongs`.
        manual: As for `belongs`.
        rulebook: The company's rules.
        now: The time of the decision.
        because: The ``trigger_event`` of the transition: ``event_retracted`` or ``customers_merged``.
        event: The retraction, if there is one.

    Returns:
        The decision. Its actions are those of a stage entered now, but not of a growth stage that is below one that the
        journey has reached before. ``answered`` has the appointments that are no longer awaited as they were, and
        ``undone`` the growth stages that the journey has reached and would not have reached by these events.
    """
    events = list(events)
    if state.stage is None:
        return decide(State(), counting(events), rulebook, now)
    facts, _ = fold_facts(events)
    answered = [
        Unanswered(key, appointment.booked)
        for key, appointment in state.facts.appointments.items()
        if appointment.is_asked and appointment.booked is not None and not _is_awaited(facts, key, appointment.booked)
    ]
    simulated = belongs(events, manual, rulebook, now)
    stage = rulebook.by_key[simulated.stage or rulebook.growth[0].key]
    decision = move_to(state, facts, stage, rulebook, now, because, event)
    entries = []
    for move in decision.transitions:
        first_entry = not move.is_growth or is_above_all(move, state, rulebook)
        entries.append(msgspec.structs.replace(stage_entry(move), first_entry=first_entry))
    actions = due_actions(entries, now, rulebook.actions)
    remaining = {*simulated.reached, decision.state.stage}
    undone = [each.key for each in rulebook.growth if each.key in state.reached and each.key not in remaining]
    return msgspec.structs.replace(decision, actions=actions, answered=answered, undone=undone)


def _is_awaited(facts: Facts, key: str, booked: Micros) -> bool:
    appointment = facts.appointments.get(key)
    return appointment is not None and appointment.awaited == booked


def is_above_all(move: Transition, state: State, rulebook: Rulebook) -> bool:
    """Whether a transition leads to a growth stage above all that a journey has ever been in."""
    ladder = [stage.key for stage in rulebook.growth]
    return all(move.to_stage in ladder[index + 1 :] for index, key in enumerate(ladder) if key in state.reached)
