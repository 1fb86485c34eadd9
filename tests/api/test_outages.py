"""The gateway while Postgres or Temporal is down, and after they recover."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from api import event_intake
from api.app import create_app
from api.security import authentication
from db.schema import migrate
from local.embedded import Postgres, Temporal, running
from tests.api.conftest import Served, Tenant, gateway_settings, make_tenant, wait_ready
from tests.support.ports import unused_port


@pytest_asyncio.fixture
async def postgres() -> AsyncIterator[Postgres]:
    """A separate migrated Postgres, to be killed."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder))) as own:
            migrate.upgrade(own.url)
            yield own


def tenant_of(served: Served, database_url: str) -> Tenant:
    with ThreadPoolExecutor(1) as thread:  # this thread has a running event loop
        return thread.submit(make_tenant, served.url, database_url).result()


async def test_events_are_accepted_while_postgres_is_down(
    postgres: Postgres, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.3)
    with Served(create_app(gateway_settings(postgres.url))) as served:
        wait_ready(served.url)
        tenant = tenant_of(served, postgres.url)
        assert tenant.client.post("/v1/events", json=tenant.event()).status_code == 202
        postgres.kill()
        started = time.monotonic()
        for _ in range(10):
            answer = tenant.client.post("/v1/events", json={"events": [tenant.event(), tenant.event(customer_id=2)]})
            assert (answer.status_code, answer.json()["accepted"]) == (202, 2)
            await asyncio.sleep(0.1)
        assert time.monotonic() - started < 4  # the first request waits a second, before the outage is known
        pending = tenant.client.post("/v1/events?wait=0.5", json=tenant.event())
        assert (pending.status_code, pending.json()["outcomes"][0]["outcome"]) == (200, "pending")
        away = tenant.client.get("/v1/portal/customers/c-1/journey")
        assert (away.status_code, away.json()["part"]) == (503, "Postgres")
        assert int(away.headers["retry-after"]) > 0
        with tenant.with_key("pk_never_seen_before") as stranger:
            assert stranger.get("/v1/stages").status_code == 503
        assert httpx2.get(served.url + "/livez").status_code == 200
        assert httpx2.get(served.url + "/metrics").status_code == 200
        ready = tenant.client.get("/readyz", timeout=20)
        assert (ready.status_code, ready.json()["postgres"]["status"], ready.json()["temporal"]["status"]) == (
            503,
            "down",
            "up",
        )
        await postgres.start()
        wait_ready(served.url)
        assert tenant.client.get("/v1/stages").status_code == 200


async def away(*_: object) -> None:
    """Instead of a function that queries Postgres."""
    raise TimeoutError


def test_a_cached_key_expires_during_an_outage(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, gateway: Served
) -> None:
    monkeypatch.setattr(authentication, "CACHE_SECONDS", 0.0)
    assert tenant.client.post("/v1/events", json=tenant.event()).status_code == 202
    monkeypatch.setattr("db.people.api_keys.find", away)
    assert tenant.client.post("/v1/events", json=tenant.event()).status_code == 202
    monkeypatch.setattr(authentication, "OUTAGE_SECONDS", -1.0)
    answer = tenant.client.post("/v1/events", json=tenant.event())
    assert (answer.status_code, answer.json()["part"]) == (503, "Postgres")


async def test_temporal_may_start_later_and_restart(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    port = unused_port()
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setattr(event_intake, "SEND_LIMIT", 1.5)
    with (
        tempfile.TemporaryDirectory(prefix="perdure-") as folder,
        Served(create_app(gateway_settings(database_url))) as served,
    ):
        tenant = tenant_of(served, database_url)
        assert httpx2.get(served.url + "/livez").status_code == 200
        ready = tenant.client.get("/readyz")
        assert (ready.status_code, ready.json()["temporal"]["status"]) == (503, "down")
        answer = tenant.client.post("/v1/events", json=tenant.event())
        assert (answer.status_code, answer.json()["part"]) == (503, "Temporal")
        assert tenant.client.get("/v1/portal/relationships").status_code == 200
        async with running(Temporal(Path(folder), port=port)) as temporal:
            wait_ready(served.url)
            assert tenant.client.post("/v1/events", json=tenant.event()).status_code == 202
            temporal.kill()
            batch = {"events": [tenant.event(customer_id=n) for n in range(50)] + [tenant.event(duration_seconds=-1)]}
            answer = tenant.client.post("/v1/events", json=batch)
            assert answer.status_code == 503
            assert answer.json()["type"].endswith("/not-all-taken")
            assert answer.json()["stored"] < 50
            assert "the same ids count only once" in answer.json()["detail"]
            assert int(answer.headers["retry-after"]) > 0
            await temporal.start()
            wait_ready(served.url)
            until = time.monotonic() + 20
            while (again := tenant.client.post("/v1/events", json=batch)).status_code == 503:
                assert time.monotonic() < until  # clients retry in the same way; the event ids make it safe
            assert (again.status_code, again.json()["accepted"]) == (202, 50)
