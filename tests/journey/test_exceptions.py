"""What comes late, what people decide, and what other rules change."""

from typing import Any

from journey.engine import Command
from journey.stages import Rulebook, rulebook_from
from journey.time import DAY, Micros
from tests.support.random_life import START, Life, book, call, lived, set_stage, visit


def test_a_late_appointment_that_makes_the_lapse_untrue_leads_back_now() -> None:
    life = lived(100, visit(0))
    assert life.state.stage == "at_risk"
    assert life.on(101, visit(50)) == [("at_risk", "customer", 101)]
    assert life.moves[-1].trigger_event == "reactivated"
    assert (life.state.deadline, life.on(141)) == (START + 110 * DAY, [("customer", "at_risk", 140)])


def test_a_late_appointment_that_leaves_the_lapse_true_counts_and_moves_nothing() -> None:
    life = lived(100, visit(0))
    assert life.on(100, visit(5, "30")) == []
    assert (life.state.facts.completed, life.state.facts.value) == (2, 3000)
    assert life.on(200) == [("at_risk", "churned", 185)]


def test_a_late_appointment_can_leave_the_lesser_lapse_true() -> None:
    life = lived(200, visit(0))
    assert life.on(250, visit(100)) == [("churned", "customer", 250), ("customer", "at_risk", 250)]


def test_a_late_call_makes_a_lead_now() -> None:
    life = lived(10, call(0, 10), call(9, 10))
    assert life.on(11, call(5)) == [("prospect", "lead", 11)]


def test_a_late_call_moves_no_customer() -> None:
    life = lived(10, visit(9))
    assert life.on(11, call(5)) == []


def test_a_late_first_appointment_lapses_now_and_not_in_the_past() -> None:
    """Two years ago, but reported only now: the recorded past of the journey stays unchanged."""
    life = lived(500, call(1))
    assert life.on(500, visit(0)) == [("lead", "at_risk", 500), ("at_risk", "churned", 500)]
    assert life.on(600) == []


def test_what_comes_in_disorder_but_is_newer_than_the_last_keeps_its_time() -> None:
    life = lived(10, call(0, 10))
    assert life.on(20, call(5)) == [("prospect", "lead", 5)]


def test_a_person_can_move_a_journey_and_is_remembered() -> None:
    life = lived(1, visit(0))
    assert life.on(2, command=set_stage("vip")) == [("customer", "vip", 2)]
    move = life.moves[-1]
    assert (move.trigger_type, move.trigger_event, move.performed_by, move.notes) == (
        "manual",
        "stage_set",
        7,
        "asked for",
    )
    assert life.on(91) == [("vip", "at_risk", 90)]


def test_a_person_can_start_a_journey() -> None:
    assert Life().on(0, command=set_stage("lead")) == [(None, "prospect", 0), ("prospect", "lead", 0)]


def test_a_hold_stops_lapse_and_growth_until_its_end() -> None:
    life = lived(1, visit(0))
    life.on(2, command=set_stage("lead", until=120))
    assert life.on(100, visit(50, "2000")) == []
    assert life.state.held
    assert life.on(120) == []
    assert life.on(121) == [("lead", "vip", 120)]
    assert (life.state.held, life.state.hold_until) == (False, None)
    assert life.on(150) == [("vip", "at_risk", 140)]


def test_a_lapse_that_came_due_during_a_hold_is_dated_at_its_end() -> None:
    life = lived(1, visit(0))
    life.on(2, command=set_stage("customer", until=200))
    assert life.on(300) == [("customer", "at_risk", 200), ("at_risk", "churned", 200)]


def test_a_deadline_tells_where_its_instant_leads_in_the_end() -> None:
    """On the instant of day 90 the hold ends, and just after it the customer is at risk."""
    life = lived(1, visit(0))
    life.on(2, command=set_stage("customer", until=90))
    life.on(61)
    assert (life.state.deadline, life.state.deadline_stage) == (START + 90 * DAY, "at_risk")
    assert life.on(91) == [("customer", "at_risk", 90)]


def reminder(day: int, version: int = 1, changed: int = 0, count: int = 1) -> Rulebook:
    """Reminded on exactly one day of inactivity, and not after it."""
    days = {"trigger": "days_since_last_appointment", "conditions": {"days": f"== {day}", "count": f">={count}"}}
    stages = [{"stage_key": "new"}, {"stage_key": "reminded", "auto_transition_rules": days}]
    return rulebook_from(stages, version=version, changed_at=Micros(START + changed * DAY))


