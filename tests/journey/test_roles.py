"""What a stage means, whatever its key."""

from typing import Any

import pytest

from journey.rules import InvalidRule
from journey.stages import DEFAULT_RULEBOOK, Role, rulebook_from

FIRST = {"stage_key": "a"}


def _second(**fields: Any) -> list[dict[str, Any]]:
    return [FIRST, {"stage_key": "b", **fields}]


def test_the_default_stages_have_their_roles() -> None:
    found = {role: DEFAULT_RULEBOOK.keys_with(role) for role in Role}
    assert found == {Role.AT_RISK: ["at_risk"], Role.LOST: ["churned"], Role.VIP: ["vip"]}
    shown = {stage["stage_key"]: stage["role"] for stage in DEFAULT_RULEBOOK.as_json()["stages"]}
    assert {key: role for key, role in shown.items() if role} == {"at_risk": "at_risk", "churned": "lost", "vip": "vip"}


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        ({"stage_key": "sleeping", "kind": "lapse", "role": "at_risk"}, Role.AT_RISK),
        ({"stage_key": "at_risk", "kind": "lapse"}, Role.AT_RISK),
        ({"stage_key": "at_risk", "kind": "lapse", "role": None}, None),
        ({"stage_key": "at_risk", "kind": "lapse", "role": "lost"}, Role.LOST),
        ({"stage_key": "at_risk", "kind": "growth"}, None),
        ({"stage_key": "gold"}, None),
    ],
)
def test_a_missing_role_is_that_of_the_default_stage_with_the_key(fields: dict[str, Any], role: Role | None) -> None:
    rulebook = rulebook_from([FIRST, fields])
    assert rulebook.all_stages[1].role is role
    assert rulebook_from(rulebook.as_json()).all_stages[1].role is role


def test_several_stages_share_a_role() -> None:
    more = [{"stage_key": key, "kind": "lapse", "role": "lost"} for key in "bc"]
    assert rulebook_from([FIRST, *more, {"stage_key": "d"}]).keys_with(Role.LOST) == ["b", "c"]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"role": "golden"}, "'golden' is not one of at_risk, lost, vip"),
        ({"role": "VIP"}, "'VIP' is not one of at_risk, lost, vip"),
        ({"role": "at_risk"}, "'at_risk' is for lapse stages, and 'b' is a growth stage"),
        ({"role": "lost", "kind": "growth"}, "'lost' is for lapse stages, and 'b' is a growth stage"),
        ({"role": "vip", "kind": "lapse"}, "'vip' is for growth stages, and 'b' is a lapse stage"),
    ],
)
def test_a_role_that_does_not_suit_is_refused_with_its_place(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        rulebook_from(_second(**fields))
    assert (refused.value.place, refused.value.problem) == ("stages[1].role", problem)


@pytest.mark.parametrize("high", ["0", "1", "-0.1", "0.705"])
def test_the_limit_of_a_high_risk_is_between_0_and_1(high: str) -> None:
    assert str(rulebook_from({"scoring": {"high_risk": "0.55"}}).scoring.high_risk) == "0.55"
    with pytest.raises(InvalidRule, match=r"scoring\.high_risk"):
        rulebook_from({"scoring": {"high_risk": high}})
