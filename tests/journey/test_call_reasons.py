"""The reasons of the call list and the due list, in words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from journey.call_reasons import call_reason, due_reason, money_text

ROW = {
    "usual_interval_days": 34.0,
    "mean_amount": 62.4,
    "value_per_year": 670.0,
    "days_since_last_visit": 51,
    "return_probability": 0.32,
}


RETURNS = "returns without help with 32 %"


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (
            {},
            "usually comes every 34 days and spends about €62; 51 days since the last visit; " + RETURNS,
        ),
        (
            {"return_probability": None, "days_since_last_visit": 1},
            "usually comes every 34 days and spends about €62; 1 day since the last visit; no forecast of a return yet",
        ),
        (
            {"mean_amount": None},
            "usually comes every 34 days; 51 days since the last visit; returns without help with 32 %",
        ),
        (
            {"usual_interval_days": None, "days_since_last_visit": None},
            "no usual interval yet; €670 a year so far; no visit yet; returns without help with 32 %",
        ),
    ],
)
def test_a_reason_has_the_numbers_that_are_known(known: dict[str, Any], reason: str) -> None:
    assert call_reason({**ROW, **known}, "EUR") == reason


def test_amounts() -> None:
    assert [money_text(*each) for each in ((4.5, "EUR"), (5, "GBP"), (1234.56, "USD"), (99.5, "CHF"))] == [
        "€4.50",
        "£5",
        "$1,235",
        "100 CHF",
    ]


def test_when_a_customer_is_due() -> None:
    expected = date(2026, 12, 3)
    assert due_reason(ROW, expected, None) == (
        "usually comes every 34 days; expected on 3 December; no appointment booked"
    )
    assert due_reason(ROW, expected, "colour").startswith("usually comes for colour every 34 days;")
