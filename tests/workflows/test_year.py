"""A year in the time-skipping server: a complete journey, with every transition at its exact time."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from db.connections import Pool
from settings import Settings
from tests.support.clock import Clock, skipping_server
from tests.support.workflow_life import at
from worker import build_worker

DAY = timedelta(days=1)
RUNNERS = {"unsandboxed": UnsandboxedWorkflowRunner, "sandboxed": SandboxedWorkflowRunner}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def skipping_address() -> AsyncIterator[str]:
    async with skipping_server() as address:
        yield address


@pytest.mark.parametrize("runner", RUNNERS)
async def test_a_year(skipping_address: str, journeys_url: str, pool: Pool, runner: str) -> None:
    client = await Client.connect(skipping_address)
    clock = Clock(client, journeys_url)
    life = clock.life
    made: WorkflowRunner = RUNNERS[runner]()
    async with build_worker(client, pool, Settings(), made):
        expected: list[tuple[str, datetime, str]] = []

        async def stands(stage: str, since: datetime, trigger: str) -> None:
            """Check the last transition in Postgres and in the workflow."""
            expected.append((stage, since, trigger))
            state = await life.state()
            assert (state["stage"], state["trigger_event"]) == (stage, trigger)
            assert datetime.fromisoformat(state["entered_at"]) == since
            assert (life.row()["current_stage"], life.row()["stage_entered_at"]) == (stage, since)
            assert [(r["to_stage"], r["transitioned_at"], r["trigger_event"]) for r in life.transitions()] == expected

        first = life.call(seconds=10)
        began = datetime.fromisoformat(first["occurred_at"])
        await life.lived(first)
        await stands("prospect", began, "journey_started")

        await clock.forward(3 * DAY)
        now = (await clock.now()).replace(microsecond=0)
        await life.lived(life.call(seconds=300, occurred_at=at(0, now=now)))
        await stands("lead", now, "qualified_call_received")

        await clock.forward(10 * DAY)
        await stands_after_visit(stands, clock, "100.00", "customer", "appointment_completed")
        await clock.forward(20 * DAY)
        await clock.visit("100.00")
        await clock.forward(20 * DAY)
        await stands_after_visit(stands, clock, "100.00", "regular", "appointment_count")
        await clock.forward(25 * DAY)
        last = await stands_after_visit(stands, clock, "700.00", "vip", "lifetime_value")

        await clock.forward(90 * DAY - timedelta(minutes=1))
        assert (await life.state())["stage"] == "vip", "a minute before the ninetieth day is over"
        assert (await life.state())["next_deadline"] == at(90, now=last, digits="seconds")
        await clock.forward(timedelta(minutes=7))
        await stands("at_risk", last + 90 * DAY, "days_since_last_appointment")

        await clock.forward(90 * DAY - timedelta(minutes=10))
        assert (await life.state())["stage"] == "at_risk"
        await clock.forward(timedelta(minutes=10))
        await stands("churned", last + 180 * DAY, "days_since_last_appointment")
        assert life.row()["next_deadline"] is None

        await clock.forward(60 * DAY)
        now = await clock.visit("50.00")
        await stands("vip", now, "reactivated")
        assert now - began > 300 * DAY
        await clock.forward(80 * DAY)
        assert (await life.state())["stage"] == "vip"
        assert life.row()["lifetime_value"] == 1050
        assert [row["outcome"] for row in life.ledger("applied")] == ["applied"] * 7
    await life.end("test")


async def stands_after_visit(stands, clock: Clock, amount: str, stage: str, trigger: str) -> datetime:  # type: ignore[no-untyped-def]  # a closure
    now = await clock.visit(amount)
    await stands(stage, now, trigger)
    return now
