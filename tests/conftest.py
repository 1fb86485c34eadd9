"""The real Postgres and Temporal that all tests of a process share; each test makes its own company in them."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql
from xdist.remote import Producer  # type: ignore[import-untyped]  # ships no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # the same

from db.schema.migrate import upgrade
from local.embedded import Postgres, Temporal, free_port, running

NewDatabase = Callable[..., str]

#: which of the processes that share a run's tests this is, from 0; each has its own servers
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
#: take `up`'s own ports, or build the dashboard in its folder: one after the other
ALONE = ("tests/local/test_stack.py", "tests/local/test_dashboard_build.py", "tests/dashboard/")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # the same
    """A file's tests share its fixtures, so that they stay in one process. The largest files begin."""

    def _split_scope(self, nodeid: str) -> str:
        return "alone" if nodeid.startswith(ALONE) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """The URL of an empty database in a fresh cluster, as its superuser. No migration has run."""
    # Not pytest's own folder: a socket's path must be short. No fsync: these clusters are never asked to survive.
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder), settings={"fsync": "off"})) as postgres:
            yield postgres.url


@pytest.fixture(scope="session")
def new_database(postgres_url: str) -> Iterator[NewDatabase]:
    """Makes a database, empty or a copy of `template`, owned by `owner`: the URL, as superuser. Dropped at the end."""
    made: list[str] = []

    def make(*, template: str = "template1", owner: str = "postgres") -> str:
        name = f"db_{uuid4().hex}"
        statement = sql.SQL("create database {} template {} owner {}").format(
            *map(sql.Identifier, (name, template, owner))
        )
        with psycopg.connect(postgres_url, autocommit=True) as admin:
            admin.execute(statement)
        made.append(name)
        return urlsplit(postgres_url)._replace(path=f"/{name}").geturl()

    yield make
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for name in made:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def migrated_template(new_database: NewDatabase) -> str:
    """The name of a database with the newest schema and nothing in it."""
    url = new_database()
    upgrade(url)
    return urlsplit(url).path[1:]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_address() -> AsyncIterator[str]:
    """The address of a fresh Temporal server with the search attributes of a journey, namespace `default`."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Temporal(Path(folder), port=free_port())) as temporal:
            yield temporal.address
