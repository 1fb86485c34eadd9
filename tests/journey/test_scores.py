"""Risk and engagement in numbers that can be checked manually."""

import pytest

from journey.events import Event
from journey.scoring import Scorer, Scoring
from journey.state import State
from journey.time import SECOND, Moment
from tests.support.random_life import at, call, event, lived, visit


@pytest.mark.parametrize(
    ("day", "events", "risk"),
    [
        (60, [visit(0)], 0),
        (61, [visit(0)], 30),
        (90, [visit(0)], 30),
        (91, [visit(0)], 60),
        (1, [visit(0), event("appointment.missed", 1)], 20),
        (4, [*(visit(n / 2) for n in range(4)), event("appointment.missed", 3)], 0),  # 1 of 5 is 0.2, not more
        (1, [event("support_ticket.opened", n / 9, ticket_id=str(n)) for n in range(2)], 20),
        (1, [event("support_ticket.opened", n / 9, ticket_id="same") for n in range(2)], 0),
        (100, [visit(0), visit(1), visit(100)], 20),  # 1 against 2: -0.5
        (90, [visit(0), visit(90)], 0),  # exactly 90 days before the last is the window before: 1 against 1
        (99, [visit(0), visit(1), visit(2), visit(98), visit(99)], 20),  # 2 against 3: -1/3 is below -0.3
        (500, [visit(0), visit(1), visit(100), *(event("appointment.missed", 100 + n) for n in range(3)),
               *(event("support_ticket.opened", 101, id_=t, ticket_id=t) for t in "ab")], 100),  # 1.2, at most 1
    ],
)  # fmt: skip
def test_risk(day: float, events: list[Event], risk: int) -> None:
    assert lived(day, *events).state.risk == risk


@pytest.mark.parametrize(
    ("day", "events", "engagement"),
    [
        (0, [visit(0)], 45),  # 0.3/6 + 0.3 + 0 + 0.1
        (31, [visit(0)], 38),  # 0.05 + 0.225 + 0.1 = 0.375, half away from zero
        (200, [visit(0)], 15),
        (180, [visit(0), visit(180)], 45),  # exactly 180 days before the last is outside of the window
        (179, [visit(0), visit(179)], 50),
        (0, [visit(0, "500")], 55),
        (0, [visit(0, "5000")], 65),
        (0, [visit(0), event("payment.adjusted", 0, amount="-500")], 45),  # never below 0
        (1, [*(visit(n / 9, "1000") for n in range(7)), event("feedback.received", 1, rating=5)], 100),
        (0, [call(0, 10)], 30),
        (0, [call(0, 100)], 50),
        (1, [call(0, 100), call(1, 10)], 40),
        (1, [call(0, 100), event("feedback.received", 1, rating=1)], 30),
        (1, [event("feedback.received", 0, rating=4), event("feedback.received", 1, rating=5)], 48),  # 0.475
    ],
)
def test_engagement(day: float, events: list[Event], engagement: int) -> None:
    assert lived(day, *events).state.engagement == engagement


def test_a_journey_starts_at_engagement_one_half_and_no_risk() -> None:
    assert (State().engagement, State().risk) == (50, 0)


def test_an_event_a_few_minutes_ahead_is_zero_days_ago() -> None:
    facts = lived(0, visit(0)).state.facts
    assert facts.active_at is not None
    moment = Moment(2 * (facts.active_at - 290 * SECOND))
    scorer = Scorer(Scoring())
    factors = [*scorer.explain_risk(facts, moment), *scorer.explain_engagement(facts, moment)]
    texts = [factor.because for factor in factors if factor.name in ("inactivity", "recency")]
    assert [text.partition(" ")[0] for text in texts] == ["0", "0", "0"]


def reasons(day: float, *events: Event) -> dict[str, list[str]]:
    """The reasons of both scores on a day, by factor."""
    facts, scorer, moment = lived(day, *events).state.facts, Scorer(Scoring()), Moment(2 * at(day))
    found: dict[str, list[str]] = {}
    for factor in [*scorer.explain_risk(facts, moment), *scorer.explain_engagement(facts, moment)]:
        found.setdefault(factor.name, []).append(factor.because)
    return found


def test_reasons_are_in_words_and_percent() -> None:
    tickets = [event("support_ticket.opened", 101, id_=ticket, ticket_id=ticket) for ticket in "ab"]
    missed = [event("appointment.missed", 100 + n / 9) for n in range(3)]
    found = reasons(101.5, visit(0), visit(1), visit(100), *missed, *tickets)
    assert found["missed_appointments"] == ["3 of 6 appointments missed; counts above 20%"]
    assert found["declining_frequency"] == [
        "1 appointment in the last 90 days of visits, 2 in the 90 before; counts if they fell by more than 30%"
    ]
    assert found["open_tickets"] == ["2 open tickets; counts from 2"]
    assert found["inactivity"][0] == "1 day since the last completed appointment; counts above 60 days"
    assert found["recency"] == ["1 day inactive"]
    assert found["interaction"] == ["no ratings and no calls; counts half"]
    rated = reasons(1, call(0, 100), event("feedback.received", 1, rating=4))
    assert rated["interaction"] == ["1 rating, 4 of 5 on average"]
    assert reasons(1, call(0, 100), call(1, 10))["interaction"] == ["1 of 2 calls qualified"]


def test_a_score_over_its_maximum_and_a_rounded_one_say_so() -> None:
    missed = [event("appointment.missed", 100 + n) for n in range(3)]
    tickets = [event("support_ticket.opened", 101, id_=ticket, ticket_id=ticket) for ticket in "ab"]
    assert reasons(500, visit(0), visit(1), visit(100), *missed, *tickets)["rounding"][0] == "a score is at most 100%"
    assert reasons(31, visit(0))["rounding"] == ["scores are rounded to whole percents"]
