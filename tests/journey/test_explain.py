"""The explanation: what it says agrees with what is decided."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey.engine import decide
from journey.events import Event
from journey.explain import explain, next_change
from journey.stages import DEFAULT_RULEBOOK, Rulebook
from journey.state import State, pack
from journey.time import DAY, Micros, to_datetime, to_micros
from tests.support import strategies as some
from tests.support.random_life import START, book, call, lived, visit
from tests.support.strategies import BASE


def test_a_customer_hears_what_will_happen_and_why_not_yet() -> None:
    told = explain(lived(1, visit(0, "49.90")).state, DEFAULT_RULEBOOK, Micros(START + 61 * DAY))
    assert (told["current_stage"], told["scores"]["risk"]["score"]) == ("customer", "0.30")
    assert told["facts"]["lifetime_value"] == "49.90"
    at_risk, churned = [deadline for deadline in told["deadlines"] if deadline["leads_to"]]
    assert (
        at_risk["sentence"]
        == f"at_risk on {to_datetime(Micros(START + 90 * DAY)):%-d %B %Y} unless an appointment is completed"
    )
    assert churned["leads_to"] == "churned"
    by_key = {rule["stage_key"]: rule for rule in told["rules"]}
    assert by_key["regular"]["rules"][0]["conditions"] == [
        {"fact": "count", "is": 1.0, "must_be": ">= 3", "holds": False}
    ]
    assert by_key["at_risk"]["rules"][0]["conditions"][0]["is"] == 61.0
    assert not by_key["at_risk"]["holds"]


def test_retention_days_stand_in_the_verdict_and_in_the_reason() -> None:
    retained = book(90, retention_days=20)
    life = lived(10, visit(0), call(5), rulebook=retained)
    (lapse,) = [
        rule for rule in explain(life.state, retained, Micros(START + 15 * DAY))["rules"] if rule["kind"] == "lapse"
    ]
    assert lapse["rules"][0]["conditions"] == [{"fact": "days", "is": 10.0, "must_be": "> 20", "holds": False}]
    life.on(26)
    assert life.moves[-1].reason == [{"fact": "days", "is": 20.000000000006, "must_be": "> 20", "holds": True}]


@given(history=some.events(), rulebook=some.rulebooks, data=st.data())
def test_what_is_announced_comes(history: list[Event], rulebook: Rulebook, data: st.DataObject) -> None:
    now = Micros(BASE + data.draw(st.integers(420, 500)) * DAY)
    state = decide(State(), history, rulebook, now).state
    told = explain(state, rulebook, now)
    for name in ("risk", "engagement"):
        factors = told["scores"][name]["factors"]
        assert sum(Decimal(factor["contribution"]) for factor in factors) == Decimal(told["scores"][name]["score"])
    announced = [(deadline["at"], deadline["leads_to"]) for deadline in told["deadlines"] if deadline["leads_to"]]
    if len(told["deadlines"]) < 8:
        _, moves = some.live(state, [], rulebook, Micros(now + 2000 * DAY))
        last = {to_datetime(move.at).isoformat().replace("+00:00", "Z"): move.to_stage for move in moves}
        assert announced == list(last.items())


def test_just_after_a_limit_the_reason_says_more_than_it() -> None:
    at = START + 90 * DAY
    factors = explain(lived(1, visit(0, "49.90")).state, DEFAULT_RULEBOOK, Micros(at + 1))["scores"]["risk"]["factors"]
    assert [one["because"] for one in factors if one["name"] == "inactivity"] == [
        "90 days since the last completed appointment; counts above 60 days",
        "more than 90 days since the last completed appointment; counts above 90 days",
    ]


CHRISTMAS_EVE = to_micros(datetime(2026, 12, 24, 9, tzinfo=UTC))


def packed(**changes: Any) -> dict[str, Any]:
    state = lived(1, visit(0)).state
    for name, value in changes.items():
        setattr(state, name, value)
    return pack(state)


@pytest.mark.parametrize(
    ("changes", "days_before", "says"),
    [
        ({"deadline_stage": "churned"}, 80, "churned on 24 Dec unless an appointment is completed"),
        ({"deadline_stage": "churned"}, 400, "churned on 24 Dec 2026 unless an appointment is completed"),
        ({"deadline_stage": None}, 1, "the scores or a booking change on 24 Dec unless an appointment is completed"),
        ({"held": True, "hold_until": CHRISTMAS_EVE, "deadline_stage": None}, 1, "the hold ends on 24 Dec"),
        (
            {"held": True, "hold_until": CHRISTMAS_EVE, "deadline_stage": "at_risk"},
            1,
            "the hold ends on 24 Dec and leads to at_risk",
        ),
    ],
)
def test_the_next_change_in_words(changes: dict[str, Any], days_before: int, says: str) -> None:
    state = packed(deadline=CHRISTMAS_EVE, **changes)
    assert next_change(state, Micros(CHRISTMAS_EVE - days_before * DAY)) == says


def test_without_appointments_any_event_changes_it() -> None:
    state = lived(1, call(0)).state
    state.deadline, state.deadline_stage = CHRISTMAS_EVE, "churned"
    assert next_change(pack(state), Micros(CHRISTMAS_EVE - DAY)) == "churned on 24 Dec unless another event arrives"
