"""The form of customer ids, in the pattern for JSON schemas too."""

import re

import pytest

from journey.identifiers import ANCHORED_CUSTOMER_ID, is_customer_id

VALID = ["c", "c-1", "a.b", "a.", "...", ".a", "..a", ".a.", "-", "@", "ada@example.com", "7", "x" * 64]
LONG_WITH_DOTS = ["." * 64, "." + "x" * 63, ".." + "x" * 62]
INVALID = [
    "",
    ".",
    "..",
    "a b",
    "a/b",
    "../c",
    "c\n",
    ".\n",
    "zoé",
    "١",
    "x" * 65,
    "." * 65,
    "." + "x" * 64,
    ".." + "x" * 63,
]


@pytest.mark.parametrize("text", [*VALID, *LONG_WITH_DOTS])
def test_valid_ids(text: str) -> None:
    assert is_customer_id(text)
    assert re.search(ANCHORED_CUSTOMER_ID, text)


@pytest.mark.parametrize("text", INVALID)
def test_invalid_ids(text: str) -> None:
    assert not is_customer_id(text)


def test_only_single_and_double_dots_are_excluded() -> None:
    characters = ".a@"
    for text in (a + b + c for a in characters for b in ["", *characters] for c in ["", *characters]):
        assert is_customer_id(text) == (text not in (".", ".."))
