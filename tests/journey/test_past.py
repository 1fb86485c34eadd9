"""A journey explained as it was at an instant: what it knew then, by the rules in force then."""

import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.events.event_log_file import read_log
from journey.decisions import decide
from journey.engine import Command
from journey.event_validation import from_fields
from journey.events import Event
from journey.past import PastEvent, explain_past, simulate_past
from journey.presets import presets
from journey.simulate import Log
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State
from journey.time import DAY, Micros, utc_text
from tests.support import strategies as some
from tests.support.lived_journey import SHOWN, Lived, changed, event, shown
from tests.support.strategies import BASE, HORIZON

DATA = Path(os.environ.get("PERDURE_DATA") or "nowhere")


@given(history=some.events(), rulebook=some.rulebooks, data=st.data())
def test_any_instant_of_a_life_equals_the_simulation_until_then(
    history: list[Event], rulebook: Rulebook, data: st.DataObject
) -> None:
    """Also if the whole history was imported later."""
    lived = Lived([rulebook])
    ordered = sorted(history, key=lambda each: (each.at, each.id))
    end = Micros(max([BASE + (HORIZON + 200) * DAY, *(each.at + 1 for each in ordered)]))
    if data.draw(st.booleans()):
        lived.commit(end, *ordered)
    else:
        for each in ordered:
            lived.commit(each.at, each)
        lived.commit(end)
    for _ in range(3):
        at = data.draw(st.sampled_from([each.at for each in ordered]) | st.integers(BASE, end - 2).map(Micros))
        expected = decide(State(), [each for each in ordered if each.at <= at], rulebook, at).state
        found = explain_past(lived.record(), at)
        if expected.stage is None:
            assert found is None
            continue
        assert found is not None
        if any(move.at == at and move.event_id is None for move in lived.moves):
            continue  # a deadline at this very instant takes effect right after it
        assert {name: found[name] for name in SHOWN} == shown(expected, rulebook, at)
        assert found["today"] is None


@given(data=st.data(), old=some.rulebooks, new=some.rulebooks)
def test_each_instant_goes_by_the_rules_in_force_then(data: st.DataObject, old: Rulebook, new: Rulebook) -> None:
    at = Micros(BASE + 200 * DAY + 12345)
    before = data.draw(some.events(6, last=199))
    after = data.draw(some.events(6, first=202, last=HORIZON))
    lived = Lived([replace_version(old)])
    for each in sorted(before, key=lambda each: (each.at, each.id)):
        lived.commit(each.at, each)
    lived.commit(at)
    early = shown(lived.state, lived.rulebooks[0], at)
    lived.rulebooks.append(changed(new, at))
    lived.commit(Micros(at + 1))
    states = []
    for each in sorted(after, key=lambda each: (each.at, each.id)):
        lived.commit(each.at, each)
        states.append((each.at, lived.state))
    found = explain_past(lived.record(), Micros(at - 1))
    assert found is not None
    assert (found["rules_version"], found["current_stage"]) == (1, early["current_stage"])
    for instant, state in dict(states).items():
        if any(move.at == instant and move.event_id is None for move in lived.moves):
            continue  # a deadline at this very instant takes effect right after it
        found = explain_past(lived.record(), instant)
        assert found is not None
        assert found["rules_version"] == 2
        assert {name: found[name] for name in SHOWN} == shown(state, lived.rulebooks[1], instant)
        assert found["today"] is None


def replace_version(rulebook: Rulebook) -> Rulebook:
    return rulebook_from(rulebook.as_json(), version=1)


def test_a_visit_that_came_late_and_a_retraction_differ_from_what_was_known() -> None:
    lived = Lived()
    lived.commit(Micros(BASE), event("v-1", 0, amount="1200.00"))
    lived.commit(Micros(BASE + 10 * DAY), event("v-2", 10, amount="10.00"))
    lived.commit(Micros(BASE + 20 * DAY), event("late", 5, amount="90.00"))
    lived.commit(Micros(BASE + 30 * DAY), event("r", 8, "event.retracted", retracts="v-1"))
    then = lived.explained(12)
    assert (then["current_stage"], then["facts"]["total_appointments"], then["facts"]["lifetime_value"]) == (
        "vip", 2, "1210.00",
    )  # fmt: skip
    assert then["today"]["stage"] == "customer"
    assert [(each["event_id"], each["why"]) for each in then["today"]["because"]] == [
        ("late", "late"), ("r", "retracted"),
    ]  # fmt: skip
    values = {each["name"]: (each["then"], each["today"]) for each in then["today"]["differences"]}
    assert values["lifetime_value"] == ("1210.00", "100.00")
    assert values["stage"] == ("vip", "customer")
    between = lived.explained(25)
    assert (between["current_stage"], between["facts"]["lifetime_value"]) == ("vip", "1300.00")
    assert [each["event_id"] for each in between["today"]["because"]] == ["r"]
    assert (lived.explained(31)["current_stage"], lived.explained(31)["today"]) == ("customer", None)
    early = lived.explained(6)["today"]
    assert [(each["event_id"], each["why"]) for each in early["because"]] == [("late", "late"), ("r", "retracted")]
    assert early["because"][1]["retracted"] == {"type": "appointment.completed", "occurred_at": utc_text(BASE)}


