"""Retractions: what they take back, where the journey then stands, and which actions follow."""

from collections.abc import Sequence
from typing import Any

import pytest

from journey.appointment_book import HistoryNeeded
from journey.decisions import decide
from journey.engine import Command, Decision
from journey.event_validation import InvalidEvent, from_fields
from journey.events import Event, EventRetracted
from journey.refold import ManualMove, RecordedMove, belongs, correct, manual_moves
from journey.retractions import Named, sort_out
from journey.stages import DEFAULT_RULEBOOK, rulebook_from
from journey.state import State, pack, unpack
from journey.time import DAY, Micros, to_datetime
from tests.support.appointment_lives import Journey
from tests.support.strategies import BASE


def at(day: float) -> Micros:
    return Micros(BASE + round(day * DAY))


def event(kind: str, day: float, id_: str | None = None, **fields: Any) -> Event:
    head = {"id": id_ or f"{kind}-{day}", "type": kind, "customer_id": "c", "occurred_at": to_datetime(at(day))}
    return from_fields(head | fields)


def visit(day: float, amount: str = "400", **fields: Any) -> Event:
    return event("appointment.completed", day, amount=amount, **fields)


def retraction(day: float, named: Event, **fields: Any) -> EventRetracted:
    made = event("event.retracted", day, retracts=named.id, **fields)
    assert isinstance(made, EventRetracted)
    return made


def moves(decision: Decision) -> list[tuple[str, float]]:
    return [(move.to_stage, (move.at - BASE) / DAY) for move in decision.transitions]


def actions(decision: Decision) -> set[tuple[str, str]]:
    return {(due.stage, due.action) for due in decision.actions if due.action != "stage_changed"}


class Lived(Journey):
    """A journey to which each event comes as it occurs."""

    def add(self, *events: Event) -> Decision:
        return [self.commit([event], event.at) for event in events][-1]


def test_a_retracted_visit_leads_down_the_ladder_in_one_transition() -> None:
    lived, big = Lived(), visit(10, "1200")
    lived.add(event("call.received", 1, duration_seconds=90), big)
    assert lived.state.stage == "vip"
    decision = lived.add(retraction(11, big))
    assert moves(decision) == [("lead", 11)]
    move = decision.transitions[0]
    assert (move.from_stage, move.trigger_type, move.trigger_event) == ("vip", "automatic", "event_retracted")
    assert move.event_id == "event.retracted-11"
    assert (lived.state.facts.completed, lived.state.facts.value) == (0, 0)
    assert (actions(decision), decision.undone) == (set(), ["customer", "vip"])


def test_the_amount_corrected_by_a_new_id() -> None:
    lived, wrong = Lived(), visit(10, "1200")
    lived.add(wrong, visit(10, "120", id_="right"), retraction(11, wrong))
    assert lived.state.stage == "customer"
    assert (lived.state.facts.completed, lived.state.facts.value) == (1, 12_000)


def test_a_retracted_visit_may_reveal_a_lapse_whose_actions_run() -> None:
    lived, mistake = Lived(), visit(80)
    lived.add(visit(1), mistake)
    decision = lived.add(retraction(95, mistake))
    assert moves(decision) == [("at_risk", 95)]
    assert ("at_risk", "create_retention_campaign") in actions(decision)
    assert lived.state.deadline_stage == "churned"
    assert lived.state.deadline == at(181)


def test_a_retracted_refund_lifts_and_runs_the_actions_of_the_stage() -> None:
    lived, refund = Lived(), event("payment.adjusted", 3, amount="-300")
    lived.add(visit(1, "900"), refund, visit(4, "150"))
    assert lived.state.stage == "customer"
    decision = lived.add(retraction(5, refund))
    assert moves(decision) == [("vip", 5)]
    assert ("vip", "send_vip_benefits_email") in actions(decision)


def test_no_welcome_for_a_stage_that_is_first_entered_on_the_way_down() -> None:
    lived, mistake = Lived(), visit(1)
    lived.add(mistake, event("call.received", 2, duration_seconds=90))
    decision = lived.add(retraction(3, mistake))
    assert moves(decision) == [("lead", 3)]
    assert decision.transitions[0].first_entry
    assert actions(decision) == set()


