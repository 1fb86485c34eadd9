"""Whatever somebody wants to save as a rulebook, its mistakes are found and named, and nothing else fails."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from journey.rulebook_problems import rulebook_problems
from journey.stages import DEFAULT_RULEBOOK, rulebook_from

RULES: dict[str, Any] = json.loads(json.dumps(DEFAULT_RULEBOOK.as_json()))
WRONG: list[Any] = [
    *(None, True, -1, 10**30, 1.5, float("nan"), [], {}, [[]], [None], {"a": 1}),
    *("", "x" * 3000, "\x00", "\ud800", ">=1", "1e999"),
]


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from places(item, (*place, name))


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: ascii(value)[:12])
def test_any_value_at_any_place_is_accepted_or_refused(wrong: Any) -> None:
    for place in places({"stages": RULES["stages"], "scoring": RULES["scoring"]}):
        rules = copy.deepcopy(RULES)
        parent: Any = rules
        for name in place[:-1]:
            parent = parent[name]
        parent[place[-1]] = wrong
        problems = rulebook_problems(rules["stages"], rules["scoring"])
        if not problems:
            rulebook_from(rules)
        assert all(one.place.startswith(str(place[0])) for one in problems), place


@pytest.mark.parametrize(
    ("stages", "place"),
    [
        ([{"stage_key": "a", "description": "\ud800"}], "stages[0].description"),
        ([{"stage_key": "a", "auto_transition_rules": {"trigger": "\x00"}}], "stages[0].auto_transition_rules.trigger"),
        ([{"stage_key": "a", "x\x00": 1}], "stages[0]"),
        ("\x00", "stages"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(stages: Any, place: str) -> None:
    (problem,) = rulebook_problems(stages)
    assert (problem.place, "cannot be stored" in problem.problem) == (place, True)


def test_a_document_that_is_nested_deeply_is_refused() -> None:
    nested: Any = "x"
    for _ in range(50_000):
        nested = [nested]
    (problem,) = rulebook_problems([{"stage_key": "a", "auto_transition_rules": nested}])
    assert problem.place.startswith("stages[0].auto_transition_rules[0][0]")
    assert problem.problem == "nested too deeply"


@pytest.mark.parametrize("value", ["0", "0.001", "100000000", "1e30"])
def test_the_value_that_counts_as_full_is_an_amount(value: str) -> None:
    (problem,) = rulebook_problems(RULES["stages"], {"engagement_full_value": value})
    assert problem.place == "scoring.engagement_full_value"