def test_what_arrives_in_order_counts_from_its_own_time_and_what_arrives_late_from_its_arrival() -> None:
    lived = Lived()
    lived.commit(Micros(BASE), event("v-1", 0, amount="40.00"))
    lived.commit(Micros(BASE + 12 * DAY), event("nightly", 10, amount="1200.00"))
    at_once = lived.explained(10)
    assert (at_once["current_stage"], at_once["facts"]["lifetime_value"]) == ("vip", "1240.00")
    assert (at_once["trigger_event"], at_once["today"]) == ("lifetime_value", None)
    assert lived.explained(9.9)["current_stage"] == "customer"
    lived.commit(Micros(BASE + 120 * DAY))
    lapsed = lived.moves[-1]
    assert lapsed.to_stage == "at_risk"
    lived.commit(Micros(BASE + 121 * DAY), event("late", (lapsed.at - BASE) / DAY - 1))
    before = lived.explained((lapsed.at - BASE) / DAY)
    assert (before["current_stage"], before["facts"]["total_appointments"]) == ("at_risk", 2)
    assert [each["event_id"] for each in before["today"]["because"]] == ["late"]


def test_a_retraction_dated_back_counts_from_its_arrival() -> None:
    lived = Lived()
    lived.commit(Micros(BASE), event("v-1", 0, amount="1200.00"))
    lived.commit(Micros(BASE + 20 * DAY), event("r", 5, "event.retracted", retracts="v-1"))
    seen = lived.explained(10)
    assert (seen["current_stage"], seen["today"]["because"][0]["event_id"]) == ("vip", "r")
    imported = Lived()
    imported.commit(Micros(BASE + 20 * DAY), event("v-1", 0), event("r", 5, "event.retracted", retracts="v-1"))
    assert imported.explained(10)["facts"]["total_appointments"] == 0


def test_what_came_with_another_journey_is_named_also_if_nothing_was_known_then() -> None:
    lived = Lived()
    imported = Micros(BASE + 100 * DAY)
    lived.commit(imported, event("v-1", 0))
    lived.events.append(replace_received(lived, event("v-2", 1), Micros(imported + DAY)))
    found = lived.explained(50)
    assert found["facts"]["total_appointments"] == 1
    assert [(each["event_id"], each["why"]) for each in found["today"]["because"]] == [("v-2", "merged")]


def test_what_came_with_a_merge_was_not_known_before_it() -> None:
    lived = Lived()
    lived.commit(Micros(BASE), event("v-1", 0))
    theirs = replace_received(lived, event("v-2", 1), Micros(BASE + 40 * DAY))
    lived.events.append(theirs)
    found = lived.explained(10)
    assert found["facts"]["total_appointments"] == 1
    assert [(each["event_id"], each["why"]) for each in found["today"]["because"]] == [("v-2", "merged")]
    assert found["today"]["differences"][0] == {"name": "total_appointments", "then": 1, "today": 2}


def replace_received(lived: Lived, event: Event, at: Micros) -> PastEvent:
    return PastEvent(version=-5, rules_version=1, received_at=at, was_merged=True, event=event)


def test_a_stage_set_by_hand_and_its_hold() -> None:
    lived = Lived()
    lived.commit(Micros(BASE), event("v-1", 0))
    hold = Command(
        kind="set_stage", stage="vip", reason="a friend", hold=True, hold_until=Micros(BASE + 50 * DAY), performed_by=1
    )
    lived.commit(Micros(BASE + 10 * DAY), commands=(hold,))
    lived.commit(Micros(BASE + 60 * DAY))
    assert (lived.explained(9)["current_stage"], lived.explained(9)["hold"]) == ("customer", None)
    held = lived.explained(20)
    assert (held["current_stage"], held["hold"]) == ("vip", {"until": utc_text(Micros(BASE + 50 * DAY))})
    assert held["today"] is None
    assert lived.explained(55)["hold"] is None


def test_before_the_journey_began_there_is_nothing() -> None:
    lived = Lived()
    lived.commit(Micros(BASE), event("v-1", 0))
    assert explain_past(lived.record(), Micros(BASE - 1)) is None
    assert simulate_past(lived.record(), Micros(BASE - 1)).stage is None