def test_every_event_retracted_leaves_the_first_stage_without_actions() -> None:
    lived, only = Lived(), visit(1)
    lived.add(only)
    decision = lived.add(retraction(1.1, only))
    assert (moves(decision), actions(decision)) == ([("prospect", 1.1)], set())
    assert lived.state.facts.last_event_at is None
    assert unpack(pack(lived.state)) == lived.state
    at_once = decide(State(), [only, retraction(1.1, only)], DEFAULT_RULEBOOK, at(1.2))
    assert (at_once.state.stage, actions(at_once)) == ("prospect", set())


def test_in_one_batch_only_stages_that_remain_run_actions() -> None:
    mistake = visit(1.1, "1200")
    events = [event("call.received", 1, duration_seconds=90), mistake, retraction(1.2, mistake)]
    decision = decide(State(), events, DEFAULT_RULEBOOK, at(1.3))
    assert moves(decision) == [("prospect", 1), ("lead", 1), ("customer", 1.1), ("vip", 1.1), ("lead", 1.2)]
    assert {stage for stage, _ in actions(decision)} == {"lead"}


def test_a_retraction_that_comes_first_waits_for_its_event() -> None:
    lived, late = Lived(), visit(2)
    lived.add(visit(1, "100"), retraction(3, late))
    assert [each.retracts for each in lived.waiting] == [late.id]
    assert lived.state.facts.completed == 1
    lived.commit([late], at(4))
    assert (lived.waiting, lived.state.facts.completed, lived.state.facts.value) == ([], 1, 10_000)
    assert lived.state.stage == "customer"


def test_an_event_older_than_500_appointments_and_3_years_is_retracted() -> None:
    lived, old = Lived(), visit(1, appointment_id="old")
    lived.add(old, *(visit(1 + 2.2 * n, "1", appointment_id=f"a{n}") for n in range(1, 501)))
    assert lived.state.facts.completed == 501
    decision = lived.add(retraction(1104, old))
    assert (lived.state.facts.completed, lived.state.facts.value) == (500, 50_000)
    assert len(lived.state.facts.appointments) == 50
    assert decision.contributions == {"event.retracted-1104": [(old.at, -1, -40_000, 0, 0)]}
    assert lived.state.stage == "regular"


def test_the_words_of_an_appointment_without_the_retracted_one() -> None:
    lived = Lived()
    booked = event("appointment.requested", 1, appointment_id="a", scheduled_for=to_datetime(at(5)))
    came, missed = visit(5, appointment_id="a"), event("appointment.missed", 6, appointment_id="a")
    lived.add(booked, came, missed)
    assert (lived.state.facts.completed, lived.state.facts.missed) == (0, 1)
    lived.add(retraction(6.1, missed))
    assert (lived.state.facts.completed, lived.state.facts.missed, lived.state.stage) == (1, 0, "customer")
    lived.add(retraction(6.2, came))
    assert (lived.state.facts.completed, lived.state.facts.booked, lived.state.stage) == (0, [at(5)], "lead")


def test_an_open_question_about_a_retracted_booking_is_closed() -> None:
    lived = Lived()
    booked = event("appointment.requested", 1, appointment_id="a", scheduled_for=to_datetime(at(5)))
    lived.add(booked)
    asked = lived.commit([], Micros(at(7) + 1))
    assert [each.booked for each in asked.unanswered] == [at(5)]
    assert lived.add(retraction(7.1, booked)).answered == asked.unanswered


def test_a_hold_keeps_the_stage_and_manual_moves_count_at_their_time() -> None:
    first, big = visit(1), visit(10, "1200")
    state = decide(State(), [first, big], DEFAULT_RULEBOOK, at(10)).state
    hold = Command(kind="set_stage", stage="regular", hold=True)
    held = decide(state, [], DEFAULT_RULEBOOK, at(11), [hold]).state
    taken_back = retraction(12, big)
    kept = decide(held, [taken_back], DEFAULT_RULEBOOK, at(12), history=[first, big])
    assert (kept.transitions, kept.state.facts.value) == ([], 40_000)

    released = decide(held, [], DEFAULT_RULEBOOK, at(12), [Command(kind="release")]).state
    assert released.stage == "vip"
    recorded = [_recorded("regular", 11)]
    moved = decide(
        released, [retraction(13, big)], DEFAULT_RULEBOOK, at(13), (), [first, big], manual_moves(recorded, released)
    )
    assert moves(moved) == [("regular", 13)]


