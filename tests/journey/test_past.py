"""A journey explained as it was at an instant: what it knew then, by the rules in force then."""

import os
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.events.event_log_file import read_log
from journey.decisions import decide
from journey.engine import Command, Transition
from journey.event_validation import from_fields
from journey.events import Event
from journey.explain import explain
from journey.past import JourneyRecord, PastEvent, explain_past, simulate_past
from journey.presets import presets
from journey.refold import ManualMove, RecordedMove, manual_moves
from journey.simulate import Log
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State
from journey.time import DAY, Micros, utc_text
from tests.support import strategies as some
from tests.support.strategies import BASE, HORIZON

DATA = Path(os.environ.get("PERDURE_DATA") or "nowhere")
SHOWN = ("current_stage", "entered_at", "previous_stage", "trigger_event", "scores", "facts", "rules", "deadlines")


def changed(rulebook: Rulebook, at: Micros) -> Rulebook:
    """A later version, in force from an instant on."""
    return rulebook_from(rulebook.as_json(), version=2, changed_at=at)


def event(id_: str, day: float, type_: str = "appointment.completed", **fields: Any) -> Event:
    occurred = utc_text(Micros(BASE + int(day * DAY)))
    return from_fields({"id": id_, "type": type_, "customer_id": "c", "occurred_at": occurred, **fields})


@dataclass
class Lived:
    """A journey that is lived commit by commit, and what is on record of it."""

    rulebooks: list[Rulebook] = field(default_factory=lambda: [DEFAULT_RULEBOOK])
    state: State = field(default_factory=State)
    events: list[PastEvent] = field(default_factory=list)
    moves: list[RecordedMove] = field(default_factory=list)

    def commit(self, received: Micros, *events: Event, commands: tuple[Command, ...] = ()) -> None:
        history, rulebook = [each.event for each in self.events], self.rulebooks[-1]
        manual = manual_moves(self.moves, self.state)
        decision = decide(self.state, events, rulebook, received, commands, history, manual)
        self.state = decision.state
        self.state.version += 1
        version = self.state.version
        for each in events:
            past = PastEvent(
                version=version, rules_version=rulebook.version, received_at=received, was_merged=False, event=each
            )
            self.events.append(past)
        self.moves += [self._on_record(move, version) for move in decision.transitions]

    def change_rules(self, rulebook: Rulebook) -> None:
        """Roll out a version, at the instant from which it is in force."""
        if self.state.stage is not None:
            self.commit(Micros(rulebook.changed_at - 1))
        self.rulebooks = [*self.rulebooks, rulebook]
        if self.state.stage is not None:
            self.commit(rulebook.changed_at)

    @staticmethod
    def _on_record(move: Transition, version: int) -> RecordedMove:
        return RecordedMove(
            transition_number=move.transition_number,
            from_stage=move.from_stage,
            to_stage=move.to_stage,
            at=move.at,
            trigger_event=move.trigger_event,
            event_id=move.event_id,
            version=version,
        )

    def record(self) -> JourneyRecord:
        manual: list[ManualMove] = manual_moves(self.moves, self.state)
        return JourneyRecord(events=self.events, moves=self.moves, manual=manual, rulebooks=self.rulebooks)

    def explained(self, day: float) -> dict[str, Any]:
        found = explain_past(self.record(), Micros(BASE + int(day * DAY)))
        assert found is not None
        return found


def shown(state: State, rulebook: Rulebook, at: Micros) -> dict[str, Any]:
    explained = explain(state, rulebook, at)
    return {name: explained[name] for name in SHOWN}


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
