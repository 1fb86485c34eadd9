"""Ask journeys to evaluate themselves, and wait for their commits."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from temporalio import activity
from temporalio.service import RPCError

from db.connections import Pool
from db.operations import maintenance

POLL_INTERVAL = 0.2  # seconds
COMMIT_TIMEOUT = 30.0  # seconds in which the requested evaluations should have committed

#: ``contracts.journey_client.request_evaluation`` with its client: takes the company and the customer.
RequestEvaluation = Callable[[int, str], Awaitable[None]]


async def request_or_log(request_evaluation: RequestEvaluation, company_id: int, customer_id: str) -> bool:
    """Ask one journey to evaluate itself. If Temporal does not store the request, log it and return False."""
    try:
        await request_evaluation(company_id, customer_id)
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