def test_a_simulation_respects_holds_while_they_lasted() -> None:
    held = ManualMove(at=at(2), stage="prospect", is_held=True, held_until=at(20))
    events = [visit(1), visit(10)]
    assert belongs(events, [held], DEFAULT_RULEBOOK, at(30)).stage == "prospect"
    moved = ManualMove(at=at(2), stage="prospect")
    assert belongs(events, [moved], DEFAULT_RULEBOOK, at(30)).stage == "customer"
    gone = ManualMove(at=at(2), stage="gone")
    assert belongs(events, [gone], DEFAULT_RULEBOOK, at(30)).stage == "customer"


def test_a_merge_uses_the_same_correction() -> None:
    events = [visit(1), visit(2), visit(3)]
    state = decide(State(), events[:1], DEFAULT_RULEBOOK, at(9)).state
    decision = correct(state, events, [], DEFAULT_RULEBOOK, at(9), "customers_merged")
    assert [(move.to_stage, move.trigger_event, move.event_id) for move in decision.transitions] == [
        ("vip", "customers_merged", None)
    ]
    assert decision.state.facts.completed == 3
    begun = correct(State(), events, [], DEFAULT_RULEBOOK, at(9), "customers_merged")
    assert moves(begun) == moves(decide(State(), events, DEFAULT_RULEBOOK, at(9)))


def test_the_second_retraction_of_an_event_changes_nothing() -> None:
    lived, mistake = Lived(), visit(2)
    lived.add(visit(1), mistake, retraction(3, mistake))
    before = lived.state
    decision = lived.add(retraction(4, mistake))
    assert (decision.transitions, lived.state.facts, lived.state.deadline) == ([], before.facts, before.deadline)


def test_the_state_alone_is_not_enough() -> None:
    state = decide(State(), [visit(1)], DEFAULT_RULEBOOK, at(1)).state
    with pytest.raises(HistoryNeeded):
        decide(state, [retraction(2, visit(1))], DEFAULT_RULEBOOK, at(2))


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({}, "no event e of this customer is known"),
        ({"e": Named("appointment.completed", is_own=False)}, "of another customer"),
        ({"e": Named("event.retracted", is_own=True)}, "cannot be retracted"),
        ({"e": Named("customers.merged", is_own=True)}, "a record of the type customers.merged"),
    ],
)
def test_which_retractions_are_refused(named: dict[str, Named], says: str) -> None:
    new = event("event.retracted", 1, id_="r", retracts="e")
    found = sort_out([new], named, [])
    assert found.effective == []
    assert says in found.refused["r"]


def test_a_waiting_retraction_takes_effect_with_its_event_only() -> None:
    waiting = retraction(1, visit(2))
    assert sort_out([visit(2)], {}, [waiting]).effective == [visit(2), waiting]
    assert sort_out([visit(3)], {}, [waiting]).effective == [visit(3)]
    again = event("event.retracted", 1, id_=visit(2).id, retracts="other")
    assert sort_out([again], {"other": Named("call.received", is_own=True)}, [waiting]).effective == [again]


def test_a_retraction_cannot_name_itself() -> None:
    with pytest.raises(InvalidEvent, match="another event"):
        event("event.retracted", 1, id_="r", retracts="r")


def test_stages_of_other_companies_have_no_actions_for_a_journey_without_events() -> None:
    stages: Sequence[dict[str, Any]] = [
        {"stage_key": "new", "kind": "growth", "actions": ["send_welcome_email"]},
        {"stage_key": "old", "kind": "growth", "auto_transition_rules": {"trigger": "appointment_completed"}},
    ]
    rulebook = rulebook_from({"stages": stages})
    late = visit(2)
    decision = decide(State(), [retraction(1, late), late], rulebook, at(2))
    assert (decision.state.stage, actions(decision), moves(decision)) == ("new", set(), [("new", 2)])


def _recorded(stage: str, day: float) -> RecordedMove:
    return RecordedMove(
        transition_number=9,
        from_stage="vip",
        to_stage=stage,
        at=at(day),
        trigger_event="stage_set",
        event_id=None,
        version=3,
    )
