"""Journeys whose workflow is lost are started again from their row by every repair, and their due actions run once."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from cli.maintenance import evaluate_transitions
from contracts import names
from contracts.journey_client import workflow_status
from contracts.journey_history import committed_version
from contracts.maintenance import EvaluateAllStart, SweepStart
from db.connections import Pool
from settings import Settings
from tests.support.workflow_acting import SECRET, known, mails, statuses
from tests.support.workflow_life import Life
from tests.support.workflow_sweeps import run_sweep
from tests.workflows.test_act_again import Fated
from worker import build_worker

Repair = Callable[[Life], Awaitable[tuple[int, int]]]


async def reconcile(life: Life) -> tuple[int, int]:
    result = await run_sweep(life.client, names.RECONCILIATION, SweepStart(company=life.company, look_again=0))
    return result["gone"] + result["behind"], result["repaired"]


async def evaluate_all(life: Life) -> tuple[int, int]:
    result = await life.client.execute_workflow(
        names.EVALUATE_ALL,
        EvaluateAllStart(company=life.company),
        id=names.evaluation_id(life.company),
        task_queue=names.TASK_QUEUE,
    )
    return result["drifted"], result["drifted"] - result["unanswered"]


REPAIRS: dict[str, Repair] = {"reconciliation": reconcile, "queue-updates": evaluate_all}


async def never(work: Callable[[], Awaitable[Any]]) -> Any:
    await asyncio.Event().wait()


async def lead_with_actions_due(life: Life, temporal_address: str, pool: Pool, outbox: Path) -> None:
    """A journey whose actions are due when its worker, which has done none of them, ends."""
    known(life)
    blocked = await Client.connect(temporal_address, interceptors=[Fated(never)])
    async with build_worker(blocked, pool, Settings(link_secret=SECRET, outbox=str(outbox))):
        await life.lived(life.call())
        await life.until(lambda: "send_welcome_email" in statuses(life))
        await life.handle.terminate("lost")
    assert set(statuses(life).values()) == {"pending"}


@pytest.mark.parametrize("repair", REPAIRS)
async def test_a_lost_journey_is_started_again_and_acts_once(
    life: Life, client: Client, temporal_address: str, pool: Pool, tmp_path: Path, repair: str
) -> None:
    await lead_with_actions_due(life, temporal_address, pool, tmp_path)
    assert await committed_version(client, life.company, life.customer) is None
    async with build_worker(client, pool, Settings(link_secret=SECRET, outbox=str(tmp_path))):
        assert await REPAIRS[repair](life) == (1, 1)
        await life.until(lambda: "pending" not in statuses(life).values())
        await life.settled()
        assert await REPAIRS[repair](life) == (0, 0)
    assert await workflow_status(client, life.company, life.customer) == "running"
    assert statuses(life)["send_welcome_email"] == "succeeded"
    assert [mail["To"] for mail in mails(tmp_path)] == ["ada@example.com"]
    assert life.stages() == ["prospect", "lead"]


async def test_evaluate_transitions_starts_a_lost_journey_again(
    life: Life,
    client: Client,
    temporal_address: str,
    pool: Pool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_address)
    await lead_with_actions_due(life, temporal_address, pool, tmp_path)
    settings = Settings(database_url=life.database_url)
    async with build_worker(client, pool, Settings(link_secret=SECRET, outbox=str(tmp_path))):
        assert await evaluate_transitions.evaluate(settings, life.company, life.customer, as_json=True) == 0
        assert '"its workflow is not running"' in capsys.readouterr().out
        await life.until(lambda: "pending" not in statuses(life).values())
        assert await evaluate_transitions.evaluate(settings, life.company, None, as_json=True) == 0
        assert '"changed": []' in capsys.readouterr().out
    assert len(mails(tmp_path)) == 1


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("repair", REPAIRS)
async def test_a_workflow_from_an_older_backup_adopts_the_row(life: Life, repair: str) -> None:
    await life.lived(life.visit(-3))
    older = life.row()["state"]
    await life.lived(life.visit(-2), life.visit(-1))
    await life.handle.terminate("replaced by an older copy")
    await life.start(state=older)
    assert await committed_version(life.client, life.company, life.customer) == 1
    assert await REPAIRS[repair](life) == (1, 1)
    await life.settled()
    assert (await life.state())["total_appointments"] == life.row()["total_appointments"] == 3
    assert life.stages() == ["prospect", "customer", "regular"]


async def test_the_version_is_read_from_every_end_of_a_history(life: Life, client: Client, pool: Pool) -> None:
    async with build_worker(client, pool, Settings()):
        assert await committed_version(client, life.company, life.customer) is None
        await life.start(continue_after=2)
        assert await committed_version(client, life.company, life.customer) == 0
        visits = [life.visit(-5 + n) for n in range(5)]
        await life.lived(*visits)
        assert await committed_version(client, life.company, life.customer) == life.row()["version"] == 5
        await life.send(visits[0])  # a commit that changes nothing
        await life.settled()
        assert await committed_version(client, life.company, life.customer) == 5
