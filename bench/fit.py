"""Fitting the return model to 100,000 simulated customers, on one core.

Floor: one evaluation of the likelihood of all customers, one by one. The result says how many such evaluations a fit
costs. `days`: visits in whole days as in the ledger, so that many customers are identical. `moments`: no two customers
are identical. `ledger`: events in an embedded Postgres, read and fitted as the command does, in wall-clock time.
Target: each under 60 s and all under 1 GB; the exit code is 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as midnight
from pathlib import Path
from typing import TypeVar

import numpy as np
import psycopg

from activities.return_models import fit_company
from db.connections import open_pool
from db.people import companies
from db.schema.migrate import upgrade
from journey.bgnbd_fit import fit
from local.embedded import Postgres, running
from tests.support.customers import TYPICAL, Customers, Floats, plain_log_likelihood, simulated

SECONDS, BYTES = 60.0, 1 << 30
DAYS = 730
Result = TypeVar("Result")

_EVENTS = """
copy journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome, version,
    rules_version) from stdin
"""


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of all threads, and the result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def measure(name: str, customers: Customers) -> float:
    """Print a line; returns the seconds of the fit."""
    evaluations = [timed(lambda: plain_log_likelihood(TYPICAL, *customers))[0] for _ in range(5)]
    floor = statistics.median(evaluations)
    spent, found = timed(lambda: fit(*customers))
    distinct = len(np.unique(np.column_stack(customers), axis=0))
    print(
        f"{name:8} {len(customers[0]):,} customers, {distinct:,} distinct: {spent:.2f} s"
        f" = {spent / floor:.0f} × one evaluation ({1000 * floor:.0f} ms)   {found.model}"
    )
    return spent


async def from_ledger(visits: list[Floats], age: Floats) -> float:
    """Print a line; returns the seconds of reading, fitting and storing."""
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:
        async with running(Postgres(Path(folder))) as postgres:
            upgrade(postgres.url)
            await companies.ensure_first(postgres.url)
            count = fill(postgres.url, 1, visits, age)
            pool = await open_pool(postgres.url, min_size=1, max_size=1)
            try:
                began = time.perf_counter()
                found = await fit_company(pool, 1)
                spent = time.perf_counter() - began
            finally:
                await pool.close()
    print(f"ledger   {found.customers:,} customers, {count:,} events: {spent:.2f} s in all   {found.method}")
    return spent


def fill(url: str, company: int, visits: list[Floats], age: Floats) -> int:
    """Write the visits as events of new customers, `age` in days before today; returns the number of events."""
    today = datetime.combine(datetime.now(UTC).date(), midnight(), UTC)
    count = 0
    with psycopg.connect(url) as connection:
        made = connection.execute(
            "insert into customers (company_id, external_id) select %s, 'c-' || n from generate_series(1, %s) n"
            " returning id",
            [company, len(age)],
        )
        ids = [row[0] for row in made]
        with connection.cursor().copy(_EVENTS) as copy:
            for column in visits:
                for customer in np.flatnonzero(~np.isnan(column)):
                    at = today - timedelta(days=float(age[customer] - column[customer]))
                    count += 1
                    event = (company, ids[customer], f"e-{count}", count.to_bytes(16, "big"))
                    copy.write_row((*event, "appointment.completed", at, '{"amount": "80.00"}', "applied", 1, 1))
        connection.execute("analyze")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, however many threads the libraries start
    whole, visits = simulated(options.customers, DAYS, seed=1, whole_days=True)
    moments, _ = simulated(options.customers, DAYS, seed=1)
    spent = [measure("days", whole), measure("moments", moments), asyncio.run(from_ledger(visits, whole[2]))]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"memory   {peak / 1e6:.0f} MB at most")
    return 1 if max(spent) > SECONDS or peak > BYTES else 0


if __name__ == "__main__":
    raise SystemExit(main())
