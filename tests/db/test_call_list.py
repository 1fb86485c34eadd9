"""The call list and the due list: who is on them, in which order, and the mean amounts that they go by."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from db.analytics import call_list
from db.analytics.mean_amounts import store_mean_amounts
from db.connections import Pool
from journey.event_validation import parse
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from tests.support.journey_rows import insert_company

NOW = datetime.now(UTC).replace(microsecond=0)


def event(customer: str, days_ago: float, kind: str = "appointment.completed", **fields: Any) -> Event:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    head = {"id": f"{customer}-{days_ago}-{kind}", "type": kind, "customer_id": customer, "occurred_at": at}
    return parse(json.dumps({**head, **fields}))


def visits(customer: str, *days_ago: float, amount: str = "60.00") -> list[Event]:
    return [event(customer, days, amount=amount) for days in days_ago]


#: Customers by their last visit: at risk (over 90 days), still in a growth stage, lost (over 180 days).
LIVES = {
    "rich": visits("rich", 160, 130, 100, amount="300.00"),
    "poor": visits("poor", 160, 130, 100, amount="10.00"),
    "likely": visits("likely", 160, 130, 100, amount="300.00"),
    "overdue": visits("overdue", 100, 70, 40, amount="100.00"),
    "early": visits("early", 70, 40, 10, amount="500.00"),
    "lost": visits("lost", 260, 230, 200, amount="400.00"),
    "once": visits("once", 95, amount="80.00"),
}
INTERVALS = {name: 30 for name in LIVES if name != "once"}


@pytest.fixture
def salon(database_url: str) -> str:
    """Customers who come every 30 days, and one without a rhythm; return probability 0.2, of `likely` 0.9."""
    insert_company(database_url, 1, LIVES.values(), to_micros(NOW))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "update customer_relationships set created_at = decided_at - interval '400 days',"
            " total_appointments = jsonb_array_length(to_jsonb(string_to_array(state #>> '{f,ap}', ' ')))"
        )
        for customer, days in INTERVALS.items():
            change(connection, customer, "usual_interval = %s, return_probability = 0.2", days)
            change(connection, customer, "expected_at = last_appointment_at + interval '30 days'")
        change(connection, "likely", "return_probability = 0.9")
    return database_url


def change(connection: psycopg.Connection[Any], customer: str, change: str, *values: object) -> None:
    connection.execute(
        f"update customer_relationships r set {change}"
        " where customer_id = (select id from customers where external_id = %s)".encode(),
        [*values, customer],
    )


def execute(url: str, customer: str, changes: str, *values: object) -> None:
    with psycopg.connect(url) as connection:
        change(connection, customer, changes, *values)


async def listed(pool: Pool, **search: Any) -> list[str]:
    found = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK, **search)
    return [row["customer_id"] for row in found.rows]


async def test_the_order_is_value_at_stake(pool: Pool, salon: str) -> None:
    await store_mean_amounts(pool, 1)
    found = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK)
    rows = {row["customer_id"]: row for row in found.rows}
    assert {name: row["value_at_stake"] for name, row in rows.items()} == {
        "rich": 2920.00,  # 300 × 365 / 30 × 0.8
        "overdue": 973.33,
        "likely": 365.00,
        "poor": 97.33,
        "once": 73.05,  # 80 in 400 days, which are 1.095 years; no model counts as no return
    }
    assert list(rows) == ["rich", "overdue", "likely", "poor", "once"]
    assert (rows["rich"]["mean_amount"], rows["rich"]["usual_interval_days"]) == (300, 30)
    assert (rows["rich"]["value_per_year"], rows["rich"]["return_probability"]) == (3650, 0.2)
    assert (rows["once"]["usual_interval_days"], rows["once"]["years_as_customer"]) == (None, 1.1)
    assert (rows["overdue"]["overdue_days"], rows["overdue"]["days_since_last_visit"]) == (10, 40)
    assert await listed(pool, include_lost=True) == ["lost", "rich", "overdue", "likely", "poor", "once"]


async def test_pages_continue_where_the_previous_one_ended(pool: Pool, salon: str) -> None:
    seen: list[str] = []
    after = None
    while True:
        found = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK, limit=2, after=after)
        seen += [row["customer_id"] for row in found.rows]
        if (after := found.next) is None:
            break
    assert seen == await listed(pool) == ["rich", "overdue", "likely", "poor", "once"]


async def test_equal_values_are_listed_once_each(pool: Pool, salon: str) -> None:
    for customer in ("rich", "poor", "likely", "overdue"):
        execute(salon, customer, "mean_amount = 100, return_probability = 0.2")
    first = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK, limit=3)
    second = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK, limit=3, after=first.next)
    names = [row["customer_id"] for row in (*first.rows, *second.rows)]
    assert names == ["rich", "poor", "likely", "overdue", "once"]


async def test_a_page_reads_a_bounded_number_of_candidates(
    pool: Pool, salon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages may then be short, but together they have everyone in order, whatever is in between."""
    monkeypatch.setattr("db.analytics.call_list.CANDIDATES", 2)
    for customer in ("rich", "likely", "overdue"):
        execute(salon, customer, "booked_times = array[now() + interval '1 day']")
    first = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK, limit=1)
    assert (first.rows, first.next is not None) == ([], True)
    seen: list[str] = []
    after = first.next
    while after is not None:
        found = await call_list.call_list(pool, 1, DEFAULT_RULEBOOK, limit=1, after=after)
        seen += [row["customer_id"] for row in found.rows]
        after = found.next
    assert seen == ["poor", "once"]


