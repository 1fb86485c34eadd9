"""The change stream: every change reaches every listener, also across outages.

Over 300 lines, because all tests share the listener of this file.
"""

from __future__ import annotations

import asyncio
import json
import queue
import socket
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx2
import psycopg
import pytest
import pytest_asyncio

from api import change_streams
from api.app import create_app
from api.routes import stream as route
from api.security import authentication
from db.connections import open_pool
from db.journeys import change_feed
from db.schema import migrate
from local.embedded import Postgres, running
from tests.api.conftest import Served, Tenant, gateway_settings, make_tenant

Message = tuple[str, dict[str, Any]]


class Listening:
    """A client of the stream; collects (event, data)."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self._told: queue.Queue[Message | None] = queue.Queue()
        self.head: httpx2.Headers = httpx2.Headers()
        self.retry = ""
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.next()[0] == "ping"
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the server may close first
                self._socket.shutdown(socket.SHUT_RDWR)  # unblock the reader thread
        self._thread.join(10)
        self._client.close()

    def _read(self) -> None:
        with (
            suppress(httpx2.HTTPError, OSError, RuntimeError),
            self._client.stream("GET", "/v1/portal/stream") as answer,
        ):
            self.head = answer.headers
            self._socket = answer.extensions["network_stream"].get_extra_info("socket")
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    self.retry = fields.get("retry", self.retry)
                elif "event" in fields:
                    self._told.put((fields["event"], json.loads(fields["data"])))
                    fields = {}
        self._told.put(None)

    def next(self, seconds: float = 10) -> Message:
        found = self._told.get(timeout=seconds)
        assert found is not None, "the stream has ended"
        return found

    def changed(self, seconds: float = 10) -> list[str] | None:
        """Return the customers of the next change."""
        until = time.monotonic() + seconds
        while True:
            event, data = self.next(max(0.01, until - time.monotonic()))
            if event == "changed":
                customers: list[str] | None = data["customers"]
                return customers

    def until(self, customer: str, seconds: float = 10) -> None:
        """Wait for a change of this customer."""
        until = time.monotonic() + seconds
        while customer not in (self.changed(max(0.01, until - time.monotonic())) or [customer]):
            pass

    def nothing(self, seconds: float = 2.5) -> None:
        """Check that no change arrives for some seconds."""
        with pytest.raises(queue.Empty):
            print(self.changed(seconds))

    def ended(self, seconds: float = 10) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(queue.Empty):
                if self._told.get(timeout=0.1) is None:
                    return True
        return False


@pytest.fixture
def listener_count(tenant: Tenant) -> Iterator[Listening]:
    with Listening(tenant.url, tenant.key) as found:
        yield found


def put_relationships(tenant: Tenant, count: int) -> None:
    tenant.rows(
        "with u as (insert into customers (company_id, external_id)"
        " select %(c)s, 'r-' || n from generate_series(1, %(n)s) n returning id)"
        " insert into customer_relationships"
        " (company_id, customer_id, current_stage, stage_entered_at, version, run_id, decided_at, state)"
        " select %(c)s, id, 'lead', now(), 1, 'run', now(), '{}' from u returning 1".replace(
            "%(c)s", str(tenant.id)
        ).replace("%(n)s", str(count))
    )


def touch(tenant: Tenant, table: str = "customer_relationships") -> None:
    tenant.rows(f"update {table} set company_id = company_id where company_id = %s returning 1", tenant.id)


def test_a_change_is_sent(tenant: Tenant, other: Tenant, working: None) -> None:
    with Listening(tenant.url, tenant.key) as first, Listening(tenant.url, tenant.key) as second:
        assert (first.head["content-type"], first.retry) == ("text/event-stream; charset=utf-8", "2000")
        assert (first.head["cache-control"], first.head["x-accel-buffering"]) == ("no-cache", "no")
        other.live("c-other", {})
        tenant.live("c-1", {})
        first.until("c-1")
        second.until("c-1")
        tenant.settled("c-1")
        task = tenant.client.post("/v1/customers/c-1/actions", json={"type": "call"}).json()["action"]
        assert task
        first.until("c-1")


@pytest.mark.parametrize("table", ["customer_relationships", "journey_actions", "tasks"])
def test_each_table_is_watched(tenant: Tenant, table: str) -> None:
    put_relationships(tenant, 1)
    ((relationship,),) = tenant.rows("select id from customer_relationships where company_id = %s", tenant.id)
    tenant.rows(
        "insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry)"
        " values (%s, %s, %s, 'send', 'lead', 1) returning 1",
        tenant.id,
        relationship,
        f"k-{tenant.id}",
    )
    tenant.rows(
        "insert into tasks (company_id, relationship_id, kind, title) values (%s, %s, 'call', 'Call') returning 1",
        tenant.id,
        relationship,
    )
    with Listening(tenant.url, tenant.key) as listener_count:
        touch(tenant, table)
        assert listener_count.changed() == ["r-1"]
        listener_count.nothing()


def test_changes_come_in_batches(tenant: Tenant, listener_count: Listening) -> None:
    put_relationships(tenant, 50)
    assert listener_count.changed() == sorted(f"r-{n}" for n in range(1, 51))
    put_relationships_more = "update customer_relationships set notes = 'x' where company_id = %s returning 1"
    began = time.monotonic()
    messages = 0
    while time.monotonic() < began + 3:
        tenant.rows(put_relationships_more, tenant.id)
        time.sleep(0.05)
    with suppress(queue.Empty):
        while True:
            listener_count.changed(2)
            messages += 1
    assert 2 <= messages <= 5


def test_very_many_customers_are_not_listed(tenant: Tenant, listener_count: Listening) -> None:
    put_relationships(tenant, 51)
    assert listener_count.changed() is None
    tenant.rows(
        "update customer_relationships set notes = 'x' where company_id = %s and customer_id ="
        " (select id from customers where company_id = %s and external_id = 'r-7') returning 1",
        tenant.id,
        tenant.id,
    )
    assert listener_count.changed() == ["r-7"]


def test_a_heartbeat(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "PING_INTERVAL", 0.5)
    with Listening(tenant.url, tenant.key) as listener_count:
        began = time.monotonic()
        assert [listener_count.next()[0] for _ in range(4)] == ["ping"] * 4
        assert 1.5 < time.monotonic() - began < 6


def test_a_transaction_that_becomes_visible_late_is_not_missed(tenant: Tenant, listener_count: Listening) -> None:
    put_relationships(tenant, 2)
    listener_count.until("r-2")
    listener_count.nothing(1.5)
    one = (
        "update customer_relationships set notes = 'x' where company_id = %s"
        " and customer_id in (select id from customers where external_id = %s)"
    )
    with psycopg.connect(tenant.database_url) as slow:
        slow.execute(one.encode(), [tenant.id, "r-1"])  # it has the lower number
        tenant.rows(one + " returning 1", tenant.id, "r-2")
        assert listener_count.changed() == ["r-2"]
        listener_count.nothing()
        slow.commit()
        assert listener_count.changed() == ["r-1"]
        listener_count.nothing()


def test_changes_right_after_connecting_are_sent(tenant: Tenant) -> None:
    put_relationships(tenant, 1)
    for _ in range(3):
        with Listening(tenant.url, tenant.key) as listener_count:
            touch(tenant)
            assert listener_count.changed() == ["r-1"]


def test_the_stream_ends_with_its_key(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "CHECK_INTERVAL", 0.2)
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)
    key_id, key = tenant.new_key()
    with Listening(tenant.url, key) as listener_count:
        tenant.rows("update api_keys set revoked_at = now() where id = %s returning 1", key_id)
        assert listener_count.ended()


def test_listeners_are_limited(tenant: Tenant, other: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_streams, "MAX_LISTENERS", 2)
    with Listening(tenant.url, tenant.key), Listening(tenant.url, tenant.key):
        answer = tenant.client.get("/v1/portal/stream")
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
        assert answer.headers["content-type"] == "application/problem+json"
        with Listening(other.url, other.key):
            pass


def test_disconnected_listeners_are_removed(tenant: Tenant, gateway: Served) -> None:
    state = gateway.app.state.gateway
    opened = [Listening(tenant.url, tenant.key).__enter__() for _ in range(30)]
    assert state.change_streams.listener_count(tenant.id) == 30
    assert tenant.client.get("/v1/stages").status_code == 200  # the pool has 8 connections
    stats = state.pool.get_stats()
    assert stats["pool_size"] <= 8
    for one in opened:
        one.__exit__()
    until = time.monotonic() + 10
    while state.change_streams.listener_count(tenant.id):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_shutdown_ends_streams(tenant: Tenant) -> None:
    with Served(create_app(gateway_settings(tenant.database_url))) as served:
        listener_count = Listening(served.url, tenant.key).__enter__()
        began = time.monotonic()
    assert listener_count.ended()
    assert time.monotonic() - began < 5


@pytest_asyncio.fixture
async def postgres() -> AsyncIterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder))) as own:
            migrate.upgrade(own.url)
            yield own


async def test_streams_survive_an_outage_of_postgres(postgres: Postgres) -> None:
    with ThreadPoolExecutor(1) as thread, Served(create_app(gateway_settings(postgres.url))) as served:
        loop = asyncio.get_running_loop()
        tenant = await loop.run_in_executor(thread, make_tenant, served.url, postgres.url)
        put_relationships(tenant, 1)
        listener_count = await loop.run_in_executor(thread, Listening(served.url, tenant.key).__enter__)
        touch(tenant)
        assert await loop.run_in_executor(thread, listener_count.changed) == ["r-1"]
        for _ in range(2):
            postgres.kill()
            await asyncio.sleep(2.5)
            await postgres.start()
            touch(tenant)  # possibly before the watcher has reconnected
            assert await loop.run_in_executor(thread, listener_count.changed, 20) == ["r-1"]
        await loop.run_in_executor(thread, listener_count.__exit__)
        postgres.kill()
        answer = await loop.run_in_executor(thread, tenant.client.get, "/v1/portal/stream")
        assert (answer.status_code, answer.json()["part"]) == (503, "Postgres")


async def test_a_postgres_from_a_backup_is_noticed(tenant: Tenant) -> None:
    pool = await open_pool(tenant.database_url, min_size=1, max_size=1)
    try:
        cursor = await change_feed.start(pool, tenant.id)
        assert await change_feed.poll(pool, tenant.id, cursor) == set()
        cursor.since += 1_000_000
        assert await change_feed.poll(pool, tenant.id, cursor) is None
        assert await change_feed.poll(pool, tenant.id, cursor) == set()
    finally:
        await pool.close()
