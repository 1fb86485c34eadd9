"""The real Postgres and the real Temporal that a whole run shares; each test makes its own company in them."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from cli.embedded import Postgres, Temporal, free_port, running


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