async def test_a_plan_from_when_nobody_was_contacted_is_not_kept(pool: Pool, salon: str) -> None:
    """It scanned all contacts for each candidate until the next analyze."""
    with psycopg.connect(salon, autocommit=True) as connection:
        connection.execute("vacuum analyze contacts")
        for _ in range(20):
            assert await listed(pool) == ["rich", "overdue", "likely", "poor", "once"]
            await call_list.due_list(pool, 1, DEFAULT_RULEBOOK)
        connection.execute(
            "insert into contacts (company_id, customer_id, command, channel, outcome, at)"
            " select 1, id, 'c' || g, 'phone', 'no_answer', now() - interval '8 days'"
            " from customers, generate_series(1, 1000) g where external_id = 'rich'"
        )
        before = await contacts_scanned(pool)
        assert await listed(pool) == ["rich", "overdue", "likely", "poor", "once"]
        await call_list.due_list(pool, 1, DEFAULT_RULEBOOK)
        assert await contacts_scanned(pool) == before


async def contacts_scanned(pool: Pool) -> int:
    """Return how many contacts sequential scans have read so far."""
    async with pool.connection() as connection:
        await connection.execute("select pg_stat_force_next_flush()")
        await connection.execute("select pg_stat_clear_snapshot()")
        cursor = await connection.execute("select seq_tup_read from pg_stat_user_tables where relname = 'contacts'")
        read: int = (await cursor.fetchall())[0][0]
        return read


async def test_who_is_booked_or_was_contacted_or_wants_no_contact_is_not_listed(pool: Pool, salon: str) -> None:
    everyone = ["rich", "overdue", "likely", "poor", "once"]
    execute(salon, "rich", "booked_times = array[now() + interval '1 day']")
    assert await listed(pool) == everyone[1:]
    execute(salon, "rich", "booked_times = array[now() - interval '1 hour']")  # has passed
    assert await listed(pool) == everyone
    contact = (
        "insert into contacts (company_id, customer_id, command, channel, outcome, at)"
        " select 1, id, %s, 'phone', %s, now() - %s::interval from customers where external_id = 'overdue' returning id"
    )
    with psycopg.connect(salon, autocommit=True) as connection:
        connection.execute(contact, ["1", "no_answer", "6 days 23 hours"])
        assert await listed(pool) == ["rich", "likely", "poor", "once"]
        connection.execute("update contacts set at = now() - interval '7 days 1 minute'")
        assert await listed(pool) == everyone
        connection.execute(contact, ["2", "do_not_contact", "30 days"])
        assert await listed(pool) == ["rich", "likely", "poor", "once"]
        connection.execute("update contacts set lifted_at = now()")
        assert await listed(pool) == everyone


async def test_mean_amounts_are_those_of_the_last_five_days_with_visits(pool: Pool, database_url: str) -> None:
    life = [
        *visits("c", 90, amount="1000.00"),
        event("c", 50, amount="10.00", appointment_id="a-1"),
        event("c", 40, amount="10.00"),
        event("c", 30, amount="10.00"),
        event("c", 20, amount="10.00"),
        event("c", 10, amount="10.00"),
        event("c", 10 - 0.001, amount="5.00"),  # the same day
        event("c", 1, "payment.adjusted", amount="20.00", appointment_id="a-1"),
        event("c", 2, "payment.adjusted", amount="500.00"),  # names no visit
    ]
    insert_company(database_url, 1, [life], to_micros(NOW))
    await store_mean_amounts(pool, 1)
    with psycopg.connect(database_url, autocommit=True) as connection:
        found = "select mean_amount::float from customer_relationships"
        connection.execute("update customer_relationships set total_appointments = 7")
        await store_mean_amounts(pool, 1)
        assert connection.execute(found).fetchone() == ((30 + 10 + 10 + 10 + 15) / 5,)


async def test_who_is_due_and_has_not_booked(pool: Pool, salon: str) -> None:
    async def due(**search: Any) -> list[str]:
        found = await call_list.due_list(pool, 1, DEFAULT_RULEBOOK, **search)
        return [row["customer_id"] for row in found.rows]

    assert await due() == []  # `early` is expected in 20 days
    assert await due(days=21) == ["early"]
    execute(salon, "rich", "expected_at = now() + interval '6 days'")
    execute(salon, "poor", "expected_at = now() + interval '5 days'")
    execute(salon, "lost", "expected_at = now() + interval '5 days'")
    assert await due() == ["poor", "rich"]
    first = await call_list.due_list(pool, 1, DEFAULT_RULEBOOK, limit=1)
    assert [row["customer_id"] for row in first.rows] == ["poor"]
    assert await due(after=first.next) == ["rich"]
    execute(salon, "poor", "booked_times = array[now() + interval '20 days']")
    assert await due() == ["rich"]
