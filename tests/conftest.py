"""The real Postgres and Temporal that all tests of a process share; each test makes its own company in them."""

import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from xdist.remote import Producer  # type: ignore[import-untyped]  # ships no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # the same

from cli.embedded import Postgres, Temporal, free_port, running

#: which of the processes that share a run's tests this is, from 0; each has its own servers
PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
#: take `up`'s own ports, or build the dashboard in its folder: one after the other
ALONE = ("tests/cli/test_up.py", "tests/cli/test_building.py", "tests/dashboard/")


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal_address() -> AsyncIterator[str]:
    """The address of a fresh Temporal server with the search attributes of a journey, namespace `default`."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Temporal(Path(folder), port=free_port())) as temporal:
            yield temporal.address
