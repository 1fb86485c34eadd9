"""Killed between the commits of Postgres and Temporal, outages, termination: nothing is lost or repeated."""

import asyncio
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import temporalio.client
import temporalio.worker
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.commit import CommitActivity
from contracts import names, timeouts
from contracts.messages import SetStage
from contracts.requests import CommitRequest, CommitResult
from db.connections import Pool, open_pool
from db.schema.migrate import upgrade
from journey.time import Micros
from local.embedded import Postgres, running
from settings import Settings
from tests.support.commit_story import Histories
from tests.support.workflow_life import Life, kinds, new_company
from worker import build_worker


class After(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Let a commit write, and then let ``fate`` decide what becomes of its result."""

    def __init__(self, fate: Callable[[CommitRequest], None]) -> None:
        self.fate = fate

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK's name
        fate = self.fate

        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> CommitResult:  # noqa: A002  # the SDK's name
                result: CommitResult = await super().execute_activity(input)
                fate(input.args[0])
                return result

        return Inbound(next)


async def test_result_lost_after_postgres_committed(life: Life, temporal_address: str, pool: Pool) -> None:
    """Every local commit writes and then fails; the regular one finds the rows."""
    lost: list[int] = []

    def fate(request: CommitRequest) -> None:
        if activity.info().is_local:
            lost.append(request["now"])
            raise RuntimeError("the answer is lost")

    with_loss = await Client.connect(temporal_address, interceptors=[After(fate)])
    async with build_worker(with_loss, pool, Settings()):
        await life.lived(life.call(), life.visit(), life.visit(), life.visit(amount="2000.00"))
        await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("lead", "why not"))
        await life.settled()
    assert len(lost) == 5
    assert life.applied() == ["e-1", "e-2", "e-3", "e-4"]
    assert life.stages() == ["prospect", "lead", "customer", "regular", "vip", "lead"]
    assert [row["sequence"] for row in life.transitions()] == [1, 2, 3, 4, 5, 6]
    assert life.row()["lifetime_value"] == 2020


WORKER = """
import asyncio, os, sys
from temporalio.client import Client
from db.connections import open_pool
from settings import Settings
from tests.workflows.test_interrupted import After
from worker import build_worker

async def main(address, url):
    left = 2
    def fate(request):
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), 9)
    client = await Client.connect(address, interceptors=[After(fate)])
    pool = await open_pool(url, min_size=1, max_size=4)
    async with build_worker(client, pool, Settings()):
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_worker_killed_between_the_two_commits(
    life: Life, client: Client, pool: Pool, temporal_address: str
) -> None:
    """The second commit kills its worker with SIGKILL; another takes over, with one more pending message."""
    process = subprocess.Popen([sys.executable, "-c", WORKER, temporal_address, life.database_url], cwd=Path.cwd())
    try:
        await life.lived(life.call(seconds=10))
        await life.send(life.visit(amount="1500.00"))
        await asyncio.to_thread(process.wait, 30)
        assert process.returncode == -signal.SIGKILL
        assert life.stages()[-1] == "vip", "Postgres has it"
        await life.send(life.visit(amount="500.00"))
        async with build_worker(client, pool, Settings()):
            await life.until(lambda: len(life.applied()) == 3, patience=30)
            await life.settled()
            assert (await life.state())["version"] == life.row()["version"] == 2
    finally:
        process.kill()
    assert life.stages() == ["prospect", "customer", "vip"]
    assert [row["sequence"] for row in life.transitions()] == [1, 2, 3]
    assert life.row()["lifetime_value"] == 2000


async def test_older_of_two_attempts_does_not_write(life: Life, client: Client, pool: Pool) -> None:
    """A worker thought dead that commits after its successor."""
    async with build_worker(client, pool, Settings()):
        await life.lived(life.call(), life.visit())
    row = life.row()
    before = life.ledger("applied")
    late: CommitRequest = {
        "company_id": life.company,
        "customer_id": life.customer,
        "run_id": row["run_id"],
        "now": Micros(int(row["decided_at"].timestamp() * 1e6) - 1_000_000),
        "state": {**row["state"], "n": row["version"] - 1},
        "messages": [],
    }
    with pytest.raises(Exception, match="later attempt"):
        await ActivityEnvironment().run(CommitActivity(pool, Histories()).commit, late)
    assert life.ledger("applied") == before
    assert life.row() == row


