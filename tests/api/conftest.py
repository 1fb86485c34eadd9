"""A gateway over TCP, a worker, and companies with API keys; shared by the run, because starting them takes time."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import httpx2
import psycopg
import pytest
from fastapi import FastAPI
from temporalio.client import Client

from api.app import create_app
from api.security.rate_limit import RateLimiter
from api.server import server_for
from db.connections import open_pool, owner_connection
from db.people import api_keys, companies
from settings import Settings
from tests.api.answers import check_response
from tests.conftest import NewDatabase
from tests.support.ports import unused_port
from worker import build_worker


class Background:
    """Run a coroutine in a thread with its own event loop until the block ends."""

    def __init__(self, run: Callable[[asyncio.Event, threading.Event], Any]) -> None:
        self._run, self._ready = run, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        try:
            await self._run(self._stop, self._ready)
        finally:
            self._ready.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(30)


class Served(Background):
    """An app served by uvicorn on a free port at `url`."""

    def __init__(self, app: FastAPI, trusted_proxies: str = "") -> None:
        port = unused_port()
        self.app, self.url = app, f"http://127.0.0.1:{port}"
        server = server_for(
            app, trusted_proxies=trusted_proxies, connections_per_address=1000, port=port, log_level="error"
        )

        async def run(stop: asyncio.Event, ready: threading.Event) -> None:
            serving = asyncio.create_task(server.serve())
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            ready.set()
            await stop.wait()
            server.should_exit = True
            await serving

        super().__init__(run)


@dataclass
class Tenant:
    """A company with an API key of every scope, and clients that use it."""

    id: int
    key: str
    url: str
    database_url: str
    clients: list[httpx2.Client] = field(default_factory=list)

    @property
    def client(self) -> httpx2.Client:
        if not self.clients:
            self.clients.append(self.with_key(self.key))
        return self.clients[0]

    def with_key(self, key: str) -> httpx2.Client:
        """A client that checks every answer against the OpenAPI description."""
        return httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            event_hooks={"response": [check_response]},
        )

    def new_key(self, *scopes: str) -> tuple[int, str]:
        async def make() -> tuple[int, str]:
            async with owner_connection(self.database_url) as connection:
                return await api_keys.create(connection, self.id, "another", scopes or api_keys.SCOPES)

        return asyncio.run(make())

    def rows(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        """Execute a statement as the database owner, bypassing row-level security, and return the rows."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(statement.encode(), params).fetchall()

    def live(self, customer_id: str, *events: dict[str, Any]) -> None:
        """Send events of one customer and wait until they are applied."""
        batch = [self.event(customer_id=customer_id, **fields) for fields in events]
        answer = self.client.post("/v1/events?wait=10", json={"events": batch}).json()
        assert {outcome["outcome"] for outcome in answer["outcomes"]} == {"applied"}, answer

    def settled(self, customer_id: str, seconds: float = 20) -> list[dict[str, Any]]:
        """Wait until none of a customer's actions is due, and return all of them, newest first."""
        until = time.monotonic() + seconds
        while True:
            found = self.client.get("/v1/portal/actions", params={"customer_id": customer_id}).json()["actions"]
            now = datetime.now(UTC)
            if not any(a["status"] == "pending" and datetime.fromisoformat(a["due_at"]) <= now for a in found):
                return list(found)
            assert time.monotonic() < until, found
            time.sleep(0.1)

    def event(self, **fields: Any) -> dict[str, Any]:
        """Create a valid event that occurred a minute ago; `fields` replace or extend its fields."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        return {
            "id": uuid.uuid4().hex,
            "type": "call.received",
            "customer_id": "c-1",
            "occurred_at": at,
            **({} if "type" in fields else {"duration_seconds": 90}),
            **fields,
        }


def make_tenant(url: str, database_url: str) -> Tenant:
    async def make() -> tuple[int, str]:
        async with owner_connection(database_url) as connection:
            company = await companies.create(connection, "Test")
            return company, (await api_keys.create(connection, company, "test", api_keys.SCOPES))[1]

    company, key = asyncio.run(make())
    return Tenant(company, key, url, database_url)


@pytest.fixture(scope="session")
def database_url(new_database: NewDatabase, migrated_template: str) -> str:
    """The database that all gateway tests share."""
    return new_database(template=migrated_template)


LINK_SECRET = "signs the links of the tests"


def gateway_settings(database_url: str, **values: Any) -> Settings:
    ours = {"public_url": "https://perdure.example", "link_secret": LINK_SECRET, "webhook_allow": "127.0.0.1"}
    return Settings(database_url=database_url, **{**ours, **values})


@pytest.fixture(scope="session")
def gateway(database_url: str, temporal_address: str) -> Iterator[Served]:
    """A ready gateway with a real Postgres and a real Temporal."""
    settings = gateway_settings(database_url, rate_limit="100000/minute", temporal_ui_url="http://ui.example:8233")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", temporal_address)
        with Served(create_app(settings)) as served:
            wait_ready(served.url)
            for name in ("wrong_keys", "repeated_keys", "wrong_sessions"):  # all tests have one address
                setattr(served.app.state.gateway.ip_rate_limits, name, RateLimiter("100000/minute"))
            yield served


def wait_ready(url: str, seconds: float = 15) -> None:
    until = time.monotonic() + seconds
    while (answer := httpx2.get(url + "/readyz")).status_code != 200:
        assert time.monotonic() < until, answer.text
        time.sleep(0.05)


@pytest.fixture
def tenant(gateway: Served, database_url: str) -> Iterator[Tenant]:
    """A new company."""
    made = make_tenant(gateway.url, database_url)
    yield made
    for client in made.clients:
        client.close()


@pytest.fixture
def other(gateway: Served, database_url: str) -> Iterator[Tenant]:
    """Another new company."""
    made = make_tenant(gateway.url, database_url)
    yield made
    for client in made.clients:
        client.close()


@pytest.fixture(scope="session")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the worker's file channel writes messages."""
    return tmp_path_factory.mktemp("outbox")


@pytest.fixture(scope="module")  # not session: it would process the journeys of other tests
def working(database_url: str, temporal_address: str, outbox: Path) -> Iterator[None]:
    """A worker that processes the gateway's events."""

    async def run(stop: asyncio.Event, ready: threading.Event) -> None:
        pool = await open_pool(database_url, min_size=1, max_size=4)
        client = await Client.connect(temporal_address)
        async with build_worker(client, pool, gateway_settings(database_url, outbox=str(outbox))):
            ready.set()
            await stop.wait()
        await pool.close()

    with Background(run):
        yield