def test_what_a_late_event_puts_into_the_past_stays_undone() -> None:
    life = Life(reminder(50))
    life.on(40, call(40))
    assert life.on(100, visit(10)) == []  # day 60 would have been the day
    assert [life.on(day) for day in (101, 300)] == [[], []]
    life = Life(reminder(50, count=2))
    life.on(40, visit(0), call(40))
    assert [life.on(100, visit(20)), life.on(101)] == [[], []]  # day 70


def test_what_changed_rules_put_into_the_past_stays_undone() -> None:
    life = Life(reminder(500))
    life.on(1, visit(0))
    life.on(59)  # the deadline on day 30 has passed, and the next is on day 60
    life.rulebook = reminder(50, version=2, changed=60)
    assert [life.on(day) for day in (61, 62, 300)] == [[], [], []]


def test_what_was_due_during_a_hold_stays_undone_after_it() -> None:
    life = Life(reminder(50))
    life.on(1, visit(0))
    life.on(2, command=set_stage("new", until=60))
    assert [life.on(day) for day in (61, 62, 300)] == [[], [], []]


def test_a_hold_without_end_waits_for_its_release() -> None:
    life = lived(1, visit(0))
    life.on(2, command=set_stage("vip", hold=True))
    assert life.on(1000) == []
    assert life.on(1000, visit(999), command=Command(kind="release")) == []
    assert life.state.stage == "vip"
    assert not life.state.held
    assert life.on(1100) == [("vip", "at_risk", 1089)]


def test_a_hold_that_ended_before_it_began_holds_nothing() -> None:
    life = lived(10, visit(0))
    life.on(10, command=set_stage("vip", until=9))
    assert (life.state.held, life.state.hold_until) == (False, None)
    assert life.on(100) == [("vip", "at_risk", 90)]


def test_changed_rules_move_at_the_time_of_the_change_and_never_before() -> None:
    life = lived(49, visit(0), rulebook=book(90))
    life.rulebook = book(30, version=2, changed=50)
    assert life.on(51) == [("customer", "at_risk", 50)]
    assert (life.moves[-1].trigger_type, life.moves[-1].trigger_event) == ("system", "rules_changed")
    assert life.state.rules_version == 2


def test_changed_rules_can_make_a_lapse_untrue() -> None:
    life = lived(40, visit(0), rulebook=book(30))
    life.rulebook = book(90, version=2, changed=50)
    assert life.on(51) == [("at_risk", "customer", 50)]
    assert life.on(91) == [("customer", "at_risk", 90)]


def test_a_lapse_that_was_due_before_the_change_keeps_its_time() -> None:
    """Nobody looked between day 90 and the change on day 95, of something else."""
    life = lived(61, visit(0), rulebook=book(90))
    life.rulebook = book(90, version=2, changed=95)
    assert life.on(96) == [("customer", "at_risk", 90)]


def test_changed_rules_let_a_held_journey_be() -> None:
    life = lived(1, visit(0), rulebook=book(90))
    life.on(2, command=set_stage("customer", hold=True))
    life.rulebook = book(30, version=2, changed=50)
    assert life.on(51) == []


def test_a_stage_that_is_gone_is_left() -> None:
    life = lived(1, visit(0, "1200"))
    life.rulebook = book(90, version=2, changed=2)
    assert life.on(3) == [("vip", "customer", 2)]
    assert life.triggers[-1] == "rules_changed"


def test_retention_days_count_from_any_event_and_replace_the_threshold() -> None:
    retained = book(90, retention_days=20)
    assert lived(100, visit(0), call(15), rulebook=retained).moves[-1].at == START + 35 * DAY
    assert lived(35, visit(0), call(15), rulebook=retained).path == ["prospect", "customer"]
    assert lived(95, visit(0), call(15), rulebook=book(90)).moves[-1].at == START + 90 * DAY


def test_a_stage_with_retention_days_lapses_without_any_appointment() -> None:
    prospect: dict[str, Any] = {"stage_key": "prospect", "kind": "growth", "retention_days": 14}
    lapse = {"trigger": "days_since_last_appointment", "conditions": {"days": ">90"}}
    rulebook = rulebook_from([prospect, {"stage_key": "quiet", "auto_transition_rules": lapse}])
    assert Life(rulebook).on(100, call(0)) == [(None, "prospect", 0), ("prospect", "quiet", 14)]
