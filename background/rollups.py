"""Keep the roll-ups close behind the commits, for all companies: beside a worker, for as long as it runs.

No workflow, because there is nothing to remember: what is left to do stands in Postgres, any worker may do it, and the
figures are right meanwhile, only slower.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog

from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_writer import companies_with_pending_rollups, roll_up
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from journey.rules import InvalidRule

EVERY = 2.0  # seconds between two looks
AWAY = 15.0  # seconds until the next one while Postgres does not answer

log = structlog.get_logger("rollups")


async def keep_rolled_up(pool: Pool) -> None:
    """Roll up what commits leave, until cancelled. Outlasts Postgres's absence; a company that fails waits."""
    rulebooks = RulebookCache()
    while True:
        try:
            for company_id in await companies_with_pending_rollups(pool):
                await _roll_up_company(pool, rulebooks, company_id)
        except psycopg.OperationalError:
            await asyncio.sleep(AWAY)
        await asyncio.sleep(EVERY)


async def _roll_up_company(pool: Pool, rulebooks: RulebookCache, company_id: int) -> None:
    try:
        stages = stages_json((await rulebooks.latest(pool, company_id)).all_stages)
        while await roll_up(pool, company_id, stages):
            pass
    except psycopg.OperationalError:
        raise
    except (psycopg.Error, LookupError, InvalidRule) as error:
        log.error("not rolled up", company_id=company_id, error=str(error))
