"""Keep the appointments of all companies up to date with the ledger, for as long as a worker runs.

Readers catch up themselves with what is left, so the loop only keeps that little: after an upgrade or an import.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog

from db.connections import Pool
from db.journeys.appointments import catch_up, companies_to_catch_up, note_earlier_customers

INTERVAL = 2.0  # seconds between two looks
BATCHES = 20  # of customers of one company, before the next company has its turn
OUTAGE_PAUSE = 15.0  # seconds in addition, while Postgres does not answer

log = structlog.get_logger("appointments")


async def run_appointment_loop(pool: Pool, interval: float = INTERVAL) -> None:
    """Catch up until cancelled. Survives outages of Postgres; a company that fails is tried again."""
    while True:
        is_current = True
        try:
            for company_id in await companies_to_catch_up(pool):
                is_current &= await _catch_up_company(pool, company_id)
        except psycopg.OperationalError:
            await asyncio.sleep(OUTAGE_PAUSE)
        await asyncio.sleep(interval if is_current else 0)


async def _catch_up_company(pool: Pool, company_id: int) -> bool:
    """Do some of what there is to do for a company; return whether it was all, or has to wait after an error."""
    try:
        has_earlier = await note_earlier_customers(pool, company_id)
        return await catch_up(pool, company_id, BATCHES) and not has_earlier
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        log.error("appointments could not be computed", company_id=company_id, sqlstate=error.sqlstate)
        return True
