"""Appointments in commits on a real Postgres: what the state no longer holds comes from the ledger."""

import json
from datetime import datetime, timedelta
from typing import Any

from db.connections import Pool
from db.journeys.ledger_history import applied_events
from journey.appointment_book import HELD, fold_facts
from tests.support.commit_story import EVALUATE, NOON, Story, events


def about(story: Story, what: str, days: float, id_: str | None = "a-1", **fields: Any) -> dict[str, Any]:
    if id_ is not None:
        fields["appointment_id"] = id_
    return story.event(f"appointment.{what}", days, **fields)


def booked(story: Story, days: float, ahead: float, id_: str | None = "a-1", **fields: Any) -> dict[str, Any]:
    scheduled = (story.now + timedelta(days=days + ahead)).isoformat()
    return about(story, "requested", days, id_, scheduled_for=scheduled, **fields)


def times(story: Story) -> list[datetime]:
    return list(story.row()["booked_times"] or [])


async def check_ledger(story: Story, pool: Pool) -> None:
    """The facts that no order of arrival changes are those of the whole ledger."""
    anew = fold_facts(await applied_events(pool, story.company, story.customer, []))[0]
    facts = story.known.facts
    for name in ("completed", "value", "missed", "cancelled", "requests", "recent", "last_event_at", "booked"):
        assert getattr(facts, name) == getattr(anew, name), name
    assert story.row()["total_appointments"] == facts.completed
    assert story.row()["lifetime_value"] * 100 == facts.value


async def test_an_appointment_reported_three_times_is_one_visit(story: Story, pool: Pool) -> None:
    await story.commit(events(booked(story, -10, 5)))
    for amount in ("40.00", "40.00", "45.00"):
        await story.commit(events(about(story, "completed", -5, amount=amount)))
    assert (story.row()["total_appointments"], story.row()["lifetime_value"]) == (1, 45)
    assert len(story.ledger("applied")) == 4
    await check_ledger(story, pool)


async def test_booked_times_are_on_the_row_until_the_outcome(story: Story) -> None:
    await story.commit(events(booked(story, -1, 8, "a-1"), booked(story, -1, 4, "a-2")))
    assert times(story) == [NOON + timedelta(days=3), NOON + timedelta(days=7)]
    moved = about(story, "rescheduled", 0, "a-2b", replaces="a-2", scheduled_for=(NOON + timedelta(days=9)).isoformat())
    await story.commit(events(moved))
    assert times(story) == [NOON + timedelta(days=7), NOON + timedelta(days=9)]
    await story.commit(events(about(story, "cancelled", 0, "a-2", by="company"), about(story, "cancelled", 0, "a-1")))
    assert story.row()["booked_times"] is None
    assert story.known.facts.cancelled == 2


async def test_a_corrected_appointment_that_the_state_no_longer_holds(story: Story, pool: Pool) -> None:
    await story.commit(events(about(story, "completed", -1100, "old", amount="100.00")))
    for first in range(0, 120, 20):
        made = [about(story, "completed", -1000 + n, f"a-{n}", amount="10.00") for n in range(first, first + 20)]
        await story.commit(events(*made))
    assert len(story.known.facts.appointments) <= HELD
    assert len(json.dumps(story.state)) < 4096
    correction = events(about(story, "cancelled", -1, "old"))
    await story.lost(correction)
    await story.commit(correction)  # its answer was lost: the same again
    assert story.known.facts.completed == 120
    assert story.row()["lifetime_value"] == 1200
    await check_ledger(story, pool)
    new = events(about(story, "completed", 0, "brand-new", amount="5.00"))
    await story.commit(new)
    assert story.known.facts.completed == 121
    await check_ledger(story, pool)


async def test_an_event_without_an_appointment_is_named_by_a_later_one(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-3, "30.00", id="walk-in")))
    await story.commit(events(about(story, "cancelled", -2, "event:walk-in")))
    assert (story.known.facts.completed, story.known.facts.cancelled) == (0, 1)
    await story.commit(events(about(story, "completed", -1, "event:walk-in")))
    assert (story.known.facts.completed, story.row()["lifetime_value"]) == (1, 30)
    await check_ledger(story, pool)


async def test_late_words_and_joined_bookings_come_in_any_order(story: Story, pool: Pool) -> None:
    await story.commit(events(about(story, "completed", -1, "c", amount="20.00")))
    await story.commit(events(about(story, "completed", -2, "a", amount="10.00")))
    assert story.known.facts.completed == 2
    joined = about(story, "rescheduled", -5, "b", replaces="a", scheduled_for=(NOON - timedelta(days=3)).isoformat())
    await story.commit(events(joined))
    also = about(story, "rescheduled", -4, "c", replaces="b", scheduled_for=(NOON - timedelta(days=1)).isoformat())
    await story.commit(events(also))
    assert (story.known.facts.completed, story.row()["lifetime_value"]) == (1, 20)
    await check_ledger(story, pool)


async def test_a_state_of_before_is_read_and_learns_its_booking(story: Story, pool: Pool) -> None:
    """A journey that code of the version before left: its state holds no appointments, the ledger has them."""
    await story.commit(events(story.visit(-80), booked(story, -5, 40), about(story, "completed", -60, "b-1")))
    await story.commit(events(about(story, "completed", -59, "b-1")))
    assert story.state is not None
    facts = {name: value for name, value in story.state["f"].items() if name not in ("ad", "af", "an", "al")}
    old = {**story.state, "S": 1, "f": {**facts, "a": 3}}  # it counted every event
    story.rows(
        f"update customer_relationships set state = '{json.dumps(old)}'::jsonb, booked_times = null"
        " where company_id = %(company)s returning id"
    )
    story.state = old
    await story.commit(EVALUATE, now=NOON + timedelta(days=20))
    assert story.known.stage == "customer"
    assert story.known.facts.completed == 2
    assert times(story) == [NOON + timedelta(days=35)]
    assert "at_risk" not in story.stages()
    await check_ledger(story, pool)


async def test_no_amount_is_the_same_event_as_an_amount_of_zero(story: Story) -> None:
    first = about(story, "completed", -1)
    await story.commit(events(first))
    await story.commit(events({**first, "amount": "0.00"}))
    assert [entry["outcome"] for entry in story.ledger()] == ["applied"]


async def test_a_question_is_asked_once_and_never_by_an_import(story: Story) -> None:
    requested = booked(story, -5, 2.9)
    await story.lost(events(requested))
    answer = await story.commit(events(requested))
    asked = [ref for ref in answer.get("actions", {}) if "ask_attendance" in ref]
    assert len(asked) == 1
    again = await story.commit(EVALUATE, now=NOON + timedelta(minutes=1))
    assert not again.get("actions")
    history = ("events", [json.dumps([booked(story, -5, 2.8, "a-2")]), '""', '"history"'])
    answer = await story.commit(history, now=NOON + timedelta(minutes=2))
    assert not [ref for ref in answer.get("actions", {}) if "ask_attendance" in ref]
