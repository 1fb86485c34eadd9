"""Ask journeys to evaluate themselves, and wait for their commits."""

import asyncio
import time

from temporalio import activity
from temporalio.service import RPCError

from contracts.journey_workflows import JourneyWorkflows
from db.connections import Pool
from db.operations import maintenance

POLL_INTERVAL = 0.2  # seconds
COMMIT_TIMEOUT = 30.0  # seconds in which the requested evaluations should have committed


async def request_or_log(workflows: JourneyWorkflows, company_id: int, customer_id: str) -> bool:
    """Ask one journey to evaluate itself. If Temporal does not store the request, log it and return False."""
    try:
        await workflows.request_evaluation(company_id, customer_id)
    except RPCError as error:
        activity.logger.warning(f"company {company_id}: cannot request the evaluation of a journey: {error.message}")
        return False
    return True


async def unchanged(pool: Pool, company_id: int, versions: dict[int, int], timeout: float) -> set[int]:
    """Wait until journeys have committed; return the relationships that still have these versions after the timeout.

    Args:
        pool: The application's pool.
        company_id: The company.
        versions: Version of each journey before the request, by relationship id.
        timeout: Seconds; returns earlier once all have committed.
    """
    remaining, deadline = versions, time.monotonic() + timeout
    while remaining:
        current = await maintenance.journey_versions(pool, company_id, list(remaining))
        remaining = {key: version for key, version in remaining.items() if current.get(key) == version}
        if not remaining or time.monotonic() > deadline:
            break
        await asyncio.sleep(POLL_INTERVAL)
    return set(remaining)


async def rows_written(pool: Pool, company_id: int, customers: list[str], timeout: float) -> set[str | None]:
    """Wait until these customers have a row, at most ``timeout`` seconds; return those that have one."""
    deadline = time.monotonic() + timeout
    while True:
        keys = await maintenance.journey_keys(pool, company_id, customers=customers) if customers else []
        if len(keys) == len(customers) or time.monotonic() > deadline:
            return {key.customer_id for key in keys}
        await asyncio.sleep(POLL_INTERVAL)
