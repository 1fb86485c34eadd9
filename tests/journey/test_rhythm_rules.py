"""Rules on a customer's rhythm: exact deadlines, none without a rhythm, and the same however a life is split."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey.engine import decide
from journey.event_validation import from_fields
from journey.events import Event
from journey.explain import explain
from journey.presets import presets
from journey.rhythm import CompanyMedians, MedianRecords
from journey.rules import InvalidRule
from journey.simulate import medians_of_log, simulate
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State, pack, unpack
from journey.time import DAY, HOUR, MINUTE, Micros, to_datetime
from tests.support.strategies import BASE, RHYTHM, live

WITHOUT_RECORDS = rulebook_from(next(preset.stages for preset in presets() if preset.key == "rhythm"))


def at(day: float) -> Micros:
    return Micros(BASE + round(day * DAY))


def event(kind: str, day: float, **fields: Any) -> Event:
    fields = {"id": f"{kind}-{day}", "type": f"appointment.{kind}", "customer_id": 1, **fields}
    return from_fields({**fields, "occurred_at": to_datetime(at(day))})


def visits(*days: float, **fields: Any) -> list[Event]:
    return [event("completed", day, **fields) for day in days]


def moves(events: list[Event], rulebook: Rulebook, until: float) -> list[tuple[str, float]]:
    decision = decide(State(), events, rulebook, at(until))
    return [(move.to_stage, (move.at - BASE) / DAY) for move in decision.transitions if not move.is_growth]


def test_at_risk_at_twice_the_usual_interval_and_churned_at_four_times() -> None:
    """Three gaps of 30 days: twice is 60 days, 30 of them late, and four times is 120 days, 90 of them late."""
    assert moves(visits(0, 30, 60, 90), WITHOUT_RECORDS, 400) == [("at_risk", 150), ("churned", 210)]


def test_a_frequent_customer_is_at_least_14_and_60_days_late() -> None:
    """Every 7 days: twice would be 14 days after the last visit, but 14 days late is 21, and 60 days late is 67."""
    assert moves(visits(0, 7, 14, 21), WITHOUT_RECORDS, 400) == [("at_risk", 42), ("churned", 88)]


def test_the_transition_is_at_the_very_instant_and_not_before() -> None:
    life = visits(0, 30.4, 60, 90.25)
    assert moves(life, WITHOUT_RECORDS, 150.25 - 1e-9) == []
    state = decide(State(), life, WITHOUT_RECORDS, at(90.25)).state
    assert state.facts.interval == 30 * DAY
    stays = decide(state, [], WITHOUT_RECORDS, Micros(at(150.25) - 1))
    falls = decide(state, [], WITHOUT_RECORDS, Micros(at(150.25) + 1))
    assert [move.at for move in stays.transitions + falls.transitions] == [at(150.25)]


def test_without_a_rhythm_fixed_days_count_and_no_condition_on_it_holds() -> None:
    assert moves(visits(0), WITHOUT_RECORDS, 400) == [("at_risk", 90), ("churned", 180)]
    stages = [
        {"stage_key": "new", "kind": "growth"},
        {
            "stage_key": "gone",
            "kind": "lapse",
            "auto_transition_rules": [
                {"trigger": "overdue_ratio", "conditions": {"overdue_ratio": f"{sign}1"}} for sign in ("<", ">=")
            ]
            + [{"trigger": "overdue_days", "conditions": {"overdue_days": f"{sign}5"}} for sign in ("<=", ">")],
        },
    ]
    assert moves(visits(0), rulebook_from(stages), 4000) == []


def test_fewer_than_three_gaps_lean_on_the_company() -> None:
    """One gap of 10 days, and a company median of 40: (10 + 2 x 40) / 3 = 30 days."""
    company = WITHOUT_RECORDS.with_medians(MedianRecords([CompanyMedians(at(0), 40.0)]))
    assert moves(visits(0, 10), company, 400) == [("at_risk", 70), ("churned", 130)]
    assert moves(visits(0), company, 400) == [("at_risk", 80), ("churned", 160)]


def test_a_visit_uses_the_record_in_force_at_its_own_time_and_keeps_it() -> None:
    records = [CompanyMedians(at(5), 20.0), CompanyMedians(at(50), 60.0)]
    company = WITHOUT_RECORDS.with_medians(MedianRecords(records))
    for first, expected in ((0, 20.0), (49.9, 20.0), (50, 60.0)):
        state = decide(State(), visits(first), company, at(first)).state
        assert state.facts.company_median == expected
    before = decide(State(), visits(0), WITHOUT_RECORDS, at(1)).state
    after = decide(before, [event("missed", 2)], company, at(2)).state
    assert after.facts.interval is None, "it is kept until the next visit"
    again = decide(after, visits(3), company, at(3)).state
    assert again.facts.interval == pytest.approx((3 + 2 * 20) / 3 * DAY, abs=1)


def test_a_booking_delays_the_lapse_to_the_end_of_its_grace() -> None:
    booked = event("requested", 91, appointment_id="a", scheduled_for=to_datetime(at(155)))
    assert moves([*visits(0, 30, 60, 90), booked], WITHOUT_RECORDS, 160) == [("at_risk", 157)]
    cancelled = event("cancelled", 152, appointment_id="a")
    assert moves([*visits(0, 30, 60, 90), booked, cancelled], WITHOUT_RECORDS, 160) == [("at_risk", 152)]


def test_a_visit_taken_back_gives_the_rhythm_of_before() -> None:
    life = [event("completed", day, appointment_id=f"a{day}") for day in (0, 30, 60, 90)]
    with_mistake = [*life, event("completed", 91, appointment_id="b"), event("cancelled", 92, appointment_id="b")]
    assert moves(with_mistake, WITHOUT_RECORDS, 400) == moves(life, WITHOUT_RECORDS, 400)


def test_the_explanation_names_the_numbers_and_what_is_next() -> None:
    state = decide(State(), visits(0, 30, 60, 90), WITHOUT_RECORDS, at(100)).state
    explained = explain(state, WITHOUT_RECORDS, at(135))
    assert explained["facts"]["usual_interval"] == 30
    at_risk = next(stage for stage in explained["rules"] if stage["stage_key"] == "at_risk")
    assert [(c["fact"], c["is"], c["must_be"], c["holds"]) for c in at_risk["rules"][0]["conditions"]] == [
        ("overdue_ratio", 1.5, ">= 2", False),
        ("overdue_days", 15, ">= 14", True),
    ]
    day = f"{to_datetime(at(150)):%-d %B %Y}"
    assert any(
        each["sentence"] == f"at_risk on {day} unless an appointment is completed" for each in explained["deadlines"]
    ), explained["deadlines"]


def test_a_rule_on_rhythm_makes_a_lapse_stage_and_bad_ones_are_refused() -> None:
    rule = {"trigger": "overdue_days", "conditions": {"overdue_days": "> 3"}}
    book = rulebook_from([{"stage_key": "new"}, {"stage_key": "late", "auto_transition_rules": rule}])
    assert book.by_key["late"].kind == "lapse"
    with pytest.raises(InvalidRule, match="overdue_days requires a condition"):
        rulebook_from([{"stage_key": "late", "auto_transition_rules": {"trigger": "overdue_days", "conditions": {}}}])


def test_simulate_computes_the_medians_of_its_log_once() -> None:
    log = [visits(0, 10, 20), visits(0, 10), visits(5)]
    assert medians_of_log(log, at(100)).overall == 10
    assert medians_of_log(log, at(15)).overall == 10
    assert medians_of_log(log, at(5)).overall is None
    result = simulate(log, WITHOUT_RECORDS, at(30)).as_json()
    assert result["stages"]["at_risk"] == 1, "10 days after one visit, as the others do, then 14 days late"


_hours = st.lists(st.integers(0, 24 * 200), min_size=1, max_size=7, unique=True).map(sorted)


@given(hours=_hours, gap=st.integers(0, 60), rulebook=st.sampled_from([RHYTHM, WITHOUT_RECORDS]))
def test_no_earlier_instant_changes_anything(hours: list[int], gap: int, rulebook: Rulebook) -> None:
    """Look every six hours until the deadline, at its last minutes, and at the microseconds around it."""
    history = visits(*(hour / 24 for hour in hours))
    now = Micros(history[-1].at + gap * DAY)
    state = decide(State(), history, rulebook, now).state
    last = state.deadline if state.deadline is not None else Micros(now + 300 * DAY)
    for instant in (*range(now, last, 6 * HOUR), *range(max(now, last - 3 * MINUTE), last, MINUTE), last - 1, last):
        if instant >= now:
            assert decide(state, [], rulebook, Micros(instant)).state == state
    if state.deadline is not None:
        after = decide(state, [], rulebook, Micros(last + 1))
        assert after.state != state
        assert {move.at for move in after.transitions} <= {last}


@given(hours=_hours, cut=st.integers(0, 24 * 300), services=st.lists(st.sampled_from(["cut", "colour", None])))
def test_facts_stage_and_deadline_however_a_life_is_split(
    hours: list[int], cut: int, services: list[str | None]
) -> None:
    history = [
        event("completed", hour / 24, **({"service": name} if name else {}))
        for hour, name in zip(hours, [*services, *[None] * len(hours)], strict=False)
    ]
    end = at(max(cut, hours[-1]) / 24 + 100)
    imported = decide(State(), history, RHYTHM, end)
    lived, lived_moves = live(State(), history, RHYTHM, end)
    assert (imported.state, imported.transitions) == (lived, lived_moves)
    first = [each for each in history if each.at <= at(cut / 24)]
    half = unpack(pack(decide(State(), first, RHYTHM, at(cut / 24)).state)) if first else State()
    rest = decide(half, history[len(first) :], RHYTHM, end)
    assert rest.state == imported.state


def test_the_default_rules_do_not_depend_on_rhythm() -> None:
    assert not DEFAULT_RULEBOOK.rhythm_conditions
    assert WITHOUT_RECORDS.rhythm_conditions


@given(hours=_hours, cut=st.integers(0, 24 * 200), rulebook=st.sampled_from([RHYTHM, WITHOUT_RECORDS]))
def test_a_commit_that_reads_the_ledger_decides_the_same(hours: list[int], cut: int, rulebook: Rulebook) -> None:
    history = visits(*(hour / 24 for hour in hours))
    first = [each for each in history if each.at <= at(cut / 24)]
    begun = decide(State(), first, rulebook, at(cut / 24)).state
    end = at(max(cut, hours[-1]) / 24 + 100)
    plain = decide(begun, history[len(first) :], rulebook, end)
    anew = decide(begun, history[len(first) :], rulebook, end, history=first)
    assert (anew.state.facts.visit_days, anew.state.facts.interval) == (
        plain.state.facts.visit_days,
        plain.state.facts.interval,
    )
    assert (anew.state.stage, anew.state.deadline) == (plain.state.stage, plain.state.deadline)
    assert anew.transitions == plain.transitions
