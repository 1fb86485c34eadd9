"""A real system for the commands: database, Temporal and worker, shared by all of them in a process of the tests."""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client

from db.connections import owner_connection
from db.people import companies
from db.schema.migrate import upgrade
from local import services
from local.embedded import Temporal, free_port, running
from tests.cli.forking_journey import ForkingJourney, forking_journey


@dataclass
class Shell:
    """Runs `journey` against the system under test, for one company."""

    environment: dict[str, str]
    url: str
    company: int
    journey: ForkingJourney

    async def run(self, *words: str, stdin: bytes | None = None) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        return await asyncio.to_thread(self.journey.run, words, self.environment, stdin)

    async def json(self, *words: str) -> tuple[int, Any]:
        code, out, err = await self.run(*words, "--json")
        assert out, err
        return code, json.loads(out)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement, {"company": self.company}).fetchall()

    def counts(self) -> list[int]:
        tables = ("customers", "customer_relationships", "journey_transitions", "journey_events", "audit_log")
        return [self.rows(f"select count(*) from {t} where company_id = %(company)s")[0][0] for t in tables]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def system(postgres_url: str) -> AsyncIterator[dict[str, str]]:
    """The environment variables of a migrated database and a running worker.

    Temporal is not shared with other tests: their worker on the same queue would write these journeys to its own
    database. Started once, not for each module: servers, worker and imports cost ten seconds of processor time.
    """
    upgrade(postgres_url)
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Temporal(Path(folder), port=free_port())) as temporal:
            environment = {
                **os.environ,
                "DATABASE_URL": postgres_url,
                "TEMPORAL_ADDRESS": temporal.address,
                "OUTBOX": f"{folder}/outbox",
                "LINK_SECRET": "signs the links of the tests",
                "WEBHOOK_ALLOW": "127.0.0.1",
                "COLUMNS": "250",  # no cell of a table is folded
            }
            client = await Client.connect(temporal.address)
            async with running(services.Worker(client, environment, lambda name, line: None)):
                yield environment


@pytest.fixture(scope="session")
def journey(system: dict[str, str]) -> Iterator[ForkingJourney]:
    with forking_journey(system) as process:
        yield process


@pytest_asyncio.fixture
async def shell(system: dict[str, str], journey: ForkingJourney) -> Shell:
    url = system["DATABASE_URL"]
    async with owner_connection(url) as connection:
        company = await companies.create(connection, "of one test")
    return Shell(system, url, company, journey)