@pytest.mark.skipif(not (DATA / "events").is_dir(), reason="PERDURE_DATA names no folder with events/")
def test_a_thousand_instants_of_real_logs() -> None:
    """Each equals a simulation of the log until then, by the version of the rules that was in force."""
    chance = random.Random(7)
    compared = 0
    for name in ("hair_salon", "cdnow_sample"):
        log = Log()
        for line in read_log(DATA / "events" / f"{name}.jsonl.gz"):
            if line.event is not None:
                log.add(line.event)
        customers = chance.sample(sorted(log.customers), 125)
        begin, end = log.first_at, log.last_at
        assert begin is not None
        assert end is not None
        change = Micros((begin + end) // 2 + 1)
        new = rulebook_from({"stages": presets()[1].stages}) if name == "hair_salon" else vip_from(500)
        rulebooks = [DEFAULT_RULEBOOK, changed(new, change)]
        for customer in customers:
            lived = Lived([DEFAULT_RULEBOOK])
            for each in sorted(log.customers[customer], key=lambda each: (each.at, each.id)):
                if each.at >= change and len(lived.rulebooks) == 1:
                    lived.change_rules(rulebooks[1])
                lived.commit(each.at, each)
            if len(lived.rulebooks) == 1:
                lived.change_rules(rulebooks[1])
            lived.commit(Micros(end + 1))
            for _ in range(4):
                at = Micros(chance.randrange(begin, end))
                expected = simulated(log.customers[customer], rulebooks, change, at)
                found = explain_past(lived.record(), at)
                compared += 1
                if expected is None:
                    assert found is None
                    continue
                assert found is not None
                rulebook = rulebooks[at >= change]
                assert found["rules_version"] == rulebook.version
                assert {key: found[key] for key in SHOWN} == shown(expected, rulebook, at)
                assert found["today"] is None
    assert compared == 1000


@pytest.mark.skipif(not (DATA / "events").is_dir(), reason="PERDURE_DATA names no folder with events/")
def test_a_thousand_instants_with_late_events_retractions_and_changed_rules() -> None:
    """Each equals the state in which the journey was, commit by commit; what came too late is named."""
    chance = random.Random(11)
    log = Log()
    for line in read_log(DATA / "events" / "hair_salon.jsonl.gz"):
        if line.event is not None:
            log.add(line.event)
    begin, end = log.first_at, log.last_at
    assert begin is not None
    assert end is not None
    change = Micros((begin + end) // 2 + 1)
    new = changed(rulebook_from({"stages": presets()[1].stages}), change)
    compared = differing = 0
    for customer in chance.sample(sorted(log.customers), 400):
        arrivals = []
        for each in log.customers[customer]:
            late = chance.randrange(60 * DAY) if chance.random() < 0.4 else 0
            arrivals.append((Micros(each.at + late), each))
            if chance.random() < 0.25:
                at = Micros(each.at + late + 1 + chance.randrange(30 * DAY))
                fields = {"id": f"r-{each.id}", "type": "event.retracted", "retracts": each.id}
                arrivals.append((at, from_fields({**fields, "customer_id": customer, "occurred_at": utc_text(at)})))
        lived = Lived()
        for received, each in sorted(arrivals, key=lambda arrival: (arrival[0], arrival[1].id)):
            if received >= change and len(lived.rulebooks) == 1:
                lived.change_rules(new)
            lived.commit(received, each)
        if len(lived.rulebooks) == 1:
            lived.change_rules(new)
        lived.commit(Micros(max(end, received) + 1))
        for _ in range(3):
            at = Micros(chance.randrange(lived.moves[0].at, max(end, received)))
            then = lived.state_at(at)
            if then is None:
                continue
            found = explain_past(lived.record(), at)
            assert found is not None
            state, rulebook = then
            assert {key: found[key] for key in SHOWN} == shown(state, rulebook, at), (customer, at)
            compared += 1
            differing += found["today"] is not None
    assert compared >= 1000
    assert differing >= 50


def vip_from(amount: int) -> Rulebook:
    fields = DEFAULT_RULEBOOK.as_json()
    (vip,) = [stage for stage in fields["stages"] if stage["stage_key"] == "vip"]
    vip["auto_transition_rules"] = {"trigger": "lifetime_value", "conditions": {"value": f">={amount}"}}
    return rulebook_from(fields)


def simulated(events: list[Event], rulebooks: list[Rulebook], change: Micros, at: Micros) -> State | None:
    """Fold the log with two decisions: up to the change, and from it on."""
    early = [each for each in events if each.at < change and each.at <= at]
    state = decide(State(), early, rulebooks[0], min(at, Micros(change - 1))).state
    if at >= change:
        late = [each for each in events if change <= each.at <= at]
        state = decide(state, late, rulebooks[1], at).state
    return None if state.stage is None else state
