"""Rhythms of all companies, for as long as a worker runs: rows from before an upgrade, medians after changes of rules.

Commits compute everything else. What is missing is found in Postgres, so any worker may do it, and continue it.
"""

from __future__ import annotations

import asyncio
import time

import psycopg
import structlog

from db.connections import Pool
from db.journeys.company_medians import needs_medians, record_medians
from db.journeys.rhythms import fill_batch
from db.journeys.rulebooks import RulebookCache
from db.people import companies
from journey.rules import InvalidRule

INTERVAL = 15.0  # seconds between two looks
TIME_SHARE = 0.02  # of the time at most, when there is nothing to do: with many companies, the pauses become longer
OUTAGE_PAUSE = 15.0  # seconds in addition, while Postgres does not answer

log = structlog.get_logger("rhythms")


async def run_rhythm_loop(pool: Pool, interval: float = INTERVAL) -> None:
    """Compute what is missing until cancelled. Survives outages; a company that fails is tried again."""
    rulebooks = RulebookCache()
    while True:
        started = time.monotonic()
        try:
            for company_id in await companies.all_ids(pool):
                await complete_company(pool, rulebooks, company_id)
        except psycopg.OperationalError:
            await asyncio.sleep(OUTAGE_PAUSE)
        await asyncio.sleep(max(interval, (time.monotonic() - started) / TIME_SHARE))


async def complete_company(pool: Pool, rulebooks: RulebookCache, company_id: int) -> None:
    """Compute what one company lacks."""
    try:
        if await needs_medians(pool, company_id):
            await record_medians(pool, company_id)
        medians = (await rulebooks.latest(pool, company_id)).medians
        while await fill_batch(pool, company_id, medians):
            pass
    except psycopg.OperationalError:
        raise
    except (psycopg.Error, LookupError, InvalidRule) as error:
        log.error("rhythms could not be completed", company_id=company_id, error=type(error).__name__)
