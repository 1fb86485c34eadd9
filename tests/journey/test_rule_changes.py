"""What a change of rules means for any journey, from any valid rulebook to any other."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from journey.actions import due_actions
from journey.engine import RULES_CHANGED, Decision, decide, stage_entry
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK, Rulebook
from journey.state import State
from journey.time import DAY, HOUR, Micros
from tests.support import strategies as some
from tests.support.strategies import BASE, HORIZON, live

CHANGE = Micros(BASE + (HORIZON + 30) * DAY)
LAG = 40  # days from the change to the last journey that its roll-out notifies


def version_2(rulebook: Rulebook, *, runs_actions: bool = False) -> Rulebook:
    """The rulebook as a version that is in force from `CHANGE` on."""
    return Rulebook(rulebook.all_stages, rulebook.scoring, 2, CHANGE, runs_actions=runs_actions)


def until_the_change(data: st.DataObject, old: Rulebook) -> State:
    """A life under the old rules, with every deadline evaluated in time, and perhaps a stage set manually."""
    state, _ = live(State(), data.draw(some.events(), label="history"), old, CHANGE)
    asked = data.draw(st.lists(some.commands(old, CHANGE), max_size=1), label="commands")
    return decide(state, [], old, CHANGE, asked).state


def notified(state: State, new: Rulebook, lag: int = 0) -> Decision:
    """What a journey becomes that the roll-out notifies so many µs after the change."""
    return decide(state, [], new, Micros(CHANGE + lag))


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_every_move_is_one_of_the_change_at_its_instant(old: Rulebook, new: Rulebook, data: st.DataObject) -> None:
    before = until_the_change(data, old)
    moves = notified(before, version_2(new)).transitions
    assert {(move.trigger_type, move.trigger_event, move.at) for move in moves} <= {("system", RULES_CHANGED, CHANGE)}
    assert [move.from_stage for move in moves] == [before.stage, *(move.to_stage for move in moves)][: len(moves)]


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_nobody_stays_in_a_stage_that_is_gone_or_a_lapse_that_is_untrue(
    old: Rulebook, new: Rulebook, data: st.DataObject
) -> None:
    before, changed = until_the_change(data, old), version_2(new)
    after = notified(before, changed).state
    assert after.rules_version == 2
    if before.held:
        assert after.stage == before.stage
        return
    stage = changed.by_key[after.stage or ""]
    assert stage.is_active
    order = {growth.key: number for number, growth in enumerate(changed.growth)}
    if stage.is_growth and before.stage not in order:
        highest = max((order[key] for key in before.reached if key in order), default=0)
        assert order[stage.key] >= highest


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_no_growth_stage_that_remains_is_taken_away(old: Rulebook, new: Rulebook, data: st.DataObject) -> None:
    before, changed = until_the_change(data, old), version_2(new)
    order = {stage.key: number for number, stage in enumerate(changed.growth)}
    for move in notified(before, changed).transitions:
        if move.from_stage in order and move.to_stage in order:
            assert order[move.to_stage] > order[move.from_stage]


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_when_a_journey_is_notified_makes_no_difference(old: Rulebook, new: Rulebook, data: st.DataObject) -> None:
    """The change counts from its instant, however long the roll-out takes."""
    before, changed = until_the_change(data, old), version_2(new)
    end = LAG * DAY
    at_once = notified(before, changed)
    first, second = sorted(data.draw(st.lists(st.integers(0, end), min_size=2, max_size=2), label="notified"))
    late, later = notified(before, changed, first), notified(before, changed, second)
    assert late.transitions[: len(at_once.transitions)] == at_once.transitions
    assert later.transitions[: len(late.transitions)] == late.transitions
    then, moves = live(at_once.state, [], changed, Micros(CHANGE + second))
    assert then == later.state
    assert at_once.transitions + moves == later.transitions


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_an_event_before_the_roll_out_brings_the_change_itself(
    old: Rulebook, new: Rulebook, data: st.DataObject
) -> None:
    before, changed = until_the_change(data, old), version_2(new)
    history: list[Event] = data.draw(some.events(4, first=HORIZON + 31, last=HORIZON + 70), label="after the change")
    end = max(event.at for event in history)
    untold, moves = live(before, history, changed, end)
    at_once = notified(before, changed)
    rest, others = live(at_once.state, history, changed, end)
    assert (untold, moves) == (rest, at_once.transitions + others)


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_the_next_deadline_is_exact_under_the_new_rules(old: Rulebook, new: Rulebook, data: st.DataObject) -> None:
    changed = version_2(new)
    state = notified(until_the_change(data, old), changed).state
    last = CHANGE + 2000 * DAY if state.deadline is None else state.deadline
    for instant in (CHANGE, data.draw(st.integers(CHANGE, last)), last):
        assert decide(state, [], changed, Micros(instant)).state == state
    if state.deadline is not None:
        assert decide(state, [], changed, Micros(state.deadline + 1)).state != state


@given(old=some.rulebooks, new=some.rulebooks, data=st.data())
def test_a_second_change_finds_what_the_first_left(old: Rulebook, new: Rulebook, data: st.DataObject) -> None:
    """A journey that the first roll-out did not reach before the second goes by the second version alone."""
    before = until_the_change(data, old)
    second = Rulebook(old.all_stages, old.scoring, 3, Micros(CHANGE + HOUR))
    for begun in (before, notified(before, version_2(new)).state):
        decision = decide(begun, [], second, Micros(CHANGE + 2 * HOUR))
        assert decision.state.rules_version == 3
        assert decide(decision.state, [], second, Micros(CHANGE + 2 * HOUR)).transitions == []
        assert all(earlier.at <= later.at for earlier, later in pairwise(decision.transitions))


@given(old=some.rulebooks, data=st.data())
def test_actions_run_only_if_the_change_asks_for_it(old: Rulebook, data: st.DataObject) -> None:
    before = until_the_change(data, old)
    quiet = notified(before, version_2(DEFAULT_RULEBOOK))
    loud = notified(before, version_2(DEFAULT_RULEBOOK, runs_actions=True))
    assert (quiet.state, quiet.transitions) == (loud.state, loud.transitions)
    assert quiet.actions == []
    expected = due_actions(map(stage_entry, quiet.transitions), CHANGE, DEFAULT_RULEBOOK.actions)
    assert loud.actions == expected
