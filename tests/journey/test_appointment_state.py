"""What the packed state keeps of many appointments, and what comes from the ledger."""

import json

import pytest

from journey.appointment_book import HELD, HistoryNeeded
from journey.engine import decide
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK
from journey.state import State, pack, unpack
from journey.time import HOUR, Micros
from tests.support.appointment_lives import Journey
from tests.support.random_life import START, about, at, visit


def _series(count: int, step: float, first: float = 0) -> list[Event]:
    """Bookings made a week ahead, each completed with an amount."""
    made = []
    for n in range(count):
        day = first + n * step
        made.append(about("requested", day - 7, f"s{n}", day))
        made.append(about("completed", day, f"s{n}", amount="45.50", service="colour"))
    return made


def _size(state: State) -> int:
    return len(json.dumps(pack(state), separators=(",", ":")))


def test_an_appointment_corrected_after_three_years_and_500_others_is_found() -> None:
    journey = Journey()
    old = [about("requested", -20, "old", -10), about("completed", -10, "old", amount="100")]
    for step in sorted([*old, *_series(500, 1095 / 500)], key=lambda e: e.at):
        journey.commit([step], step.at)
        assert len(set(map(id, journey.state.facts.appointments.values()))) <= HELD
    assert journey.state.facts.completed == 501
    assert _size(journey.state) <= 4096
    reads = journey.ledger_reads
    journey.commit([about("cancelled", 1100, "old")], at(1100))
    assert journey.ledger_reads == reads + 1
    assert (journey.state.facts.completed, journey.state.facts.cancelled) == (500, 1)
    assert journey.state.facts.value == 500 * 4550
    assert journey.state.facts.requests == 501


def test_a_weekly_series_booked_for_a_year_is_right_all_the_time() -> None:
    journey, booked = Journey(), [7.0 * n for n in range(1, 61)]
    journey.commit([about("requested", 0, f"w{n}", day) for n, day in enumerate(booked)], at(0))
    assert _size(journey.state) <= 4096
    questions = []
    for n, day in enumerate(booked):
        assert journey.state.facts.next_booked(at(day - 1)) == at(day)
        assert journey.state.facts.last_booked == at(booked[-1])
        assert _size(journey.state) <= 4096
        journey.pass_deadlines(at(day))
        if n % 3 == 0:
            journey.commit([about("completed", day, f"w{n}", amount="20")], at(day))
        else:
            decision = journey.commit([], Micros(at(day + 2) + 1))
            questions += [unanswered.booked for unanswered in decision.unanswered]
    assert questions == [at(day) for n, day in enumerate(booked) if n % 3]
    assert journey.state.facts.completed == 20
    assert not {"at_risk", "churned"} & {move.to_stage for move in journey.moves}


def test_removing_the_last_visit_needs_the_ledger_when_the_window_moves_back() -> None:
    journey = Journey()
    for step in (visit(0), visit(100), about("completed", 400, "late")):
        journey.commit([step], step.at)
    with pytest.raises(HistoryNeeded):
        decide(journey.state, [about("cancelled", 401, "late")], DEFAULT_RULEBOOK, at(401))
    journey.commit([about("cancelled", 401, "late")], at(401))
    assert journey.state.facts.recent == [at(0), at(100)]


def test_a_state_of_before_learns_its_bookings_from_the_ledger() -> None:
    """States of before counted requests and held no bookings; a journey must not lapse with one open."""
    booking = about("requested", 80, scheduled=200)
    state = decide(State(), [visit(0), booking], DEFAULT_RULEBOOK, at(81)).state
    packed = pack(state)
    old = {**packed, "S": 1, "f": {k: v for k, v in packed["f"].items() if k not in ("ad", "af", "an", "al")}}
    journey = Journey(state=unpack(old), ledger=[visit(0), booking])
    journey.commit([], at(150))
    assert journey.state.stage == "customer"
    assert journey.state.facts.booked == [at(200)]
    assert pack(unpack({**old, "f": {"a": 1, "ap": "0"}}))["f"]["af"] is True


def test_short_hashes_and_no_ids_are_in_the_packed_state() -> None:
    packed = json.dumps(
        pack(decide(State(), [about("requested", 1, "Anna Schmidt 5", 9)], DEFAULT_RULEBOOK, at(1)).state)
    )
    assert "Anna" not in packed
    assert START % HOUR  # the test days are not round numbers, which would hide errors of packing
