"""What holds for every life with appointments, however its events arrive; compared with a naive computation."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey.appointment_book import fold_facts
from journey.decisions import decide
from journey.events import Event, counting
from journey.facts import Facts
from journey.presets import presets
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State, apply_state_diff, copy, pack, state_diff, unpack
from journey.time import DAY, HOUR, Micros
from tests.support import naive_appointments as naive
from tests.support.appointment_lives import Journey, booked_events, corrected_events, generated_life
from tests.support.strategies import BASE, RETENTION

SHORT_GRACE = rulebook_from({"scoring": {"booking_grace_hours": 5}})
RHYTHM = rulebook_from({"stages": presets()[1].stages})
rulebooks = st.sampled_from([DEFAULT_RULEBOOK, SHORT_GRACE, RETENTION, RHYTHM])
ends = st.integers(0, 600).map(lambda days: Micros(BASE + days * DAY))


def _sums(facts: Facts) -> tuple[object, ...]:
    return (
        facts.completed, facts.value, facts.missed, facts.cancelled, facts.requests, facts.recent, facts.booked,
        facts.last_event_at,
    )  # fmt: skip


def _check_naive(facts: Facts, events: list[Event]) -> None:
    sums = naive.Sums(counting(events))
    window = [visit for visit in sums.visits if visit > sums.visits[-1] - 180 * DAY]
    assert _sums(facts)[:7] == (
        len(sums.visits), sums.value, sums.missed, sums.cancelled, sums.requests, window, sums.booked,
    )  # fmt: skip


lives = booked_events() | corrected_events()


def _check_contributions(journey: Journey) -> None:
    """What each event contributed when it was applied adds up to the facts, and each visit to its own instant."""
    visits, sums = Counter[int](), Counter[str]()
    for each in journey.contributed:
        visits[each.at] += each.visits
        sums.update(completed=each.visits, value=each.earned + each.adjusted, missed=each.missed)
    facts = journey.state.facts
    assert (sums["completed"], sums["value"], sums["missed"]) == (
        facts.completed, facts.value, facts.missed + facts.cancelled,
    )  # fmt: skip
    expected = Counter(naive.Sums(counting(journey.ledger)).visits)
    assert {at: number for at, number in visits.items() if number} == dict(expected)


@given(history=lives, data=st.data())
def test_facts_are_the_naive_ones_in_any_order_and_split(history: list[Event], data: st.DataObject) -> None:
    end = Micros(BASE + 700 * DAY)
    journey, rest = Journey(), data.draw(st.permutations(history))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        journey.commit(rest[:size], end)
        rest = rest[size:]
        _check_naive(journey.state.facts, journey.ledger)
        _check_contributions(journey)
    at_once = decide(State(), history, DEFAULT_RULEBOOK, end).state
    assert _sums(at_once.facts) == _sums(journey.state.facts) == _sums(fold_facts(history)[0])


@given(history=lives, rulebook=rulebooks, end=ends)
def test_imported_at_once_equals_lived(history: list[Event], rulebook: Rulebook, end: Micros) -> None:
    end = max([end, *(event.at for event in history)])
    imported = decide(State(), history, rulebook, end)
    journey = Journey(rulebook)
    journey.live(history, end)
    assert imported.transitions == journey.moves
    assert imported.state == journey.state


@given(history=lives, rulebook=rulebooks, data=st.data())
def test_stage_and_deadline_do_not_depend_on_the_split(
    history: list[Event], rulebook: Rulebook, data: st.DataObject
) -> None:
    """Each commit comes at the time of its last event, so that nothing is late."""
    ordered = sorted(history, key=lambda event: (event.at, event.id))
    journey, rest = Journey(rulebook), ordered
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        journey.commit(rest[:size], rest[size - 1].at)
        rest = rest[size:]
    imported = decide(State(), history, rulebook, ordered[-1].at)
    assert imported.transitions == journey.moves
    assert imported.state == journey.state


@given(history=lives, grace=st.sampled_from([0, 5, 48]), end=ends)
def test_transitions_are_the_naive_ones(history: list[Event], grace: int, end: Micros) -> None:
    end = max([end, *(event.at for event in history)])
    rulebook = rulebook_from({"scoring": {"booking_grace_hours": grace}})
    moves = decide(State(), history, rulebook, end).transitions
    assert [(move.to_stage, move.at) for move in moves] == naive.journey(history, end, grace)


@given(history=lives, rulebook=rulebooks, end=ends, data=st.data())
def test_the_deadline_is_the_first_instant_at_which_anything_changes(
    history: list[Event], rulebook: Rulebook, end: Micros, data: st.DataObject
) -> None:
    end = max([end, *(event.at for event in history)])
    state = decide(State(), history, rulebook, end).state
    last = end + 2000 * DAY if state.deadline is None else state.deadline
    for instant in (end, last, data.draw(st.integers(end, last))):
        decision = decide(state, [], rulebook, Micros(instant))
        assert (decision.state, decision.transitions) == (state, [])
    if state.deadline is not None:
        decision = decide(state, [], rulebook, Micros(state.deadline + 1))
        assert decision.state != state
        assert decision.state.stage == (state.deadline_stage or state.stage)


@given(history=lives, more=booked_events(4), end=ends)
def test_packed_states_and_their_differences_are_exact(history: list[Event], more: list[Event], end: Micros) -> None:
    journey = Journey()
    journey.commit(history, end)
    old = pack(journey.state)
    assert unpack(old) == journey.state
    taken = {event.id for event in history}
    journey.commit([event for event in more if event.id not in taken], Micros(end + 10 * DAY))
    new = pack(journey.state)
    assert apply_state_diff(old, json.loads(json.dumps(state_diff(old, new)))) == new


@given(history=lives, rulebook=rulebooks, end=ends)
def test_what_is_given_is_left_alone(history: list[Event], rulebook: Rulebook, end: Micros) -> None:
    for state in (State(), decide(State(), history[:1], rulebook, end).state):
        before, packed = copy(state), pack(state)
        decide(state, history[1:], rulebook, Micros(end + 100 * DAY), history=history[:1] if state.stage else None)
        assert (state, pack(state)) == (before, packed)


def test_ten_thousand_lives_have_no_lapse_while_booked() -> None:
    lapses = booked = 0
    for seed in range(10_000):
        history = generated_life(seed)
        moves = decide(State(), history, DEFAULT_RULEBOOK, Micros(BASE + 700 * DAY)).transitions
        for move in moves:
            if move.to_stage in ("at_risk", "churned"):
                lapses += 1
                sums = naive.Sums([event for event in history if event.at <= move.at])
                assert not [time for time in sums.booked if time + 48 * HOUR > move.at], (seed, move)
        booked += any(getattr(event, "scheduled_for", None) for event in history)
    assert lapses > 5_000
    assert booked > 9_000


@pytest.mark.parametrize("seed", range(40))
def test_a_generated_life_is_the_same_lived_and_naive(seed: int) -> None:
    history, end = generated_life(seed), Micros(BASE + 700 * DAY)
    journey = Journey()
    journey.live(history, end)
    assert [(move.to_stage, move.at) for move in journey.moves] == naive.journey(history, end)
    _check_naive(journey.state.facts, history)
