"""The condition language: what it compares, and that what cannot be saved is refused with its place."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey.event_validation import from_fields
from journey.events import Event
from journey.facts import Facts
from journey.presets import DEFAULT_STAGES
from journey.rules import FACTS, OPERATORS, InvalidRule, RuleContext, parse_rules
from journey.scoring import Scoring
from journey.stages import DEFAULT_RULEBOOK, rulebook_from
from journey.time import DAY, Micros, Moment
from tests.support.bad_events import CALL, REQUEST

PLACE = "stages[1].auto_transition_rules"


def _stages(**changed: Any) -> list[dict[str, Any]]:
    return [{"stage_key": "a"}, {"stage_key": "b", **changed}]


def _rule(trigger: object = "appointment_count", conditions: object = None) -> dict[str, Any]:
    return {"trigger": trigger, "conditions": {"count": ">1"} if conditions is None else conditions}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        (_stages(auto_transition_rules="count > 3"), PLACE),
        (_stages(auto_transition_rules=[_rule(), 7]), f"{PLACE}[1]"),
        (_stages(auto_transition_rules={}), f"{PLACE}.trigger"),
        (_stages(auto_transition_rules=_rule("Appointment_Count")), f"{PLACE}.trigger"),
        (_stages(auto_transition_rules=_rule(["appointment_count"])), f"{PLACE}.trigger"),
        (_stages(auto_transition_rules={**_rule(), "else": 1}), PLACE),
        (_stages(auto_transition_rules=_rule(conditions="count > 3")), f"{PLACE}.conditions"),
        (_stages(auto_transition_rules=_rule(conditions={})), f"{PLACE}.conditions"),
        (_stages(auto_transition_rules=_rule(conditions={"visits": ">1"})), f"{PLACE}.conditions"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "1"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "=> 1"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "!= 1"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "> 1 or 1"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "> NaN"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "> 1e9"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "> ٣"})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": "> 1\n"})), None),
        (_stages(auto_transition_rules=_rule(conditions={"count": 1})), f"{PLACE}.conditions.count"),
        (_stages(auto_transition_rules=_rule(conditions={"count": None})), f"{PLACE}.conditions.count"),
        (_stages(stage_key="B"), "stages[1].stage_key"),
        (_stages(stage_key=""), "stages[1].stage_key"),
        (_stages(stage_key="a"), "stages"),
        (_stages(stage_key=5), "stages[1]"),
        (_stages(color="red"), "stages[1].color"),
        (_stages(kind="limbo"), "stages[1]"),
        (_stages(retention_days=0), "stages[1].retention_days"),
        (_stages(retention_days=1.5), "stages[1]"),
        (_stages(surprise=True), "stages[1]"),
        (_stages(is_active=False), "stages"),
        ([{"stage_key": "a"}], "stages"),
        ([{"stage_key": f"s{n}"} for n in range(13)], "stages"),
        ([{"stage_key": key, "kind": "lapse"} for key in "bc"], "stages"),
        ([5, 6], "stages[0]"),
        ("stages", "rules"),
        (None, "rules"),
        ({"stages": _stages(), "score": {}}, "rules"),
        ({"stages": 5}, "stages"),
        ({"scoring": 5}, "scoring"),
        ({"scoring": {"luck": 1}}, "scoring"),
        ({"scoring": {"risk_trend": "NaN"}}, "scoring"),
        ({"scoring": {"risk_inactive_days": [90, 60]}}, "scoring"),
        ({"scoring": {"risk_inactive_days": [60]}}, "scoring"),
        ({"scoring": {"recency_days": [0, 1, 2, 3]}}, "scoring"),
        ({"scoring": {"risk_missed_weight": "1.1"}}, "scoring"),
        ({"scoring": {"risk_missed_weight": "0.00001"}}, "scoring"),
        ({"scoring": {"engagement_money_weight": "0.3"}}, "scoring"),
        ({"scoring": {"engagement_full_value": "0"}}, "scoring"),
        ({"scoring": {"engagement_full_value": "0.001"}}, "scoring"),
        ({"scoring": {"engagement_full_frequency": 0}}, "scoring"),
        ({"scoring": {"risk_open_tickets": 0}}, "scoring"),
        ({"scoring": {"risk_missed_rate": "-0.1"}}, "scoring"),
        ({"scoring": {"engagement_full_value": "Infinity"}}, "scoring"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_its_place(fields: object, place: str | None) -> None:
    if place is None:
        rulebook_from(fields)
        return
    with pytest.raises(InvalidRule) as caught:
        rulebook_from(fields)
    assert caught.value.place == place, caught.value
    assert str(caught.value).startswith(place)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["trigger", "risk_score", ">1"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["trigger", "conditions", "days", "x"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_nothing_but_invalid_rule_is_raised(rules: object) -> None:
    places = []
    for fields in (rules, {"stages": rules}, _stages(auto_transition_rules=rules), {"scoring": rules}):
        try:
            rulebook_from(fields)
        except InvalidRule as invalid:
            places.append(invalid.place)
    assert all(places)


@given(
    sign=st.sampled_from([">", ">=", "<", "<=", "=="]),
    number=st.decimals(0, 500, places=2),
    days=st.decimals(0, 500, places=2),
    blanks=st.sampled_from(["", " ", "  "]),
)
def test_conditions_compare_exactly(sign: str, number: Decimal, days: Decimal, blanks: str) -> None:
    """Against the comparison of the decimals themselves."""
    holds = {">": days > number, ">=": days >= number, "<": days < number, "<=": days <= number, "==": days == number}
    conditions = {"days": f"{blanks}{sign}{blanks}{number}{blanks}"}
    (rule,) = parse_rules({"trigger": "days_since_last_appointment", "conditions": conditions}, "here")
    context = RuleContext(Facts(), Moment(2 * int(days * DAY)), None, DEFAULT_RULEBOOK.scorer, Micros(0))
    assert rule.holds(context) == holds[sign]
    (rule,) = parse_rules({"trigger": "lifetime_value", "conditions": {"value": f"{sign} {number}"}}, "here")
    assert (
        rule.holds(RuleContext(Facts(value=int(days * 100)), Moment(0), None, DEFAULT_RULEBOOK.scorer, Micros(0)))
        == holds[sign]
    )


@pytest.mark.parametrize(
    ("fact", "comparison", "holds"),
    [
        ("count", ">=3", True), ("count", ">3", False), ("value", "==12.34", True), ("value", ">12.33", True),
        ("missed_rate", "==0.25", True), ("missed_rate", ">0.25", False), ("open_tickets", ">=2", True),
        ("open_tickets", "<2", False), ("risk", "==0.4", True), ("engagement", "<=0.45", False), ("days", "<=0", True),
        ("call_duration", ">0", False), ("call_duration", "<999", False),
    ],
)  # fmt: skip
def test_every_fact(fact: str, comparison: str, holds: bool) -> None:
    facts = Facts(
        completed=3,
        missed=1,
        value=1234,
        recent=[Micros(-2 * DAY), Micros(-DAY), Micros(0)],
        tickets={"a": 0, "b": 0, "c": 5},
    )
    (rule,) = parse_rules({"trigger": "appointment_count", "conditions": {fact: comparison}}, "here")
    context = RuleContext(facts, Moment(0), None, DEFAULT_RULEBOOK.scorer, Micros(0))
    assert rule.holds(context) is holds
    verdict = rule.verdict(context)
    assert verdict["holds"] is holds
    assert verdict["conditions"][0]["must_be"].replace(" ", "") == comparison
    assert set(FACTS) >= {fact}


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize(
    ("fact", "limit", "facts", "moment"),
    [
        *(("days", "90", Facts(), 2 * 90 * DAY + offset) for offset in (-1, 0, 1)),  # doubled microseconds
        *(("days", "0.5", Facts(), DAY + offset) for offset in (-1, 0, 1)),
        ("missed_rate", "0.333333", Facts(completed=2, missed=1), 0),
        ("missed_rate", "0.5", Facts(completed=1_000_001, missed=1_000_000), 0),
        ("value", "12.345", Facts(value=1234), 0),
    ],
)
def test_the_number_that_is_shown_never_contradicts_the_outcome(
    fact: str, limit: str, facts: Facts, moment: int, sign: str
) -> None:
    (rule,) = parse_rules({"trigger": "appointment_count", "conditions": {fact: sign + limit}}, "here")
    (shown,) = rule.verdict(RuleContext(facts, Moment(moment), None, DEFAULT_RULEBOOK.scorer, Micros(0)))["conditions"]
    assert OPERATORS[sign](shown["is"], float(limit)) is shown["holds"]


def test_numbers_have_no_more_decimals_than_they_need() -> None:
    (rule,) = parse_rules({"trigger": "appointment_count", "conditions": {"days": "> 90"}}, "here")
    shown = {}
    for moment in (2 * 90 * DAY, 2 * 90 * DAY + 1, 2 * 91 * DAY + DAY // 3):
        context = RuleContext(Facts(), Moment(moment), None, DEFAULT_RULEBOOK.scorer, Micros(0))
        shown[moment] = rule.verdict(context)["conditions"][0]["is"]
    assert list(shown.values()) == [90.0, 90.000000000006, 91.1667]


@pytest.mark.parametrize(
    ("event", "holds"),
    [(from_fields({**CALL, "duration_seconds": 61}), True), (from_fields({**CALL, "duration_seconds": 60}), False),
     (from_fields(REQUEST), False), (None, False)],
)  # fmt: skip
def test_an_event_trigger_holds_only_for_its_event(event: Event | None, holds: bool) -> None:
    (rule,) = parse_rules({"trigger": "call_received", "conditions": {"call_duration": "> 60"}}, "here")
    assert rule.holds(RuleContext(Facts(), Moment(0), event, DEFAULT_RULEBOOK.scorer, Micros(0))) is holds


def test_all_conditions_and_any_rule() -> None:
    both = {"trigger": "appointment_count", "conditions": {"count": ">=2", "value": ">=10"}}
    rules = parse_rules([both, {"trigger": "lifetime_value", "conditions": {"value": ">100"}}], "here")

    def held(count: int, value: int) -> list[bool]:
        context = RuleContext(Facts(completed=count, value=value), Moment(0), None, DEFAULT_RULEBOOK.scorer, None)
        return [rule.holds(context) for rule in rules]

    assert held(2, 999) == [False, False]
    assert held(2, 1000) == [True, False]
    assert held(1, 10001) == [False, True]


def test_the_default_stages_are_the_seven_of_the_guide_and_survive_a_round_trip() -> None:
    keys = ["prospect", "lead", "customer", "regular", "vip", "at_risk", "churned"]
    assert [stage.key for stage in DEFAULT_RULEBOOK.stages] == keys
    assert [stage.is_growth for stage in DEFAULT_RULEBOOK.stages] == [True] * 5 + [False] * 2
    saved = DEFAULT_RULEBOOK.as_json()
    again = rulebook_from(saved)
    assert again.as_json() == saved
    assert [rule.as_json() for stage in again.stages for rule in stage.rules] == [
        rule.as_json() for stage in DEFAULT_RULEBOOK.stages for rule in stage.rules
    ]
    assert [stage["order_index"] for stage in saved["stages"]] == list(range(1, 8))
    assert all(stage["color"] and stage["icon"] for stage in DEFAULT_STAGES)


def test_a_companys_weights_are_its_own() -> None:
    rulebook = rulebook_from({"scoring": {"risk_inactive_days": [10, 20], "risk_inactive_weights": ["0.4", "0.5"]}})
    facts = Facts(completed=1, recent=[Micros(0)])
    assert [rulebook.scorer.risk(facts, Moment(2 * day * DAY + 1)) for day in (9, 10, 20)] == [0, 40, 90]
    assert Scoring().problems() == []
