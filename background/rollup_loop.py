"""Keep the rollups of all companies up to date with the commits, for as long as a worker runs.

This is a loop rather than a workflow because there is no state to keep: the queue is in Postgres, any worker may
process it, and analytics are correct in the meantime, only slower.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog

from db.analytics.journey_analytics import stages_json
from db.analytics.mean_amounts import store_mean_amounts
from db.analytics.rollup_writer import companies_with_pending_rollups, roll_up
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from journey.rules import InvalidRule

INTERVAL = 2.0  # seconds between two polls of the queue
OUTAGE_PAUSE = 15.0  # seconds in addition, while Postgres does not answer

log = structlog.get_logger("rollups")


async def run_rollup_loop(pool: Pool) -> None:
    """Process the rollup queue until cancelled. Survives outages of Postgres; a company that fails stays queued."""
    rulebooks = RulebookCache()
    while True:
        try:
            for company_id in await companies_with_pending_rollups(pool):
                await _roll_up_company(pool, rulebooks, company_id)
        except psycopg.OperationalError:
            await asyncio.sleep(OUTAGE_PAUSE)
        await asyncio.sleep(INTERVAL)


async def _roll_up_company(pool: Pool, rulebooks: RulebookCache, company_id: int) -> None:
    try:
        stages = stages_json((await rulebooks.latest(pool, company_id)).all_stages)
        while await roll_up(pool, company_id, stages):
            pass
        await store_mean_amounts(pool, company_id)  # the same commits have changed them
    except psycopg.OperationalError:
        raise
    except (psycopg.Error, LookupError, InvalidRule) as error:
        log.error("rollup failed", company_id=company_id, error=str(error))
