"""A migrated database, a company for each test, and journeys in them on the real Temporal and the real Postgres."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.worker import Worker

from contracts import names
from db.connections import Pool, open_pool
from settings import Settings
from tests.conftest import NewDatabase
from tests.support.outside import HttpServer, SmtpServer
from tests.support.workflow_life import Life, new_company
from worker import build_worker


@pytest.fixture(scope="session")
def journeys_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A database that all tests of workflows share."""
    return new_database(template=migrated_template)


@pytest_asyncio.fixture
async def pool(journeys_url: str) -> AsyncIterator[Pool]:
    """The application's pool, with a worker's time limits."""
    opened = await open_pool(journeys_url, min_size=1, max_size=4, timeout=1.0)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def client(temporal_address: str) -> Client:
    """A client of the real Temporal server."""
    return await Client.connect(temporal_address)


@pytest_asyncio.fixture
async def life(client: Client, journeys_url: str) -> AsyncIterator[Life]:
    """A customer of a new company, whose journey has not begun; ended after the test."""
    life = Life(client, journeys_url, new_company(journeys_url), "c-1")
    yield life
    await life.end(names.JOURNEY)


@pytest_asyncio.fixture
async def worker(client: Client, pool: Pool) -> AsyncIterator[Worker]:
    """A worker as in production, which runs as long as the test."""
    async with build_worker(client, pool, Settings()) as worker:
        yield worker


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server
