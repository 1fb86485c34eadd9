"""Find journeys whose workflow and row have different versions, as after one of the stores was restored from a backup.

Asked to evaluate itself, such a journey commits, and the commit makes the two agree again (see ``commit``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from contracts.journey_workflows import JourneyWorkflows
from db.connections import Pool
from db.operations import maintenance
from db.operations.maintenance import JourneyKey

#: The workflow is not running; it is older than the row (Temporal was restored); it is newer (Postgres was restored).
Loss = Literal["gone", "behind", "ahead"]
REASONS: dict[Loss, str] = {
    "gone": "its workflow is not running",
    "behind": "its workflow is older than its row",
    "ahead": "its row is older than its workflow",
}
CONCURRENCY = 8
CONFIRMATIONS = 2  # a commit in progress has written the row, and the workflow does not know it yet
CONFIRMATION_DELAY = 1.0  # seconds
CHUNK = 200  # journeys
SHARE = 0.25  # of the time, at most, in which a scan of a company asks Temporal


async def find_lost(
    pool: Pool, workflows: JourneyWorkflows, company_id: int, journeys: Sequence[JourneyKey]
) -> dict[int, Loss]:
    """Return the journeys that are lost, by relationship id.

    Args:
        pool: The application's pool.
        workflows: The workflows.
        company_id: The company.
        journeys: The keys of the rows to check.

    Raises:
        temporalio.service.RPCError: Temporal did not answer.
    """
    gate = asyncio.Semaphore(CONCURRENCY)
    customers = {journey.relationship_id: journey.customer_id for journey in journeys if journey.customer_id}
    suspects = {journey.relationship_id: journey.version for journey in journeys if journey.customer_id}

    async def compare(key: int, version: int) -> tuple[int, Loss | None]:
        async with gate:
            return key, loss(version, await workflows.version(company_id, customers[key]))

    found = dict(await asyncio.gather(*(compare(key, version) for key, version in suspects.items())))
    for _ in range(CONFIRMATIONS):
        suspects = {key: suspects[key] for key, lost in found.items() if lost in ("behind", "ahead")}
        if not suspects:
            break
        await asyncio.sleep(CONFIRMATION_DELAY)
        current = await maintenance.journey_versions(pool, company_id, list(suspects))
        found |= dict.fromkeys(suspects)
        unmoved = [(key, version) for key, version in suspects.items() if current.get(key) == version]
        found |= dict(await asyncio.gather(*(compare(key, version) for key, version in unmoved)))
    return {key: lost for key, lost in found.items() if lost is not None}


async def lost_in_company(
    pool: Pool, workflows: JourneyWorkflows, company_id: int, after: int = 0
) -> AsyncIterator[tuple[int, list[tuple[JourneyKey, Loss]]]]:
    """Iterate over a company's journeys in chunks, slowly: the last relationship id, and which of them are lost."""
    while keys := await maintenance.journey_keys(pool, company_id, after=after, limit=CHUNK):
        started = time.perf_counter()
        found = await find_lost(pool, workflows, company_id, keys)
        pause = min(1.0, time.perf_counter() - started) * (1 / SHARE - 1)
        after = keys[-1].relationship_id
        yield after, [(key, found[key.relationship_id]) for key in keys if key.relationship_id in found]
        await asyncio.sleep(pause)


async def without_row(
    pool: Pool, workflows: JourneyWorkflows, company_id: int, customer_id: str | None = None
) -> AsyncIterator[list[str]]:
    """Iterate in pages over the customers, or look at one, whose workflow has committed something and who have no row.

    Postgres was restored from a backup that is older than these journeys.
    """
    pages = workflows.running(company_id) if customer_id is None else _once([customer_id])
    async for page in pages:
        known = {key.customer_id for key in await maintenance.journey_keys(pool, company_id, customers=page)}
        missing = [customer for customer in page if customer not in known]
        versions = [await workflows.version(company_id, customer) for customer in missing]
        suspects = [customer for customer, version in zip(missing, versions, strict=True) if version]
        # read again: a row may have been written between the two looks
        keys = await maintenance.journey_keys(pool, company_id, customers=suspects) if suspects else []
        yield [customer for customer in suspects if customer not in {key.customer_id for key in keys}]


async def _once(page: list[str]) -> AsyncIterator[list[str]]:
    yield page


def loss(row_version: int, workflow_version: int | None) -> Loss | None:
    """Compare the versions of a row and of its workflow (None: not running)."""
    if workflow_version is None:
        return "gone"
    if workflow_version == row_version:
        return None
    return "behind" if workflow_version < row_version else "ahead"


def lost_change(stage: str, lost: Loss) -> dict[str, Any]:
    """Describe a lost journey as ``journey.drift`` describes one that an evaluation would change."""
    return {"stage": stage, "because": REASONS[lost], "risk": "", "engagement": "", "since": ""}
