"""A regular commit: a worker that dies during it is detected within seconds, one that is only slow is left alone."""

import asyncio
import time
from typing import Any

import psycopg
import temporalio.client
import temporalio.worker
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from contracts import names, timeouts
from db.connections import Pool
from settings import Settings
from tests.support.workflow_life import Life, kinds
from worker import build_worker


class DeadOnce(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Let every local commit fail, and let the first regular one neither end nor send heartbeats."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK's name
        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # the SDK's name
                info = activity.info()
                if info.activity_type == names.COMMIT and info.is_local:
                    raise RuntimeError("as if Postgres did not answer")
                if info.activity_type == names.COMMIT and info.attempt == 1:
                    await asyncio.Event().wait()
                return await super().execute_activity(input)

        return Inbound(next)


async def test_the_death_of_a_worker_delays_a_row_by_seconds(life: Life, temporal_address: str, pool: Pool) -> None:
    client = await Client.connect(temporal_address, interceptors=[DeadOnce()])
    async with build_worker(client, pool, Settings()):
        began = time.monotonic()
        await life.send(life.call())
        await life.until(lambda: life.stages() == ["prospect", "lead"], patience=40)
        delay = time.monotonic() - began
    assert timeouts.COMMIT_HEARTBEAT.total_seconds() <= delay < timeouts.COMMIT_TIMEOUT.total_seconds() / 2


async def test_a_slow_commit_is_not_repeated(life: Life, client: Client, pool: Pool, journeys_url: str) -> None:
    """Another transaction locks the row for longer than a heartbeat may be missing."""
    async with build_worker(client, pool, Settings()):
        await life.lived(life.call())
        locked = timeouts.LOCAL_COMMIT_TIMEOUT + timeouts.COMMIT_HEARTBEAT
        with psycopg.connect(journeys_url) as other:
            other.execute("select from customer_relationships where company_id = %s for update", [life.company])
            await life.send(life.visit())
            await asyncio.sleep(locked.total_seconds() + 3)
            pending = (await life.handle.describe()).raw_description.pending_activities
            assert [row.attempt for row in pending if row.activity_type.name == names.COMMIT] == [1]
            other.rollback()
        await life.until(lambda: life.stages()[-1] == "customer")
        await life.settled()
    assert "WORKFLOW_TASK_FAILED" not in kinds(await life.history())
