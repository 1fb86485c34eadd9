"""Appointments one by one: what counts, when a booked customer lapses, and what the packed state keeps."""

import pytest

from journey.appointments import Unanswered
from journey.engine import decide
from journey.event_validation import InvalidEvent, from_fields
from journey.events import Event
from journey.facts import Facts
from journey.stages import DEFAULT_RULEBOOK, rulebook_from
from journey.state import State
from journey.time import Micros, to_datetime
from tests.support.appointment_lives import Journey
from tests.support.random_life import about, at, event, lived, visit


def facts(*events: Event) -> Facts:
    return decide(State(), events, DEFAULT_RULEBOOK, at(1000)).state.facts


def counts(*events: Event) -> tuple[int, int, int, int]:
    found = facts(*events)
    return found.completed, found.missed, found.cancelled, found.requests


def test_an_appointment_completed_under_three_ids_is_one_visit() -> None:
    three = [event("appointment.completed", 5, f"e{n}", appointment_id="a", amount="40") for n in range(3)]
    assert (facts(*three).completed, facts(*three).value, facts(*three).recent) == (1, 4000, [at(5)])


def test_missed_and_then_completed_is_a_visit_and_completed_and_then_cancelled_is_none() -> None:
    assert counts(about("missed", 5), about("completed", 6)) == (1, 0, 0, 0)
    assert counts(about("completed", 5), about("cancelled", 6)) == (0, 0, 1, 0)
    assert counts(about("completed", 6), about("cancelled", 5)) == (1, 0, 0, 0)


@pytest.mark.parametrize("outcome", ["completed", "missed"])
@pytest.mark.parametrize(("scheduled", "reopens"), [(4, False), (5, False), (5.001, True), (30, True), (None, False)])
def test_an_update_after_the_visit_reopens_it_only_for_a_later_time(
    outcome: str, scheduled: float | None, reopens: bool
) -> None:
    after = facts(about(outcome, 5), about("requested", 6, scheduled=scheduled))
    assert after.completed + after.missed == (0 if reopens else 1)
    assert after.booked == ([at(scheduled)] if reopens and scheduled else [])


def test_amount_and_instant_of_a_corrected_visit() -> None:
    found = facts(about("completed", 5, amount="40"), about("completed", 6, amount="55.50"), about("completed", 7))
    assert (found.value, found.recent) == (5550, [at(5)])
    found = facts(about("completed", 5, amount="40"), about("missed", 6), about("completed", 7))
    assert (found.value, found.recent) == (4000, [at(7)])


def test_a_payment_changes_the_value_and_completes_nothing() -> None:
    paid = event("payment.adjusted", 4, amount="20", appointment_id="a")
    assert (facts(paid).completed, facts(paid).value) == (0, 2000)
    assert facts(about("completed", 5, amount="40"), paid).value == 6000


def test_bookings_that_replace_each_other_are_one_appointment_in_any_order() -> None:
    chain = [
        about("requested", 1, "a", 10),
        about("rescheduled", 2, "b", 12, replaces="a"),
        about("rescheduled", 3, "c", 14, replaces="b"),
        about("completed", 14, "c"),
        about("cancelled", 2.5, "a"),
    ]
    for turn in range(5):
        assert counts(*chain[turn:], *chain[:turn]) == (1, 0, 0, 1)
    assert facts(*chain[:3]).booked == [at(14)]


def test_a_move_of_an_unknown_appointment_counts_as_a_request() -> None:
    assert counts(about("rescheduled", 2, "b", 12)) == (0, 0, 0, 1)
    assert lived(2, about("rescheduled", 2, "b", 12)).path == ["prospect", "lead"]


def test_an_event_without_an_id_can_be_named_before_and_after_it_came() -> None:
    came, undone = visit(5), about("cancelled", 6, "event:appointment.completed-5")
    assert counts(came, undone) == counts(undone, came) == (0, 0, 1, 0)
    for first, second in ((came, undone), (undone, came)):
        journey = Journey()
        journey.commit([first], at(8))
        journey.commit([second], at(9))
        assert (journey.state.facts.completed, journey.state.facts.cancelled) == (0, 1)


def test_only_a_new_visit_brings_back_and_only_a_new_request_makes_a_lead() -> None:
    life = lived(5, about("completed", 5, amount="10"))
    assert life.on(200, about("completed", 200, amount="20"))[-1] == ("at_risk", "churned", 185)
    assert life.state.stage == "churned"
    assert life.state.facts.value == 2000
    assert life.on(201, about("completed", 201, "b")) == [("churned", "customer", 201)]
    known = lived(1, about("missed", 1), about("requested", 2, scheduled=9))
    assert known.path == ["prospect"]


def test_a_booked_customer_lapses_when_the_grace_has_ended() -> None:
    life = lived(0, visit(0), about("requested", 80, scheduled=100))
    assert life.on(102) == []
    assert life.state.deadline == at(102)
    assert life.state.deadline_stage == "at_risk"
    assert life.on(103) == [("customer", "at_risk", 102)]
    assert life.triggers[-1] == "days_since_last_appointment"


def test_at_the_very_end_of_the_grace_an_event_comes_first() -> None:
    life = lived(0, visit(0), about("requested", 80, scheduled=100))
    assert life.on(103, about("completed", 102)) == []


def test_both_lapses_wait_for_a_late_booking() -> None:
    life = lived(0, visit(0), about("requested", 80, scheduled=200))
    assert life.on(300) == [("customer", "at_risk", 202), ("at_risk", "churned", 202)]


