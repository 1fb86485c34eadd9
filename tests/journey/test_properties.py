"""What holds for every journey, whatever happens in it and under whatever rules."""

import json
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from journey.engine import Transition, decide
from journey.event_validation import from_fields
from journey.events import Event
from journey.simulate import Log
from journey.stages import DEFAULT_RULEBOOK, Rulebook
from journey.state import State, apply_state_diff, copy, pack, state_diff, unpack
from journey.time import DAY, Micros, Moment, utc_text
from tests.support import strategies as some
from tests.support.strategies import BASE, HORIZON, live

ENDS = some.instants(0, HORIZON + 200)


def state_after(state: State, history: list[Event], rulebook: Rulebook, now: Micros) -> State:
    return decide(state, history, rulebook, now).state


@given(history=some.events(), rulebook=some.rulebooks, end=ENDS)
def test_imported_at_once_equals_lived(history: list[Event], rulebook: Rulebook, end: Micros) -> None:
    end = max([end, *(event.at for event in history)])
    imported = decide(State(), history, rulebook, end)
    state, moves = live(State(), history, rulebook, end)
    assert imported.transitions == moves
    assert imported.state == state


@given(data=st.data(), rulebook=some.rulebooks)
def test_imported_at_once_equals_lived_after_a_command(data: st.DataObject, rulebook: Rulebook) -> None:
    """The same from any state that a person left: held until a time, held until released, or moved only."""
    now = Micros(BASE + 200 * DAY)
    begun = state_after(State(), data.draw(some.events(6, last=200)), rulebook, now)
    begun = decide(begun, [], rulebook, now, [data.draw(some.commands(rulebook, now))]).state
    history = data.draw(some.events(6, first=202, last=HORIZON))
    end = max([data.draw(ENDS), now, *(event.at for event in history)])
    imported = decide(begun, history, rulebook, end)
    state, moves = live(begun, history, rulebook, end)
    assert imported.transitions == moves
    assert imported.state == state


@given(history=some.events(), end=ENDS, data=st.data())
def test_duplicates_change_nothing(history: list[Event], end: Micros, data: st.DataObject) -> None:
    repeated = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=6))))
    log = Log()
    taken = [event for event in repeated if log.add(event)]
    assert log.events == len(history)
    assert log.duplicates == len(repeated) - len(history)
    assert not log.conflicts
    assert decide(State(), taken, DEFAULT_RULEBOOK, end) == decide(State(), history, DEFAULT_RULEBOOK, end)


@given(history=some.events(), rulebook=some.rulebooks, end=ENDS, data=st.data())
def test_the_order_of_a_batch_does_not_matter(
    history: list[Event], rulebook: Rulebook, end: Micros, data: st.DataObject
) -> None:
    begun = state_after(State(), data.draw(st.just([]) | some.events(4, last=200)), rulebook, Micros(BASE + 200 * DAY))
    shuffled = data.draw(st.permutations(history))
    one, other = decide(begun, history, rulebook, end), decide(begun, shuffled, rulebook, end)
    assert one == other
    assert pack(one.state) == pack(other.state)


@given(rulebook=some.rulebooks, data=st.data())
def test_never_down_the_growth_ladder_by_itself(rulebook: Rulebook, data: st.DataObject) -> None:
    order = {stage.key: stage.order for stage in rulebook.growth}
    state, moves = _batches(data, rulebook)
    for move in moves:
        if move.trigger_type != "manual" and move.from_stage in order and move.to_stage in order:
            assert order[move.to_stage] > order[move.from_stage], move
    assert state.reached == list(dict.fromkeys(move.to_stage for move in moves))


@given(rulebook=some.rulebooks, data=st.data())
def test_scores_lie_within_0_and_1_and_are_the_sum_of_their_factors(rulebook: Rulebook, data: st.DataObject) -> None:
    state, _ = _batches(data, rulebook)
    scorer = rulebook.scorer
    for moment in map(Moment, (2 * BASE, 2 * data.draw(ENDS), 2 * data.draw(ENDS) + 1)):
        for score, factors in (
            (scorer.risk(state.facts, moment), scorer.explain_risk(state.facts, moment)),
            (scorer.engagement(state.facts, moment), scorer.explain_engagement(state.facts, moment)),
        ):
            assert 0 <= score <= 100
            assert sum(Decimal(factor.contribution) for factor in factors) == Decimal(score) / 100


@given(rulebook=some.rulebooks, data=st.data())
def test_the_deadline_is_the_first_instant_at_which_anything_changes(rulebook: Rulebook, data: st.DataObject) -> None:
    now = Micros(BASE + data.draw(st.integers(HORIZON, HORIZON + 60)) * DAY)
    state, _ = _batches(data, rulebook, now)
    last = now + 2000 * DAY if state.deadline is None else state.deadline
    assert now <= last
    for instant in (now, last, data.draw(st.integers(now, last))):
        decision = decide(state, [], rulebook, Micros(instant))
        assert (decision.state, decision.transitions) == (state, [])
    if state.deadline is not None:
        decision = decide(state, [], rulebook, Micros(state.deadline + 1))
        assert decision.state != state
        if state.deadline_stage is None:
            assert decision.transitions == []
        else:
            assert decision.state.stage == state.deadline_stage
            assert {move.at for move in decision.transitions} == {state.deadline}


