"""A retention campaign over two weeks of skipped time: at allowed hours, and ended by a return."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from contracts import names
from db.connections import Pool
from settings import Settings
from tests.support.clock import Clock, skipping_server
from tests.support.workflow_acting import SECRET
from tests.support.workflow_life import kinds, readable_json
from worker import build_worker

DAY = timedelta(days=1)
#: The first day at risk, by time zone: each campaign spans a change to or from daylight saving time.
CHANGES = {
    "Europe/Berlin": [datetime(2027, 3, 20, tzinfo=UTC), datetime(2027, 10, 22, tzinfo=UTC)],
    "America/New_York": [datetime(2027, 3, 5, tzinfo=UTC), datetime(2027, 10, 30, tzinfo=UTC)],
    "Asia/Kolkata": [datetime(2027, 3, 20, tzinfo=UTC), datetime(2027, 10, 22, tzinfo=UTC)],
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def skipping_address() -> AsyncIterator[str]:
    async with skipping_server() as address:
        yield address


class Drip:
    """A customer who becomes at risk at a given instant, and their campaign."""

    def __init__(self, clock: Clock, zone: str) -> None:
        self.clock, self.life, self.zone = clock, clock.life, ZoneInfo(zone)
        with psycopg.connect(self.life.database_url) as connection:
            connection.execute(
                "insert into customers (company_id, external_id, name, email, phone, time_zone, consent)"
                " values (%s, %s, 'Ada', 'ada@example.com', '+4930123456', %s, %s)",
                [self.life.company, self.life.customer, zone, json.dumps({"email": True, "sms": True})],
            )
            connection.execute(
                "insert into staff (company_id, name, email, role)"
                " values (%s, 'Mara', 'mara@salon.example', 'manager')",
                [self.life.company],
            )

    async def at_risk(self, at: datetime) -> None:
        """Live until the customer is at risk, at that instant, and beyond the run in which that happened: a workflow
        whose child is running cannot skip time."""
        await self.life.start(spread=1, continue_after=1)
        await self.life.lived(self.life.call(-1, seconds=10))
        visit = at - 90 * DAY
        await self.clock.forward(visit - await self.clock.now())
        await self.life.lived(self.life.visit(occurred_at=visit.isoformat()))
        await self.clock.forward(at - await self.clock.now() + timedelta(seconds=1), campaigns=False)
        await self.again_at_risk()

    async def again_at_risk(self) -> None:
        await self.life.until(lambda: self.life.stages()[-1] == "at_risk" and len(self.steps()) == 4)
        run = (await self.life.handle.describe()).run_id
        await self.life.handle.signal(names.EVALUATE_SIGNAL)
        for _ in range(200):
            if (await self.life.handle.describe()).run_id != run:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(kinds(await self.life.history())[-22:])

    def campaigns(self) -> list[dict[str, Any]]:
        return self.life.rows("select * from retention_campaigns where company_id = %(company)s order by n")

    def steps(self) -> list[dict[str, Any]]:
        """The steps of the last campaign."""
        found = self.campaigns()
        return found[-1]["scheduled_actions"] if found else []

    async def pass_time(self, days: float) -> None:
        await self.clock.campaign_forward(timedelta(days=days))
        await asyncio.sleep(0.5)

    async def ended(self) -> str:
        """Skip all the time that the campaign needs; return the status with which its workflow closed."""
        await asyncio.wait_for(self.clock.skipper.fast_forward(self.clock.campaign()), 30)
        return (await self.clock.campaign().describe()).status.name  # type: ignore[union-attr]


@pytest_asyncio.fixture
async def clock(skipping_address: str, journeys_url: str, pool: Pool, tmp_path: Path) -> AsyncIterator[Clock]:
    client = await Client.connect(skipping_address)
    settings = Settings(outbox=str(tmp_path / "outbox"), link_secret=SECRET)
    async with build_worker(client, pool, settings):
        clock = Clock(client, journeys_url)
        yield clock
        await clock.life.end("test")


@pytest.mark.parametrize(
    ("zone", "season", "hour"),
    [*((zone, season, 13) for zone in CHANGES for season in (0, 1)), ("Europe/Berlin", 0, 4), ("Europe/Berlin", 1, 22)],
)
async def test_each_step_on_its_day_at_an_allowed_hour(clock: Clock, zone: str, season: int, hour: int) -> None:
    drip = Drip(clock, zone)
    local = datetime.combine(CHANGES[zone][season].date(), time(hour, 30), ZoneInfo(zone))
    await drip.at_risk(local.astimezone(UTC))
    assert await drip.ended() == WorkflowExecutionStatus.COMPLETED.name
    [campaign] = drip.campaigns()
    assert (campaign["status"], campaign["n"]) == ("completed", 1)
    assert [step["status"] for step in drip.steps()] == ["succeeded"] * 4
    for step in drip.steps():
        done = datetime.fromisoformat(step["done_at"]).astimezone(drip.zone)
        planned = (local + step["day"] * DAY).astimezone(UTC)
        if step["type"] == "call":
            assert timedelta() <= done - planned < timedelta(hours=2), step  # a task waits for nobody's night
        else:
            assert time(8) <= done.time() < time(20), step
            expected = local.date() + step["day"] * DAY + (DAY if hour == 22 else timedelta())
            assert done.date() == expected, step
    assert drip.steps()[3]["code"].startswith("BACK-")


async def test_an_appointment_ends_the_campaign_at_once(clock: Clock) -> None:
    drip = Drip(clock, "Europe/Berlin")
    await drip.at_risk(datetime(2027, 3, 10, 12, tzinfo=UTC))
    await clock.forward(5 * DAY)
    await drip.pass_time(5)
    assert [step["status"] for step in drip.steps()] == ["succeeded", "succeeded", "pending", "pending"]
    await clock.visit("20.00")
    assert drip.life.stages()[-1] == "customer"
    await asyncio.wait_for(clock.campaign().result(), 20)
    [campaign] = drip.campaigns()
    assert campaign["status"] == "cancelled"
    assert [step["status"] for step in drip.steps()] == ["succeeded", "succeeded", "cancelled", "cancelled"]
    left = drip.life.rows("select * from journey_actions where company_id = %(company)s and status = 'cancelled'")
    assert {(row["action"], row["reason"]) for row in left} == {
        ("campaign_call", "left the stage"),
        ("campaign_offer", "left the stage"),
    }


async def test_unsubscribing_ends_only_the_emails(clock: Clock) -> None:
    drip = Drip(clock, "America/New_York")
    await drip.at_risk(datetime(2027, 3, 10, 15, tzinfo=UTC))
    await drip.pass_time(2)
    with psycopg.connect(drip.life.database_url) as connection:
        connection.execute(
            'update customers set consent = \'{"email": false, "sms": true}\' where company_id = %s',
            [drip.life.company],
        )
    await drip.ended()
    assert [(step["type"], step["status"], step["reason"]) for step in drip.steps()] == [
        ("email", "succeeded", None),
        ("sms", "succeeded", None),
        ("call", "succeeded", None),
        ("offer", "suppressed", "no consent to e-mail"),
    ]


async def test_becoming_at_risk_again_starts_another_campaign(clock: Clock) -> None:
    drip = Drip(clock, "Asia/Kolkata")
    await drip.at_risk(datetime(2027, 3, 10, 8, tzinfo=UTC))
    await clock.forward(2 * DAY)
    visit = await clock.visit("20.00")
    await clock.forward(visit + 90 * DAY + timedelta(seconds=1) - await clock.now())
    # the second may have been lived through already, as far as its time was skipped
    await drip.life.until(lambda: len(drip.campaigns()) == 2)
    assert drip.campaigns()[0]["status"] == "cancelled"
    assert drip.campaigns()[1]["status"] in ("running", "completed")
    assert [c["n"] for c in drip.campaigns()] == [1, 2]
    first = await clock.campaign(1).describe()
    assert first.status == WorkflowExecutionStatus.COMPLETED
    while "WORKFLOW_TASK_COMPLETED" not in await started(clock, 2):
        await asyncio.sleep(0.1)
    history = readable_json(list((await clock.campaign(2).fetch_history()).events))
    assert "ada@example" not in history
    with suppress(RPCError):
        await clock.campaign(2).terminate("test")


async def started(clock: Clock, n: int) -> list[str]:
    """The kinds of events of a campaign's history, none while it is only about to begin."""
    with suppress(RPCError):
        return kinds(list((await clock.campaign(n).fetch_history()).events))
    return []
