"""Growth, time and return under the default rules, example by example, with their boundaries."""

import pytest

from journey.engine import decide
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK
from journey.time import DAY, Micros
from tests.support.random_life import START, Life, call, event, lived, visit


@pytest.mark.parametrize(
    "first",
    [
        call(0, 60),
        event("appointment.requested", 0, call_duration_seconds=60),
        event("appointment.missed", 0),
        event("appointment.cancelled", 0),
        event("payment.adjusted", 0, amount="20"),
        event("support_ticket.opened", 0, ticket_id="t"),
        event("feedback.received", 0, rating=5),
    ],
    ids=lambda first: first.type,
)
def test_the_first_event_of_any_kind_makes_a_prospect(first: Event) -> None:
    life = lived(0, first)
    assert life.path == ["prospect"]
    (start,) = life.moves
    assert (start.from_stage, start.trigger_type, start.trigger_event) == (None, "system", "journey_started")
    assert (start.at, start.transition_number, start.first_entry, start.event_id) == (START, 1, True, first.id)
    assert (life.state.risk, life.state.started_at) == (0 if first.type != "appointment.missed" else 20, START)


@pytest.mark.parametrize("seconds", [60.001, 61, 3600])
def test_a_call_over_a_minute_makes_a_lead(seconds: float) -> None:
    life = lived(0, call(0, seconds))
    assert life.path == ["prospect", "lead"]
    assert life.triggers == ["journey_started", "qualified_call_received"]
    assert [move.trigger_type for move in life.moves] == ["system", "automatic"]
    assert life.moves[1].reason == [{"fact": "call_duration", "is": seconds, "must_be": "> 60", "holds": True}]


@pytest.mark.parametrize(("known", "stage"), [({}, "lead"), ({"call_duration_seconds": 61}, "lead"),
                                              ({"call_duration_seconds": 60}, "prospect")])  # fmt: skip
def test_a_request_makes_a_lead_unless_it_came_by_a_short_call(known: dict[str, int], stage: str) -> None:
    life = lived(0, event("appointment.requested", 0, None, **known))
    assert life.state.stage == stage
    assert life.triggers[1:] == ["appointment_requested"] * (stage == "lead")


def test_short_calls_never_add_up() -> None:
    assert lived(2, *(call(day / 10, 59) for day in range(20))).path == ["prospect"]


def test_a_completed_appointment_makes_a_customer_and_the_third_a_regular() -> None:
    life = Life()
    assert life.on(0, visit(0)) == [(None, "prospect", 0), ("prospect", "customer", 0)]
    assert life.on(10, visit(10)) == []
    assert life.on(20, visit(20)) == [("customer", "regular", 20)]
    assert life.triggers == ["journey_started", "appointment_completed", "appointment_count"]
    assert life.state.facts.last_appointment_at == START + 20 * DAY


@pytest.mark.parametrize(("amount", "stage"), [("999.99", "customer"), ("1000", "vip"), ("1000.01", "vip")])
def test_a_thousand_makes_a_vip(amount: str, stage: str) -> None:
    assert lived(0, visit(0, amount)).state.stage == stage


def test_a_first_appointment_of_1200_climbs_one_transition_a_stage() -> None:
    life = Life()
    steps = [(None, "prospect", 0), ("prospect", "customer", 0), ("customer", "vip", 0)]
    assert life.on(0, visit(0, "1200")) == steps
    assert life.triggers == ["journey_started", "appointment_completed", "lifetime_value"]
    assert [move.transition_number for move in life.moves] == [1, 2, 3]


def test_all_stages_at_once_go_in_order() -> None:
    life = lived(5, visit(1), visit(2), call(0), visit(3, "1000"))
    assert life.path == ["prospect", "lead", "customer", "regular", "vip"]


def test_a_refund_lowers_the_value_and_keeps_the_vip() -> None:
    life = lived(1, visit(0, "1200"), event("payment.adjusted", 1, amount="-900.50"))
    assert (life.state.stage, life.state.facts.value) == ("vip", 29950)


def test_a_payment_alone_makes_a_vip_of_anyone() -> None:
    assert lived(0, event("payment.adjusted", 0, amount="1000")).path == ["prospect", "vip"]


def test_exactly_90_days_is_not_at_risk_and_a_microsecond_more_is() -> None:
    life = lived(0, visit(0))
    assert life.on(90) == []
    decision = decide(life.state, [], DEFAULT_RULEBOOK, Micros(START + 90 * DAY + 1))
    assert [(move.to_stage, move.at) for move in decision.transitions] == [("at_risk", START + 90 * DAY)]


def test_an_appointment_on_exactly_day_90_keeps_the_customer() -> None:
    assert lived(180, visit(0), visit(90)).path == ["prospect", "customer"]
    life = lived(0, visit(0))
    life.on(90)
    assert life.on(90, visit(90)) == []


