"""The form of customer ids, in the pattern for JSON schemas too."""

import re

import pytest

from journey.identifiers import ANCHORED_CUSTOMER_ID, is_customer_id, is_email_address

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


ADDRESSES = [
    "ada@example.com",
    "Ada.Lovelace@Mail.Example.CO.UK",
    "a@b.cc",
    "crm:ada@example.com",
    "ada@example.com:2",
    "ada@example.com.",
    "a_b-c@xn--strae-oqa.example",
    "ada@example.xn--p1ai",
    "@ada@example.com",
]


@pytest.mark.parametrize("text", ADDRESSES)
def test_email_addresses(text: str) -> None:
    assert is_customer_id(text)
    assert is_email_address(text)


@pytest.mark.parametrize(
    "text", ["@", "@ada", "c-1", "ada@", "@example.com", "salon@7", "ada@host", "build@1.2.3", "a@b.c"]
)
def test_other_ids_with_an_at_sign(text: str) -> None:
    assert is_customer_id(text)
    assert not is_email_address(text)