@pytest.mark.parametrize("what", ["cancelled", "missed"])
def test_a_booking_that_falls_away_is_evaluated_at_that_event(what: str) -> None:
    life = lived(0, visit(0), about("requested", 80, scheduled=150))
    assert life.on(95) == []
    assert life.on(96, about(what, 95.5)) == [("customer", "at_risk", 95.5)]


def test_a_booking_in_a_lapse_stage_leaves_the_stage_and_stops_the_next() -> None:
    life = lived(0, visit(0))
    life.on(100)
    assert life.on(101, about("requested", 101, scheduled=190)) == []
    assert life.state.stage == "at_risk"
    assert life.on(250) == [("at_risk", "churned", 192)]


def test_a_late_booking_undoes_a_lapse() -> None:
    life = lived(0, visit(0))
    assert life.on(100) == [("customer", "at_risk", 90)]
    assert life.on(101, about("requested", 80, scheduled=150)) == [("at_risk", "customer", 101)]
    assert life.triggers[-1] == "reactivated"


def test_a_late_booking_that_is_over_undoes_nothing() -> None:
    life = lived(0, visit(0))
    life.on(100)
    assert life.on(101, about("requested", 80, scheduled=95)) == []


def test_a_ticket_that_was_resolved_before_the_lapse_undoes_it() -> None:
    at_risk = {
        "stage_key": "at_risk",
        "auto_transition_rules": {"trigger": "risk_score", "conditions": {"risk": ">0.4"}},
    }
    rules = {"trigger": "appointment_completed", "conditions": {}}
    stages = [{"stage_key": "prospect"}, {"stage_key": "customer", "auto_transition_rules": rules}, at_risk]
    opened = [event("support_ticket.opened", 1, f"o{t}", ticket_id=t) for t in "ab"]
    life = lived(2, visit(0), *opened, rulebook=rulebook_from(stages))
    assert life.on(80) == [("customer", "at_risk", 60)]
    assert life.on(81, event("support_ticket.resolved", 50, ticket_id="a")) == [("at_risk", "customer", 81)]


def test_the_grace_is_a_setting_of_the_rulebook() -> None:
    book = rulebook_from({"scoring": {"booking_grace_hours": 0}})
    life = lived(0, visit(0), about("requested", 80, scheduled=100), rulebook=book)
    assert life.on(101) == [("customer", "at_risk", 100)]


def test_an_open_appointment_is_asked_about_once_and_only_in_time() -> None:
    book = [about("requested", 1, scheduled=10)]
    state = decide(State(), book, DEFAULT_RULEBOOK, at(1)).state
    assert (state.deadline, state.deadline_stage) == (at(12), None)
    asked = decide(state, [], DEFAULT_RULEBOOK, Micros(at(12) + 1))
    assert [unanswered.booked for unanswered in asked.unanswered] == [at(10)]
    assert decide(asked.state, [], DEFAULT_RULEBOOK, at(12.5)).unanswered == []
    assert decide(state, [], DEFAULT_RULEBOOK, at(13)).unanswered == asked.unanswered
    assert decide(state, [], DEFAULT_RULEBOOK, Micros(at(13) + 1)).unanswered == []


def test_nobody_is_asked_about_an_answered_appointment_or_one_with_a_visit_nearby() -> None:
    book = about("requested", 1, scheduled=10)
    for day, questions in ((10.5, 0), (9, 0), (11, 0), (8.99, 1), (11.01, 1)):
        decision = decide(State(), [book, visit(day)], DEFAULT_RULEBOOK, Micros(at(12) + 1))
        assert len(decision.unanswered) == questions, day
    assert decide(State(), [book, about("completed", 11)], DEFAULT_RULEBOOK, Micros(at(12) + 1)).unanswered == []


def test_an_answer_and_a_new_time_settle_the_question() -> None:
    asked = decide(State(), [about("requested", 1, scheduled=10)], DEFAULT_RULEBOOK, Micros(at(12) + 1))
    for answer in (about("completed", 12.1), about("missed", 12.1), about("rescheduled", 12.1, scheduled=20)):
        decision = decide(asked.state, [answer], DEFAULT_RULEBOOK, at(12.2))
        assert decision.answered == asked.unanswered == [Unanswered(asked.unanswered[0].key, at(10))]
    again = decide(asked.state, [about("rescheduled", 12.1, scheduled=20)], DEFAULT_RULEBOOK, at(12.2)).state
    assert [u.booked for u in decide(again, [], DEFAULT_RULEBOOK, Micros(at(22) + 1)).unanswered] == [at(20)]


def test_an_answer_about_a_day_before_the_lapse_undoes_the_lapse() -> None:
    life = lived(0, visit(0), about("requested", 80, scheduled=100))
    life.on(103)
    assert life.on(103.5, about("completed", 100)) == [("at_risk", "customer", 103.5)]


@pytest.mark.parametrize(
    ("day", "scheduled", "allowed"), [(0, 1826, True), (0, 1827, True), (0, 1827.01, False), (0, -3, True)]
)
def test_a_booked_time_is_at_most_five_years_ahead(day: float, scheduled: float, allowed: bool) -> None:
    if allowed:
        about("requested", day, scheduled=scheduled)
        return
    with pytest.raises(InvalidEvent, match="scheduled_for: must be at most 5 years after occurred_at") as caught:
        about("rescheduled", day, scheduled=scheduled)
    assert caught.value.field == "scheduled_for"


def test_a_service_is_a_short_text() -> None:
    head = {"id": "e", "type": "appointment.completed", "customer_id": 1, "occurred_at": to_datetime(at(0))}
    assert from_fields({**head, "service": "x" * 64}).is_tracked is False
    for bad in ("", "x" * 65, " x", "a\nb", 5):
        with pytest.raises(InvalidEvent, match="service"):
            from_fields({**head, "service": bad})
