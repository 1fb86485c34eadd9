"""The calendar of a company with a million customers. Floor: fetching one row by its key over the same connection.

Creates the company in SQL, with three past appointments and one booked one of each customer, and runs each list and the
floor in turn. Also measures what the triggers of the ledger add to the insertion of events.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg

from bench import kept_database
from bench.analytics import Query, timed
from bench.kept_database import Database
from db.analytics import no_show_models
from db.connections import Pool, open_pool, tenant_rows
from db.journeys.appointment_list import AppointmentSearch, list_appointments
from db.journeys.appointments import catch_up

COMPANY = 1
LISTED = ("open", "completed", "missed")

_ROWS: LiteralString = """
insert into companies (id, name) values (1, 'a company');
insert into customers (id, company_id, external_id, name, phone)
    select i, 1, 'c-' || i, 'Customer ' || i, '+49 30 ' || i from generate_series(1, %(customers)s) i;
insert into customer_relationships (id, company_id, customer_id, current_stage, stage_entered_at, version, run_id,
        decided_at, state)
    select id, 1, id, 'customer', now(), 1, 'run', now(), '{}' from customers;
-- spread over 90 days before and after now; of the past ones, 8 of 100 were missed and 1 has no outcome
insert into appointments (company_id, customer_id, key, appointment_id, scheduled_for, booked_at, last_event_at,
        outcome, service, amount)
    select 1, u.id, 'k' || n, 'a' || n, t.at, t.at - interval '9 days', t.at,
           case when n = 4 or h = 8 then 'open' when h < 8 then 'missed' else 'completed' end, 'colour',
           case when n < 4 and h > 8 then 80.12 end
      from customers u cross join generate_series(1, 4) n
     cross join lateral (select abs(hashint8(u.id * 4 + n)::bigint) as hash) x
     cross join lateral (select mod(hash, 100) as h,
           now() + case when n = 4 then 1 else -1 end * interval '90 days' * mod(hash, 1000003) / 1000003 as at) t;
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
        version, rules_version)
    select 1, customer_id, customer_id || key, decode(md5(customer_id || key), 'hex'), 'appointment.completed',
           scheduled_for, jsonb_build_object('amount', '80.12', 'appointment_id', appointment_id), 'applied', 1, 1
      from appointments where key = 'k1';
"""

_EVENTS: LiteralString = """
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
                            version, rules_version)
select 1, 1 + i %% 1000, %(name)s || i, decode(md5(%(name)s || i), 'hex'), 'appointment.completed', now(),
       case when %(booked)s then jsonb_build_object('appointment_id', i) else jsonb_build_object('amount', '1.00') end,
       'applied', 1, 1 from generate_series(1, 20000) i
"""
_TRIGGER = "appointment_event_added"
EVENTS = 20_000


def fill(url: str, customers: int) -> None:
    """Create the company."""
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("set session_replication_role = replica")  # no triggers and checks of foreign keys
        connection.execute(_ROWS, {"customers": customers})
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def queries(pool: Pool, customers: int) -> dict[str, Query]:
    """The floor first, then every list of the calendar as the route computes it."""
    row = "select current_stage, risk_score, lifetime_value from customer_relationships where id = %s"
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day = timedelta(days=1)

    async def page(search: AppointmentSearch) -> None:
        await catch_up(pool, COMPANY)
        await list_appointments(pool, COMPANY, search)
        await no_show_models.newest(pool, COMPANY)

    return {
        "one row by its key": lambda: tenant_rows(pool, COMPANY, row, [customers // 2]),
        "today, 50": lambda: page(AppointmentSearch(today, today + day, LISTED)),
        "7 days, 50": lambda: page(AppointmentSearch(today, today + 7 * day, LISTED)),
        "without an outcome, 50": lambda: page(AppointmentSearch(today - 7 * day, today, ("open",))),
        "of one customer": lambda: page(AppointmentSearch(today - 200 * day, today + 200 * day, LISTED, "c-4711")),
        "model of no-shows": lambda: no_show_models.newest(pool, COMPANY),
        "nothing to compute anew": lambda: catch_up(pool, COMPANY),
    }


def trigger_cost(url: str) -> dict[str, float]:
    """Return the µs that the trigger adds to each event, by whether it is about an appointment with an id."""
    took: dict[tuple[bool, bool], list[float]] = {}
    with psycopg.connect(url) as connection:
        for number in range(10):
            for booked in (False, True):
                for enabled in (number % 2 == 0, number % 2 == 1):
                    switch = "enable" if enabled else "disable"
                    connection.execute(f"alter table journey_events {switch} trigger {_TRIGGER}".encode())
                    begin = time.perf_counter()
                    connection.execute(_EVENTS, {"name": f"{number}{booked}{enabled}-", "booked": booked})
                    took.setdefault((booked, enabled), []).append(time.perf_counter() - begin)
        connection.rollback()
    least = {key: min(times) / EVENTS * 1e6 for key, times in took.items()}
    return {
        "without a booking": least[False, True] - least[False, False],
        "with an appointment_id": least[True, True] - least[True, False],
    }


async def measure(database: Database, customers: int, rounds: int) -> None:
    if database.kept("customers") is None:
        begin = time.perf_counter()
        await asyncio.to_thread(fill, database.url, customers)
        database.keep("customers", str(customers))
        print(f"{customers:,} customers with 4 appointments each created in {time.perf_counter() - begin:.0f} s")
    customers = int(database.kept("customers") or customers)
    pool = await open_pool(database.url, min_size=1, max_size=1)
    times = await timed(queries(pool, customers), rounds)
    took = {name: statistics.median(values) for name, values in times.items()}
    await pool.close()
    floor, *names = took
    print(f"{floor}: {1000 * took[floor]:.2f} ms (median of {rounds})")
    for name in names:
        print(f"{name:26}{1000 * took[name]:8.2f} ms{took[name] / took[floor]:8.1f} ÷ floor")
    for kind, cost in (await asyncio.to_thread(trigger_cost, database.url)).items():
        print(f"the trigger adds to an event {kind}: {cost:.1f} µs")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    kept_database.add_option(parser)
    options = parser.parse_args()
    async with kept_database.database(options.data) as database:
        await measure(database, options.customers, options.rounds)


if __name__ == "__main__":
    asyncio.run(main())