async def test_terminated_journey_is_restored_from_postgres(life: Life, client: Client, pool: Pool) -> None:
    async with build_worker(client, pool, Settings()):
        await life.lived(life.call(-3), life.visit(-2), life.visit(-1))
        first = life.row()
        await life.handle.terminate("by an operator")
        await life.lived(life.visit())
        row = life.row()
        assert row["run_id"] != first["run_id"]
        assert row["version"] > first["version"]
        assert row["created_at"] == first["created_at"]
        assert life.stages() == ["prospect", "lead", "customer", "regular"]
        assert (await life.state())["total_appointments"] == 3
        assert (await life.handle.describe()).typed_search_attributes.get(names.STAGE) == "regular"
        await life.send({**life.visit(), "id": "e-2"})  # deduplicated by the ledger, not by the workflow
        await life.until(lambda: len(life.ledger("conflict")) == 1)
        assert (await life.state())["total_appointments"] == 3


async def test_terminated_journey_is_restored_by_an_evaluation(life: Life, client: Client, pool: Pool) -> None:
    """Maintenance evaluates every journey; one whose workflow is gone is restored unchanged."""
    async with build_worker(client, pool, Settings()):
        await life.lived(life.call(-3), life.visit(-2))
        await life.handle.terminate("by an operator")
        await life.start()
        await life.handle.signal(names.EVALUATE_SIGNAL)
        for _ in range(100):
            if (await life.state())["stage"] == "customer":
                break
            await asyncio.sleep(0.05)
        state = await life.state()
        assert state["stage"] == "customer"
        assert state["version"] == life.row()["version"]


async def test_outage_of_postgres(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The local commit fails, the regular one waits; messages that arrive meanwhile are committed afterwards."""
    impatient = RetryPolicy(maximum_interval=timeouts.COMMIT_RETRY.initial_interval, backoff_coefficient=1.0)
    monkeypatch.setattr(timeouts, "COMMIT_RETRY", impatient)
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder), settings={"fsync": "off"})) as postgres:
            upgrade(postgres.url)
            life = Life(client, postgres.url, new_company(postgres.url), "c-1")
            pool = await open_pool(postgres.url, min_size=1, max_size=2, timeout=1.0)
            async with build_worker(client, pool, Settings()):
                await life.lived(life.call())
                before = len(await life.history())
                postgres.kill()
                big = [life.event("feedback.received", rating=5, comment="ß" * 900) for _ in range(900)]
                await life.send(life.visit())
                await asyncio.sleep(5)
                waiting = (await life.history())[before:]
                assert len(waiting) < 12, kinds(waiting)
                assert "WORKFLOW_TASK_FAILED" not in kinds(waiting)
                assert (await life.handle.describe()).raw_description.pending_activities[0].attempt > 2
                assert (await life.state())["stage"] == "lead", "it answers meanwhile"
                for part in range(0, 900, 100):
                    await life.send(*big[part : part + 100])
                update = asyncio.create_task(
                    life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("regular", "asked in the outage"))
                )
                await asyncio.sleep(1)
                await postgres.start()
                answer = await asyncio.wait_for(update, 40)
                assert answer["stage"] == "regular"
                await life.until(lambda: len(life.applied()) == 902)
                await life.settled()
            assert life.stages() == ["prospect", "lead", "customer", "regular"]
            assert "WORKFLOW_TASK_FAILED" not in kinds(await life.history())
            await life.end("test")
            await pool.close()


async def test_megabytes_of_pending_messages_survive_an_outage(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits when the local commit fails becomes a regular activity's input, for which the server has a limit."""
    impatient = RetryPolicy(maximum_interval=timeouts.COMMIT_RETRY.initial_interval, backoff_coefficient=1.0)
    monkeypatch.setattr(timeouts, "COMMIT_RETRY", impatient)
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder), settings={"fsync": "off"})) as postgres:
            upgrade(postgres.url)
            life = Life(client, postgres.url, new_company(postgres.url), "c-1")
            for _ in range(10):
                await life.send(*(life.event("feedback.received", rating=5, comment="ß" * 900) for _ in range(100)))
            pool = await open_pool(postgres.url, min_size=1, max_size=2, timeout=1.0)
            postgres.kill()
            async with build_worker(client, pool, Settings()):
                await asyncio.sleep(4)
                assert (await life.handle.describe()).raw_description.pending_activities
                await postgres.start()
                await life.until(lambda: len(life.applied()) == 1000, patience=40)
                await life.settled()
            assert "WORKFLOW_TASK_FAILED" not in kinds(await life.history())
            await life.end("test")
            await pool.close()
