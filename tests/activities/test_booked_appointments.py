"""The table of appointments follows the ledger, whatever happens to the ledger."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import psycopg

from background.appointment_loop import run_appointment_loop
from db.connections import Pool, tenant_rows
from db.journeys.appointments import catch_up, note_earlier_customers
from journey.bookings import bookings
from journey.events import from_canonical
from journey.time import to_micros
from tests.support.commit_story import NOON, Story, events


def about(story: Story, what: str, days: float, id_: str | None = "a-1", **fields: Any) -> dict[str, Any]:
    named = {} if id_ is None else {"appointment_id": id_}
    return story.event(f"appointment.{what}", days, **named, **fields)


def booked(story: Story, days: float, ahead: float, id_: str | None = "a-1", **fields: Any) -> dict[str, Any]:
    scheduled = (story.now + timedelta(days=days + ahead)).isoformat()
    return about(story, "requested", days, id_, scheduled_for=scheduled, **fields)


async def rows(story: Story, pool: Pool) -> list[dict[str, Any]]:
    found = await tenant_rows(
        pool,
        story.company,
        "select to_jsonb(a) from appointments a where company_id = %s order by scheduled_for, key",
        [story.company],
    )
    return [row[0] for row in found]


async def check(story: Story, pool: Pool) -> list[dict[str, Any]]:
    """Check the table against the ledger, and return its rows."""
    assert await catch_up(pool, story.company)
    payloads = await tenant_rows(
        pool,
        story.company,
        "select payload from journey_events where company_id = %s and outcome = 'applied'",
        [story.company],
    )
    expected = bookings(from_canonical(row[0]) for row in payloads)
    found = await rows(story, pool)
    assert [(row["key"], row["outcome"], row["service"]) for row in found] == [
        (one.key, one.outcome, one.service) for one in expected
    ]
    return found


async def test_bookings_moves_and_outcomes(story: Story, pool: Pool) -> None:
    await story.commit(events(booked(story, -10, 11, service="colour"), booked(story, -10, 3, "a-2")))
    (first, second) = await check(story, pool)
    assert (first["appointment_id"], first["outcome"], second["service"]) == ("a-2", "open", "colour")
    later = (NOON + timedelta(days=9)).isoformat()
    await story.commit(events(about(story, "rescheduled", -5, "a-1b", replaces="a-1", scheduled_for=later)))
    (first, second) = await check(story, pool)
    assert (second["scheduled_for"], second["service"]) == ((NOON + timedelta(days=9)).isoformat(), "colour")
    await story.commit(
        events(about(story, "completed", -7, "a-2", amount="49.90"), about(story, "cancelled", -1, "a-1"))
    )
    (first, second) = await check(story, pool)
    assert (first["outcome"], first["amount"], second["outcome"]) == ("completed", 49.9, "cancelled")
    await story.commit(events(about(story, "missed", -6, "a-2")))  # it was a mistake
    assert [row["outcome"] for row in await check(story, pool)] == ["missed", "cancelled"]


async def test_what_arrives_late_or_joins_two_bookings(story: Story, pool: Pool) -> None:
    await story.commit(events(booked(story, -4, 6, "b")))
    await story.commit(events(booked(story, -9, 5, "a")))
    assert len(await check(story, pool)) == 2
    when = (NOON + timedelta(days=2)).isoformat()
    await story.commit(events(about(story, "rescheduled", -3, "b", replaces="a", scheduled_for=when)))
    (one,) = await check(story, pool)
    assert one["outcome"] == "open"
    await story.commit(events(about(story, "missed", -5, "a")))  # older than the booking that replaced it
    assert [row["outcome"] for row in await check(story, pool)] == ["open"]


async def test_a_retracted_booking_is_gone(story: Story, pool: Pool) -> None:
    booking = booked(story, -4, 6)
    await story.commit(events(booking, story.event("call.received", -4, duration_seconds=90)))
    await story.commit(events(about(story, "cancelled", -3)))
    assert [row["outcome"] for row in await check(story, pool)] == ["cancelled"]
    await story.commit(events(story.event("event.retracted", -1, retracts=booking["id"])))
    assert await check(story, pool) == []


async def test_a_customer_whose_events_move_to_another_one(story: Story, pool: Pool) -> None:
    await story.commit(events(booked(story, -4, 6)))
    (before,) = await check(story, pool)
    with psycopg.connect(story.url) as owner:
        other = owner.execute(
            "insert into customers (company_id, external_id) values (%s, 'another') returning id", [story.company]
        ).fetchone()
        assert other
        owner.execute("update journey_events set customer_id = %s where company_id = %s", [other[0], story.company])
    (after,) = await check(story, pool)
    assert (after["customer_id"], after["key"]) == (other[0], before["key"])


async def test_customers_from_before_the_table(story: Story, pool: Pool) -> None:
    await story.commit(events(booked(story, -4, 6)))
    with psycopg.connect(story.url) as owner:
        owner.execute("delete from appointment_changes where company_id = %s", [story.company])
        owner.execute("insert into appointment_backfills values (%s, 0)", [story.company])
    assert await catch_up(pool, story.company)
    assert await rows(story, pool) == []
    assert await note_earlier_customers(pool, story.company)
    assert len(await check(story, pool)) == 1
    assert not await note_earlier_customers(pool, story.company)


async def test_workers_catch_up(story: Story, pool: Pool) -> None:
    looping = [asyncio.create_task(run_appointment_loop(pool, interval=0.01)) for _ in range(2)]
    try:
        for number in range(5):
            await story.commit(events(booked(story, -1, 3 + number, f"a-{number}")))
        async with asyncio.timeout(20):
            while len(await rows(story, pool)) < 5:
                await asyncio.sleep(0.02)
    finally:
        for task in looping:
            task.cancel()
    (first, *_) = await check(story, pool)
    assert to_micros(NOON + timedelta(days=2)) == to_micros(datetime.fromisoformat(first["scheduled_for"]))
