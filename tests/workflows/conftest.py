"""A migrated database, a company for each test, and journeys in them on the real Temporal and the real Postgres."""

from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from temporalio.client import Client
from temporalio.worker import Worker

from db.migrate import upgrade
from db.session import Pool, open_pool
from settings import Settings
from tests.workflows.life import Life, new_company
from worker import build_worker
from workflows import names


@pytest.fixture(scope="session")
def journeys_url(postgres_url: str) -> Iterator[str]:
    """A database with the newest schema that all tests of workflows share; dropped at the end."""
    name = f"workflows_{uuid4().hex}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    url = urlsplit(postgres_url)._replace(path=f"/{name}").geturl()
    upgrade(url)
    yield url
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


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
