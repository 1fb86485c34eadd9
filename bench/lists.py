"""The call list and the due list of a company with a million customers. Floor: one row by its key.

Creates the company in SQL, with a rhythm for everyone, and runs both lists and the floor in turn over the same
connection. Prints each list's time and how many times the floor's it is. The cases that read most: a list from whose
beginning a thousand customers were contacted, and one in which nobody is left to call in a stage.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import LiteralString

import psycopg

from bench.analytics import BIG, Query, fill
from db.analytics.call_list import Position, call_list, due_list
from db.connections import Pool, open_pool, tenant_rows
from db.schema.migrate import upgrade
from journey.stages import DEFAULT_RULEBOOK
from local.embedded import Postgres, running

# Intervals of 14 to 83 days; the next visit is expected from a year ago to ten weeks ahead.
_RHYTHMS: LiteralString = """
update customer_relationships set usual_interval = 14 + id %% 70, mean_amount = 20 + id %% 180,
       return_probability = (id %% 997) / 1000.0, rhythm = '{}',
       expected_at = case when last_appointment_at is not null
                          then now() + interval '10 weeks' - (id %% 435) * interval '1 day' end,
       booked_times = case when id %% 5 = 0 then array[now() + interval '3 days'] end
 where company_id = %s
"""
_CONTACTED: LiteralString = """
insert into contacts (company_id, customer_id, command, channel, outcome, at)
select company_id, customer_id, 'bench', 'phone', 'no_answer', now()
  from customer_relationships where company_id = %(company)s and id = any(%(ids)s)
"""


def prepare(url: str, company: int, customers: int) -> None:
    """Create the company, with rhythms, mean amounts, probabilities and bookings."""
    fill(url, company, customers)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(_RHYTHMS, [company])
        connection.execute("vacuum (analyze, full) customer_relationships")


async def queries(pool: Pool, company: int) -> dict[str, Query]:
    """The floor first, then each list."""
    key = company * 10_000_000 + 17
    one_row = "select * from customer_relationships where company_id = %s and id = %s"

    async def floor() -> object:
        return await tenant_rows(pool, company, one_row, [company, key])

    async def calls(*, include_lost: bool = False, after: Position | None = None) -> object:
        return await call_list(pool, company, DEFAULT_RULEBOOK, include_lost=include_lost, after=after)

    second = (await call_list(pool, company, DEFAULT_RULEBOOK)).next
    return {
        "one row by its key": floor,
        "call list": calls,
        "call list, second page": lambda: calls(after=second),
        "call list with lost customers": lambda: calls(include_lost=True),
        "due list": lambda: due_list(pool, company, DEFAULT_RULEBOOK),
    }


async def contact_first(pool: Pool, company: int, number: int) -> None:
    """Contact the first customers of the call list."""
    after: Position | None = None
    while number > 0:
        found = await call_list(pool, company, DEFAULT_RULEBOOK, limit=min(200, number), after=after)
        names = [row["customer_id"].removeprefix("c-") for row in found.rows]
        parameters = {"company": company, "ids": [int(name) for name in names]}
        await tenant_rows(pool, company, _CONTACTED + " returning id", parameters)
        number, after = number - len(names), found.next
        if after is None:
            return


async def measure(measured: dict[str, Query], rounds: int) -> dict[str, float]:
    """Return the median seconds of each query, which are run in turn."""
    times: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(rounds + 3):
        for name, run in measured.items():
            started = time.perf_counter()
            await run()
            if number >= 3:  # the first ones warm up
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(found) for name, found in times.items()}


def report(title: str, medians: dict[str, float]) -> None:
    print(title)
    floor = next(iter(medians.values()))
    for name, seconds in medians.items():
        print(f"  {name:<34} {seconds * 1000:8.2f} ms   {seconds / floor:6.1f} x")


async def run(url: str, rounds: int) -> None:
    pool = await open_pool(url, min_size=1, max_size=1)
    measured = await queries(pool, BIG)
    report("as filled", await measure(measured, rounds))
    await contact_first(pool, BIG, 1000)
    report("1,000 of the first customers were contacted", await measure(measured, rounds))
    await tenant_rows(
        pool,
        BIG,
        "update customer_relationships set expected_at = now() + interval '30 days'"
        " where company_id = %s and current_stage = 'regular' returning 1",
        [BIG],
    )
    report("nobody in the stage regular is overdue", await measure(measured, rounds))
    await pool.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:
        async with running(Postgres(Path(folder))) as postgres:
            upgrade(postgres.url)
            started = time.perf_counter()
            prepare(postgres.url, BIG, options.customers)
            print(f"{options.customers:,} customers in {time.perf_counter() - started:.0f} s")
            await run(postgres.url, options.rounds)


if __name__ == "__main__":
    asyncio.run(main())