@given(rulebook=some.rulebooks, data=st.data())
def test_batches_with_late_arrivals_keep_time_and_count(rulebook: Rulebook, data: st.DataObject) -> None:
    state, moves = _batches(data, rulebook)
    assert [move.transition_number for move in moves] == list(range(1, len(moves) + 1))
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert [move.from_stage for move in moves] == [None, *(move.to_stage for move in moves)][: len(moves)]
    assert state.transition_number == len(moves)
    assert state.stage == (moves[-1].to_stage if moves else None)


@given(rulebook=some.rulebooks, data=st.data())
def test_late_events_never_write_into_the_past(rulebook: Rulebook, data: st.DataObject) -> None:
    """Older than what was already evaluated: whatever they lead to is a transition of now."""
    begun = state_after(State(), data.draw(some.events(8)), rulebook, Micros(BASE + 500 * DAY))
    late = [event for event in data.draw(some.events(4, last=HORIZON)) if 2 * event.at < (begun.evaluated or 0)]
    now = Micros(BASE + data.draw(st.integers(500, 700)) * DAY)
    fired, _ = live(begun, [], rulebook, now)
    decision = decide(fired, late, rulebook, now)
    assert {move.at for move in decision.transitions} <= {now}


@given(rulebook=some.rulebooks, data=st.data())
def test_packed_and_unpacked_is_the_same(rulebook: Rulebook, data: st.DataObject) -> None:
    state, _ = _batches(data, rulebook)
    assert unpack(pack(state)) == state
    assert pack(unpack(pack(state))) == pack(state)


@given(history=some.events(), more=some.events(4), rulebook=some.rulebooks, end=ENDS)
def test_changes_turn_one_packed_state_into_the_next(
    history: list[Event], more: list[Event], rulebook: Rulebook, end: Micros
) -> None:
    state = state_after(State(), history, rulebook, end)
    for next_state in (state_after(state, more, rulebook, Micros(end + 100 * DAY)), State(), copy(state)):
        old, new = pack(state), pack(next_state)
        recorded = json.loads(json.dumps(state_diff(old, new)))
        assert apply_state_diff(old, recorded) == new
        assert (recorded == {}) == (old == new)
    assert apply_state_diff(None, state_diff({}, pack(state))) == pack(state)


def test_a_recorded_change_does_not_grow_with_the_appointments() -> None:
    """A visit every day for years costs each commit as much as the second one."""
    state, sizes = State(), []
    for day in range(400):
        fields = {"id": f"e{day}", "customer_id": 1, "type": "appointment.completed"}
        event = from_fields({**fields, "occurred_at": utc_text(Micros(BASE + day * DAY)), "amount": "10.00"})
        then = state_after(state, [event], DEFAULT_RULEBOOK, event.at)
        sizes.append(len(json.dumps(state_diff(pack(state), pack(then)))))
        state = then
    assert max(sizes[150:]) < 200


@given(history=some.events(), more=some.events(4), rulebook=some.rulebooks, end=ENDS)
def test_what_is_given_is_left_alone(history: list[Event], more: list[Event], rulebook: Rulebook, end: Micros) -> None:
    state = state_after(State(), history, rulebook, end)
    before, packed = copy(state), pack(state)
    decide(state, more, rulebook, Micros(end + 100 * DAY))
    assert state == before
    assert pack(state) == packed


@example(seed=1)
@given(seed=st.integers(0, 2**32))
def test_a_long_life_can_be_imported_too(seed: int) -> None:
    """A hundred events on few instants, many of them at the very same one."""
    log = some.random_log(seed, 100)
    end = BASE + 900 * DAY
    imported = decide(State(), log, DEFAULT_RULEBOOK, Micros(end))
    assert (imported.state, imported.transitions) == live(State(), log, DEFAULT_RULEBOOK, Micros(end))


def _batches(data: st.DataObject, rulebook: Rulebook, end: Micros | None = None) -> tuple[State, list[Transition]]:
    """A life in batches that arrive whenever they arrive, with commands in between; `end` is the last batch's now."""
    state, moves = State(), []
    history = data.draw(some.events(), label="history")
    nows = sorted(data.draw(st.lists(some.instants(), min_size=1, max_size=4), label="nows"))
    if end is not None:
        nows[-1] = end
    seats = data.draw(
        st.lists(st.integers(0, len(nows) - 1), min_size=len(history), max_size=len(history)), label="seats"
    )
    for number, now in enumerate(nows):
        batch = [event for event, seat in zip(history, seats, strict=True) if seat == number]
        asked = data.draw(st.lists(some.commands(rulebook, now), max_size=1) if state.stage else st.just([]))
        decision = decide(state, batch, rulebook, now, asked)
        state = decision.state
        moves += decision.transitions
    if state.stage is None:
        state = state_after(state, history[:1], rulebook, nows[-1])
    return state, moves or decide(State(), history[:1], rulebook, nows[-1]).transitions
