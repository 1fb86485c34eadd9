"""Complete what is stored of customers of all companies, for as long as a worker runs.

That is: phone numbers in E.164, search terms, which other customers may be the same person, and the mean amounts of
journeys from before an upgrade.

Incomplete are profiles from before an upgrade, phone numbers that an older gateway writes during a deployment, and a
company's national numbers after its country has changed. The queue is in Postgres; any worker may process it.
"""

from __future__ import annotations

import asyncio
import time

import psycopg
import structlog

from db.analytics.mean_amounts import store_mean_amounts
from db.connections import Pool
from db.people import companies
from db.people.customer_search import make_searchable
from db.people.duplicates import compare_batch
from db.people.phone_numbers import read_batch

INTERVAL = 15.0  # seconds between two looks
TIME_SHARE = 0.02  # of the time at most, when there is nothing to do: with many companies, the pauses become longer
OUTAGE_PAUSE = 15.0  # seconds in addition, while Postgres does not answer

log = structlog.get_logger("profiles")


async def run_profile_loop(pool: Pool, interval: float = INTERVAL) -> None:
    """Complete profiles until cancelled. Survives outages of Postgres; a company that fails is tried again."""
    while True:
        started = time.monotonic()
        try:
            for company_id in await companies.all_ids(pool):
                await _complete_company(pool, company_id)
        except psycopg.OperationalError:
            await asyncio.sleep(OUTAGE_PAUSE)
        await asyncio.sleep(max(interval, (time.monotonic() - started) / TIME_SHARE))


async def _complete_company(pool: Pool, company_id: int) -> None:
    try:
        for complete_batch in (make_searchable, read_batch, compare_batch):
            while await complete_batch(pool, company_id):
                pass
        await store_mean_amounts(pool, company_id)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        log.error("profiles could not be completed", company_id=company_id, sqlstate=error.sqlstate)
