"""Fixtures of the commit tests: a migrated database, workers with and without cached rulebooks, and one journey."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from db.connections import Pool, open_pool
from tests.conftest import NewDatabase
from tests.support.commit_story import Story, Workers
from tests.support.workflow_life import new_company


@pytest.fixture(scope="session")
def commits_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A database that all commit tests share."""
    return new_database(template=migrated_template)


@pytest_asyncio.fixture
async def pool(commits_url: str) -> AsyncIterator[Pool]:
    """The application's pool, with a worker's time limits."""
    opened = await open_pool(commits_url, min_size=1, max_size=4, timeout=1.0)
    yield opened
    await opened.close()


@pytest.fixture(params=["warm", "cold"])
def workers(pool: Pool, request: pytest.FixtureRequest) -> Workers:
    return Workers(pool, request.param == "warm")


@pytest.fixture
def story(workers: Workers, commits_url: str) -> Story:
    """A journey of a new company, not started yet."""
    return Story(workers, commits_url, new_company(commits_url))
