"""Booked appointments, computed from all events of a customer."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey.bookings import bookings
from journey.events import Event, canonical, counting
from journey.time import to_micros
from tests.support.appointment_lives import corrected_events, generated_life
from tests.support.naive_appointments import amount, appointments, booked_for, outcome


def naive(events: list[Event]) -> list[tuple[object, ...]]:
    """Outcome, booked time, first mention of it, latest time and amount of each booked appointment, by definition."""
    found = []
    for words in appointments(counting(events)):
        booked, became = booked_for(words), outcome(words)
        if booked is not None:
            told = min(
                word.at
                for word in words
                if getattr(word, "scheduled_for", None) is not None and to_micros(word.scheduled_for) == booked
            )
            has_amount = any("amount" in canonical(word) for word in words)
            paid = amount(words) if has_amount and became == "completed" else None
            found.append((booked, became, told, words[-1].at, paid))
    return sorted(found, key=str)


def computed(events: list[Event]) -> list[tuple[object, ...]]:
    rows = bookings(events)
    found = [(row.scheduled_for, row.outcome, row.booked_at, row.last_event_at, row.amount) for row in rows]
    return sorted(found, key=str)


@given(corrected_events(), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_they_are_those_of_the_definition_in_any_order(events: list[Event], chance: random.Random) -> None:
    expected = naive(events)
    assert computed(events) == expected
    chance.shuffle(events)
    assert computed(events) == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_year_of_a_customer(seed: int) -> None:
    events = generated_life(seed)
    assert computed(events) == naive(events)
    rows = bookings(events)
    assert [row.scheduled_for for row in rows] == sorted(row.scheduled_for for row in rows)
    assert len({row.key for row in rows}) == len(rows)
