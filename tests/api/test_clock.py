"""A gateway whose clock is wrong: it follows Temporal's clock, and `/readyz` reports the difference."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from temporalio.client import Client

from api.clock_check import ClockCheck
from tests.api.conftest import Served, Tenant

DAYS = 3 * 86_400.0


@pytest.fixture
def clock_ahead(gateway: Served, temporal_address: str) -> Iterator[Callable[[bool], None]]:
    """Replace the gateway's clock by one that is three days ahead; call with whether it has been compared."""
    right = gateway.app.state.gateway.clock

    async def replace(compared: bool) -> None:
        client = await Client.connect(temporal_address)
        clock = ClockCheck(lambda: client, lambda: time.time() + DAYS)
        if compared:
            await clock.compare()
        gateway.app.state.gateway.clock = clock

    yield lambda compared: asyncio.run(replace(compared))
    gateway.app.state.gateway.clock = right


def in_two_days() -> str:
    return (datetime.now(UTC) + timedelta(days=2)).isoformat()


async def test_the_difference_is_measured_again_and_again(temporal_address: str) -> None:
    client = await Client.connect(temporal_address)
    shift = 0.0
    clock = ClockCheck(lambda: client, lambda: time.time() + shift)
    assert (clock.seconds_ahead, clock.is_skewed) == (None, False)
    for shift in (0.0, DAYS, -900.0, 20.0):
        await clock.compare()
        assert clock.seconds_ahead == pytest.approx(shift, abs=3)
        assert clock.is_skewed == (abs(shift) > 60)
        corrected = clock.now() / 1e6 - time.time()
        assert corrected == pytest.approx(0 if clock.is_skewed else shift, abs=3)


def test_readyz_reports_it(gateway: Served, clock_ahead: Callable[[bool], None]) -> None:
    until = time.monotonic() + 15
    while (ready := httpx2.get(gateway.url + "/readyz")).json()["clock"]["status"] == "unknown":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (ready.status_code, ready.json()["clock"]["status"]) == (200, "right")
    assert abs(ready.json()["clock"]["seconds_ahead"]) < 3
    clock_ahead(True)
    ready = httpx2.get(gateway.url + "/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["clock"]["status"]) == (503, "not ready", "wrong")
    assert ready.json()["clock"]["seconds_ahead"] == pytest.approx(DAYS, abs=3)


def test_events_in_the_future_are_refused_by_temporals_clock(
    tenant: Tenant, clock_ahead: Callable[[bool], None]
) -> None:
    clock_ahead(True)
    answer = tenant.client.post("/v1/events", json=tenant.event(occurred_at=in_two_days()))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "occurred_at")
    assert tenant.client.post("/v1/events", json=tenant.event()).status_code == 202


def test_wait_reports_what_the_worker_quarantines(
    tenant: Tenant, working: None, clock_ahead: Callable[[bool], None]
) -> None:
    """Before the first comparison, only the worker knows; it decides once, by the same clock for all gateways."""
    clock_ahead(False)
    event = tenant.event(occurred_at=in_two_days())
    good = tenant.event()
    for wait in (10, 1):  # the second time, the ledger has the same row already
        answer = tenant.client.post(f"/v1/events?wait={wait}", json={"events": [event, good]}).json()
        future, now = answer["outcomes"]
        assert (future["id"], future["outcome"], future["transitions"]) == (event["id"], "quarantined", [])
        assert future["reason"].startswith("occurred_at: must be at most 5 minutes in the future")
        assert now["outcome"] == ("applied" if wait == 10 else "duplicate")
