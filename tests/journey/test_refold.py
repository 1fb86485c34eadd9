"""Facts and states made anew from a ledger equal those that were lived, whatever part of the journey is lost."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from journey.appointment_book import HistoryNeeded
from journey.decisions import decide
from journey.engine import Command, Transition
from journey.event_validation import from_fields
from journey.events import Event
from journey.rebuild import rebuild
from journey.refold import LedgerRecord, RecordedMove, different_facts, refold_facts
from journey.stages import DEFAULT_RULEBOOK
from journey.state import State
from journey.time import DAY, Micros, to_micros, utc_text

START = to_micros(datetime(2026, 1, 1, tzinfo=UTC))


@dataclass
class Lived:
    """A journey lived commit by commit: what its ledger and its transitions then have on record."""

    state: State = field(default_factory=State)
    ledger: list[LedgerRecord] = field(default_factory=list)
    moves: list[Transition] = field(default_factory=list)
    versions: dict[int, int] = field(default_factory=dict)
    now: Micros = START

    def commit(self, now: float, *events: Event, commands: tuple[Command, ...] = ()) -> None:
        self.now = Micros(START + int(now * DAY))
        try:
            decision = decide(self.state, events, DEFAULT_RULEBOOK, self.now, commands)
        except HistoryNeeded:
            history = [record.event for record in self.ledger]
            decision = decide(self.state, events, DEFAULT_RULEBOOK, self.now, commands, history)
        version = self.state.version + 1
        self.state = decision.state
        self.state.version = version
        self.ledger += [LedgerRecord(version, event) for event in events]
        self.moves += decision.transitions
        self.versions |= {move.transition_number: version for move in decision.transitions}

    @property
    def recorded(self) -> list[RecordedMove]:
        return [
            RecordedMove(
                transition_number=move.transition_number,
                from_stage=move.from_stage,
                to_stage=move.to_stage,
                at=move.at,
                trigger_event=move.trigger_event,
                event_id=move.event_id,
                version=self.versions[move.transition_number],
            )
            for move in self.moves
        ]


def event(kind: str, day: float, **fields: Any) -> Event:
    at = utc_text(Micros(START + int(day * DAY)))
    fields = {"id": f"{kind}-{day}-{len(fields)}", "type": kind, "customer_id": "c", "occurred_at": at, **fields}
    return from_fields(fields)


def visit(day: float, amount: str = "400.00") -> Event:
    return event("appointment.completed", day, amount=amount)


def booking(chance: random.Random, day: float) -> list[Event]:
    """Events about one of three appointments: booked, moved, completed, corrected."""
    fields: dict[str, Any] = {"appointment_id": f"a-{chance.randrange(3)}"}
    kind = chance.choice(("requested", "rescheduled", "completed", "completed", "cancelled"))
    if kind in ("requested", "rescheduled"):
        ahead = chance.choice((1, 30))
        fields["scheduled_for"] = utc_text(Micros(START + int((day + ahead) * DAY)))
    if kind == "completed":
        fields["amount"] = f"{chance.randrange(500)}.00"
    return [event(f"appointment.{kind}", day, **fields)]


def life(seed: int) -> Lived:
    """A random life of two years, with late events, manual moves and holds."""
    chance, lived, day = random.Random(seed), Lived(), 0.0
    kinds = ("appointment.requested", "appointment.missed", "appointment.cancelled")
    for _ in range(chance.randrange(3, 25)):
        day += chance.choice((1, 5, 20, 100))
        late = chance.choice((0, 0, 0, 30))
        what = chance.random()
        if what < 0.5:
            lived.commit(day, visit(max(0, day - late)), visit(max(0, day - late - 0.5)))
        elif what < 0.6:
            lived.commit(day, event("call.received", day, duration_seconds=chance.randrange(200), rating=3))
        elif what < 0.7:
            ticket = f"t-{chance.randrange(3)}"
            lived.commit(day, event(f"support_ticket.{chance.choice(('opened', 'resolved'))}", day, ticket_id=ticket))
        elif what < 0.8 or lived.state.stage is None:
            lived.commit(day, event(chance.choice(kinds), max(0, day - late)))
        elif what < 0.9:
            lived.commit(day, *booking(chance, day))
        else:
            until = chance.choice((None, Micros(START + int((day + 40) * DAY))))
            hold = chance.random() < 0.5
            stage = chance.choice(("lead", "vip", "at_risk"))
            set_stage = Command(
                kind="set_stage", stage=stage, reason="r", hold=hold, hold_until=until if hold else None
            )
            lived.commit(day, commands=(set_stage,))
    lived.commit(day + chance.choice((0, 10, 200)))
    return lived


@pytest.mark.parametrize("seed", range(150))
def test_nothing_changes_where_nothing_is_lost(seed: int) -> None:
    lived = life(seed)
    assert different_facts(lived.state.facts, lived.ledger) == {}
    made = rebuild(lived.ledger, lived.recorded, lived.state, DEFAULT_RULEBOOK, lived.now)
    assert (made.added, made.missing) == ([], [])
    assert comparable(made.state) == comparable(lived.state)


@pytest.mark.parametrize("seed", range(150))
def test_the_last_transition_is_added_again_as_the_state_knows_it(seed: int) -> None:
    lived = life(seed)
    made = rebuild(lived.ledger, lived.recorded[:-1], lived.state, DEFAULT_RULEBOOK, lived.now)
    last = lived.moves[-1]
    assert [shape(move) for move in made.added] == [shape(last)]
    assert comparable(made.state) == comparable(lived.state)


def test_facts_in_a_damaged_state_are_made_anew() -> None:
    lived = Lived()
    for day in range(3):
        lived.commit(day, visit(day))
    damaged = msgspec.structs.replace(lived.state, facts=refold_facts(lived.ledger[:1]))
    assert different_facts(damaged.facts, lived.ledger)["lifetime_value"] == (40000, 120000)
    made = rebuild(lived.ledger, lived.recorded, damaged, DEFAULT_RULEBOOK, lived.now)
    assert comparable(made.state) == comparable(lived.state)


def test_a_row_older_than_ledger_and_transitions_gets_what_followed() -> None:
    lived = Lived()
    lived.commit(0, visit(0))
    older = msgspec.structs.replace(lived.state)
    lived.commit(1, visit(1))
    lived.commit(2, commands=(Command(kind="set_stage", stage="regular", reason="r"),))
    lived.commit(3, visit(3))
    made = rebuild(lived.ledger, lived.recorded, older, DEFAULT_RULEBOOK, lived.now)
    assert (made.state.stage, made.state.facts) == ("vip", lived.state.facts)
    assert made.added == [], "they are on record"
    lost = rebuild(lived.ledger, lived.recorded[:-1], older, DEFAULT_RULEBOOK, lived.now)
    assert [shape(move) for move in lost.added] == [shape(lived.moves[-1])]


def test_a_gap_is_filled_from_a_simulation_or_named() -> None:
    lived = Lived()
    lived.commit(0, event("call.received", 0, duration_seconds=100))
    lived.commit(1, visit(1, "10.00"))
    lived.commit(2, commands=(Command(kind="set_stage", stage="vip", reason="a friend"),))
    lived.commit(100)
    numbers = {move.to_stage: move.transition_number for move in lived.moves}
    assert numbers == {"prospect": 1, "lead": 2, "customer": 3, "vip": 4, "at_risk": 5}
    without = [move for move in lived.recorded if move.transition_number not in (2, 3)]
    made = rebuild(lived.ledger, without, lived.state, DEFAULT_RULEBOOK, lived.now)
    assert [shape(move) for move in made.added] == [shape(move) for move in lived.moves[1:3]]
    assert made.missing == []
    without = [move for move in lived.recorded if move.transition_number != 4]
    made = rebuild(lived.ledger, without, lived.state, DEFAULT_RULEBOOK, lived.now)
    assert (made.added, made.missing) == ([], [4]), "who moved it, and when, is lost"
    assert made.state.stage == "at_risk"


def test_a_journey_of_which_only_the_ledger_is_left_is_simulated() -> None:
    lived = Lived()
    lived.commit(200, visit(0), visit(1), visit(2))
    made = rebuild(lived.ledger, [], None, DEFAULT_RULEBOOK, lived.now)
    assert [shape(move) for move in made.added] == [shape(move) for move in lived.moves]
    assert msgspec.structs.replace(made.state, version=1) == lived.state


def test_a_deleted_ledger_row_takes_no_growth_stage_away() -> None:
    lived = Lived()
    lived.commit(0, visit(0, "1200.00"))
    lived.commit(1, visit(1, "10.00"))
    made = rebuild(lived.ledger[1:], lived.recorded, lived.state, DEFAULT_RULEBOOK, lived.now)
    assert (made.state.stage, made.state.facts.value) == ("vip", 1000)


def shape(move: Transition) -> tuple[Any, ...]:
    return move.transition_number, move.from_stage, move.to_stage, move.at, move.trigger_event, move.trigger_type


def comparable(state: State) -> dict[str, Any]:
    """A state without what depends on the order of arrival of tickets."""
    fields = msgspec.structs.asdict(state)
    return {**fields, "facts": msgspec.structs.replace(state.facts, tickets={})}
