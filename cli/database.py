"""What commands share that work in the database: a pool for one company, and the companies of a run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from db.connections import Pool, open_pool
from db.people import companies
from settings import Settings

ACTOR = "command line"  # in the audit log


@asynccontextmanager
async def pool_for(settings: Settings, company: int) -> AsyncIterator[Pool]:
    """The application's pool, for commands of one company. Raises ValueError for an unknown company."""
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    try:
        if await companies.find_name(pool, company) is None:
            raise ValueError(f"there is no company {company}")
        yield pool
    finally:
        await pool.close()


async def company_ids(pool: Pool, company: int | None) -> list[int]:
    """The given company, or all of them for None. Raises ValueError for an unknown company."""
    if company is None:
        return await companies.all_ids(pool)
    if company not in await companies.all_ids(pool, company - 1, 1):
        raise ValueError(f"there is no company {company}")
    return [company]
