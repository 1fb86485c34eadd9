"""Read phone numbers of all companies that have no E.164 form yet, for as long as a worker runs.

These are the numbers from before the column, those that an older gateway writes during a deployment, and a company's
national numbers after its country has changed. The queue is in Postgres; any worker may process it.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog

from db.connections import Pool
from db.people import companies
from db.people.phone_numbers import read_batch

INTERVAL = 15.0  # seconds between two looks
OUTAGE_PAUSE = 15.0  # seconds in addition, while Postgres does not answer

log = structlog.get_logger("phone_numbers")


async def run_phone_loop(pool: Pool, interval: float = INTERVAL) -> None:
    """Read numbers until cancelled. Survives outages of Postgres; a company that fails is tried again."""
    while True:
        try:
            for company_id in await companies.all_ids(pool):
                await _read_company(pool, company_id)
        except psycopg.OperationalError:
            await asyncio.sleep(OUTAGE_PAUSE)
        await asyncio.sleep(interval)


async def _read_company(pool: Pool, company_id: int) -> None:
    try:
        while await read_batch(pool, company_id):
            pass
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        log.error("phone numbers could not be read", company_id=company_id, sqlstate=error.sqlstate)
