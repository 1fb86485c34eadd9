"""A preview says of any life, from any valid rulebook to any other, exactly what the roll-out then does."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.stage_actions import REGISTRY, CustomerMessage
from journey.actions import ACTIONS, MESSAGES
from journey.drift import evaluation
from journey.engine import RULES_CHANGED, decide, is_due_between
from journey.events import Event
from journey.outreach import Outreach
from journey.preview_totals import Totals, shown, summed
from journey.rules import InvalidRule
from journey.rules_preview import Past, Pasts, differs, lived, messages, rolled_out, rulebook_after, stages_after
from journey.simulate import Simulation
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State, pack, unpack
from journey.time import DAY, Micros
from tests.journey.test_rule_changes import CHANGE, notified, until_the_change
from tests.support import strategies as some
from tests.support.action_contexts import action_context
from tests.support.random_life import at, call, set_stage, visit
from tests.support.random_life import lived as lived_life
from tests.support.strategies import BASE, HORIZON, live


def changed(old: Rulebook, to: Rulebook, instant: Micros = CHANGE) -> Rulebook:
    """The version that follows ``old`` if its stages are replaced by those of ``to``."""
    fields = to.as_json()
    return rulebook_after(old, stages_after(old, fields["stages"]), fields["scoring"], instant)


@given(old=some.rulebooks, to=some.rulebooks, lag=st.integers(0, 40 * DAY), data=st.data())
def test_the_preview_is_what_the_roll_out_does(old: Rulebook, to: Rulebook, lag: int, data: st.DataObject) -> None:
    before, new = until_the_change(data, old), changed(old, to)
    said = rolled_out(unpack(pack(before)), old, new, CHANGE)
    assert said is not None
    done = notified(before, new)
    assert (said.before, said.after) == (before.stage, done.state.stage)
    assert said.moves == done.transitions
    assert (said.deadline, said.deadline_stage) == (done.state.deadline, done.state.deadline_stage)
    brief = rolled_out(before, old, new, CHANGE, in_full=False)
    assert brief is not None
    assert (brief.before, brief.after, brief.moves) == (said.before, said.after, said.moves)
    assert (brief.actions, brief.is_held) == (said.actions, said.is_held)
    assert brief.deadline == (said.deadline if said.moves or said.is_held else None)
    later = notified(before, new, lag)  # the roll-out reaches it later: time alone adds moves of its own
    assert [move for move in later.transitions if move.trigger_event == RULES_CHANGED] == said.moves
    assert set(Counter(said.actions)) <= {name for stage in new.all_stages for name in _steps(stage.actions)}


def _steps(actions: tuple[str, ...]) -> set[str]:
    return {f"{action}{step}" for action in actions for step in ("", ".2", ".3")}


@given(old=some.rulebooks, to=some.rulebooks, data=st.data())
def test_its_deadline_is_exact(old: Rulebook, to: Rulebook, data: st.DataObject) -> None:
    """Nothing happens before the deadline that it names; at it, what it names."""
    before, new = until_the_change(data, old), changed(old, to)
    said = rolled_out(before, old, new, CHANGE)
    assert said is not None
    after = notified(before, new).state
    until = said.deadline if said.deadline is not None else Micros(CHANGE + 2000 * DAY)
    until = max(until, CHANGE)
    early = notified(before, new, until - CHANGE).state
    assert (early.stage, early.risk, early.engagement) == (after.stage, after.risk, after.engagement)
    if said.deadline is not None and said.deadline_stage is not None:
        late = notified(before, new, max(said.deadline - CHANGE, 0) + 1).state
        assert late.stage == said.deadline_stage


@given(old=some.rulebooks, to=some.rulebooks, days=st.integers(1, 40), data=st.data())
def test_only_what_is_due_moves_with_time(old: Rulebook, to: Rulebook, days: int, data: st.DataObject) -> None:
    """If a change comes later than its preview, and moves a journey otherwise, then a deadline has passed between."""
    before = until_the_change(data, old)
    instant = Micros(CHANGE + days * DAY)
    now = rolled_out(before, old, changed(old, to), CHANGE)
    later = rolled_out(before, old, changed(old, to, instant), instant)
    assert now is not None
    assert later is not None
    if (now.before, now.after) != (later.before, later.after):
        new = changed(old, to, instant)
        in_time = evaluation(before, old, instant).state
        for state in (before, decide(in_time, [], new, instant).state):
            assert any(is_due_between(state, rules, CHANGE, instant) for rules in (old, new))


@given(rulebook=some.rulebooks, data=st.data())
def test_the_past_is_what_was_lived(rulebook: Rulebook, data: st.DataObject) -> None:
    events = data.draw(some.events())
    end = CHANGE
    past = lived(events, rulebook, end)
    state, moves = live(State(), events, rulebook, end)
    assert [(move.from_stage, move.to_stage, move.at) for move in past.moves] == [
        (move.from_stage, move.to_stage, move.at) for move in moves
    ]
    simulation = Simulation(rulebook, end)
    assert simulation.add(events).stage == state.stage
    if moves:
        assert sum(past.spent.values()) == end - moves[0].at
    since = Micros(BASE + HORIZON // 2 * DAY)
    part = lived(events, rulebook, end, since)
    assert part.moves == [move for move in past.moves if move.at >= since]
    assert sum(part.spent.values()) == (end - max(since, moves[0].at) if moves else 0)
    assert not differs(past, past)


@given(old=some.rulebooks, to=some.rulebooks, data=st.data())
def test_living_once_is_living_twice(old: Rulebook, to: Rulebook, data: st.DataObject) -> None:
    """Both rulebooks evaluated together give what each of them gives alone."""
    lives = data.draw(st.lists(some.events(), min_size=1, max_size=3))
    check_pasts(old, changed(old, to), lives)


@given(old=some.rulebooks, key=st.integers(0, 20), data=st.data())
def test_living_once_is_living_twice_after_a_small_edit(old: Rulebook, key: int, data: st.DataObject) -> None:
    stages = [stage.as_json() for stage in old.stages]
    edit = data.draw(st.sampled_from(["rule", "gone", "added"]))
    at = key % len(stages)
    if edit == "gone" and len(stages) > 2:
        del stages[at]
    elif edit == "added" and len(stages) < 12:
        stages.insert(at + 1, {**stages[at], "stage_key": "added", "role": None})
        stages = [{**stage, "order_index": number} for number, stage in enumerate(stages)]
    else:
        number = data.draw(st.integers(0, 9))
        rule = {"trigger": "days_since_last_appointment", "conditions": {"days": f">{20 * number}"}}
        stages[at]["auto_transition_rules"] = [rule] if number % 2 else None
    try:
        new = rulebook_after(old, stages_after(old, stages), old.as_json()["scoring"], CHANGE)
    except InvalidRule:
        return
    check_pasts(old, new, [data.draw(some.events(max_size=6)) for _ in range(2)])


def check_pasts(old: Rulebook, new: Rulebook, lives: list[list[Event]]) -> None:
    pasts = Pasts(old, new, CHANGE, None)
    for events in lives:
        one, other = pasts.of(events)
        for past, rules in ((one, old), (other, new)):
            alone = lived(events, rules, CHANGE)
            assert not differs(past, alone)
            assert past.campaigns == alone.campaigns


def test_the_past_of_a_customer_under_both_rules() -> None:
    events = [call(0), visit(10, "600"), visit(40, "100")]
    vip = [stage.as_json() for stage in DEFAULT_RULEBOOK.stages]
    vip[4]["auto_transition_rules"] = {"trigger": "lifetime_value", "conditions": {"value": ">=700"}}
    new = rulebook_from(vip)
    old_past, new_past = (lived(events, rules, at(200)) for rules in (DEFAULT_RULEBOOK, new))
    assert old_past.path == ["prospect", "lead", "customer", "at_risk"]
    assert new_past.path == ["prospect", "lead", "customer", "vip", "at_risk"]
    assert differs(old_past, new_past)
    assert (old_past.campaigns, new_past.campaigns) == (1, 1)
    assert old_past.spent["customer"] == 120 * DAY  # from day 10 to day 130
    assert (new_past.spent["customer"], new_past.spent["vip"]) == (30 * DAY, 90 * DAY)
    assert lived(events, DEFAULT_RULEBOOK, at(200), at(140)).campaigns == 0


def test_a_held_journey_stays_in_a_stage_that_is_gone() -> None:
    life = lived_life(0, visit(0, "2000"))
    life.on(1, command=set_stage("vip", hold=True))
    left = [stage.as_json() for stage in DEFAULT_RULEBOOK.stages if stage.key != "vip"]
    new = rulebook_after(DEFAULT_RULEBOOK, stages_after(DEFAULT_RULEBOOK, left), {}, at(2))
    said = rolled_out(life.state, DEFAULT_RULEBOOK, new, at(2))
    assert said is not None
    assert (said.before, said.after, said.is_held) == ("vip", "vip", True)
    free = rolled_out(lived_life(0, visit(0, "2000")).state, DEFAULT_RULEBOOK, new, at(2))
    assert free is not None
    totals, nothing = Totals(), Past([])
    for outcome in (said, free):
        totals.add(outcome, 0, nothing, nothing, is_different=False)
    result = shown(summed([totals.as_json(), Totals().as_json()]), DEFAULT_RULEBOOK, new)
    gone = {"stage": "vip", "customers": 2, "held": 1, "to": [{"stage": "customer", "count": 1}]}
    assert result["gone"] == [gone]
    assert result["moves"] == [{"from": "vip", "to": "customer", "count": 1}]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_actions_that_send_messages_are_known(name: str) -> None:
    sends = isinstance(REGISTRY[name].effect(action_context()), CustomerMessage)
    assert (name in MESSAGES) == sends
    expected = 3 if name == "create_retention_campaign" else int(sends)
    assert messages([name], Outreach().campaign) == expected
    assert messages(["send_onboarding_sequence", "send_onboarding_sequence.2"], Outreach().campaign) == 2