def test_a_gap_of_200_days_has_its_lapses_on_day_90_and_180_before_the_return() -> None:
    life = Life()
    assert life.on(200, visit(0), visit(200)) == [
        (None, "prospect", 0),
        ("prospect", "customer", 0),
        ("customer", "at_risk", 90),
        ("at_risk", "churned", 180),
        ("churned", "customer", 200),
    ]
    assert life.triggers[2:] == ["days_since_last_appointment"] * 2 + ["reactivated"]
    assert life.moves[2].reason == [{"fact": "days", "is": 90.000000000006, "must_be": "> 90", "holds": True}]
    assert [move.first_entry for move in life.moves] == [True, True, True, True, False]


def test_deadlines_and_where_they_lead() -> None:
    life = lived(0, visit(0))
    found = []
    while life.state.deadline is not None:
        found.append(((life.state.deadline - START) / DAY, life.state.deadline_stage))
        life.on((life.state.deadline - START + 1) / DAY)
    assert found == [(30, None), (60, None), (90, "at_risk"), (180, "churned")]


@pytest.mark.parametrize("first", [call(0, 10), call(0, 100)], ids=["prospect", "lead"])
def test_who_never_had_an_appointment_never_lapses(first: Event) -> None:
    life = lived(0, first)
    assert life.on(3000) == []
    assert life.state.risk == 60


def test_without_appointments_inactivity_counts_from_the_last_event() -> None:
    life = lived(61, call(0, 10), call(50, 10))
    assert life.state.risk == 0
    life.on(111)
    assert life.state.risk == 30


def test_calls_do_not_keep_a_customer() -> None:
    assert lived(100, visit(0), call(89), call(95)).path == ["prospect", "customer", "at_risk"]


def test_a_high_score_lapses_on_the_very_day_it_is_reached() -> None:
    """Two open tickets, too many missed, visits rarer than before: 0.6 while active, 0.9 just after day 60."""
    before = [visit(day / 10) for day in range(4)]
    events = [*before, visit(100), *(event("appointment.missed", 100 + n) for n in range(1, 4))]
    events += [event("support_ticket.opened", 104, ticket_id=ticket, id_=ticket) for ticket in "ab"]
    life = lived(105, *events)
    assert (life.state.stage, life.state.risk) == ("regular", 60)
    life.on(130.5)  # the engagement's step on day 30 of inactivity
    assert (life.state.deadline, life.state.deadline_stage) == (START + 160 * DAY, "at_risk")
    assert life.on(160) == []
    assert life.on(161) == [("regular", "at_risk", 160)]
    assert (life.triggers[-1], life.state.risk) == ("high_risk_score", 90)
    assert life.moves[-1].reason == [{"fact": "risk", "is": 0.9, "must_be": "> 0.7", "holds": True}]


def test_an_event_can_raise_the_score_over_the_limit() -> None:
    missed = [event("appointment.missed", 1 + n) for n in range(2)]
    before = [visit(-100 + n) for n in range(3)]
    life = lived(70, *before, visit(0), *missed, event("support_ticket.opened", 65, ticket_id="a"))
    assert (life.state.stage, life.state.risk) == ("regular", 70)  # and 0.7 is not more than 0.7
    assert life.on(71, event("support_ticket.opened", 71, ticket_id="b")) == [("regular", "at_risk", 71)]
    assert life.moves[-1].event_id == "support_ticket.opened-71"


@pytest.mark.parametrize(
    ("before", "amount", "stage"),
    [([visit(0)], "10", "customer"), ([visit(0), visit(1)], "10", "regular"), ([visit(0, "800")], "200", "vip"),
     ([visit(0, "1200")], "0", "vip")],
)  # fmt: skip
def test_a_return_leads_to_the_highest_growth_stage_in_one_transition(
    before: list[Event], amount: str, stage: str
) -> None:
    life = lived(100, *before)
    assert life.state.stage == "at_risk"
    assert life.on(100, visit(100, amount)) == [("at_risk", stage, 100)]
    assert (life.moves[-1].trigger_type, life.moves[-1].trigger_event) == ("automatic", "reactivated")


def test_a_refunded_vip_returns_to_what_still_holds() -> None:
    life = lived(100, visit(0, "1200"), event("payment.adjusted", 1, amount="-1200"))
    assert life.on(100, visit(100)) == [("at_risk", "customer", 100)]


def test_nothing_but_an_appointment_leads_back() -> None:
    life = lived(100, visit(0))
    others = [
        call(100),
        event("appointment.requested", 100.1),
        event("payment.adjusted", 100.2, amount="5000"),
        event("feedback.received", 100.3, rating=5),
        event("support_ticket.resolved", 100.4, ticket_id="t"),
    ]
    assert life.on(101, *others) == []
    assert life.state.stage == "at_risk"
