"""Postgres restored from an older backup: what Temporal still has is written again, once, and the rest is named."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts import names
from contracts.journey_client import execute, request_evaluation
from contracts.journey_record import run_ids
from contracts.maintenance import EvaluateAllStart, SweepStart
from contracts.messages import SetStage
from db.connections import Pool
from settings import Settings
from tests.support.company_backup import CompanyBackup
from tests.support.workflow_acting import SECRET, known, mails, staff, statuses, tasks
from tests.support.workflow_acting import execute as execute_sql
from tests.support.workflow_life import Life, kinds
from tests.support.workflow_sweeps import run_sweep
from worker import build_worker


@pytest.fixture
def backup(life: Life) -> CompanyBackup:
    return CompanyBackup(life.database_url, life.company)


@pytest_asyncio.fixture
async def acting(client: Client, pool: Pool, tmp_path: Path) -> AsyncIterator[Path]:
    """A worker that writes mails to the folder."""
    async with build_worker(client, pool, Settings(link_secret=SECRET, outbox=str(tmp_path))):
        yield tmp_path


def journey(life: Life) -> dict[str, list[dict[str, Any]]]:
    """Everything on record that must be the same after a recovery."""
    rows = {
        "row": "select * from customer_relationships where company_id = %(company)s",
        "ledger": "select * from journey_events where company_id = %(company)s order by version, event_id",
        "moves": "select * from journey_transitions where company_id = %(company)s order by sequence",
    }
    own = {"id", "updated_at", "received_at", "changed", "relationship_id", "customer_id", "batch"}
    own |= {"version", "state", "decided_at"}  # of the row: the adoption is a commit of its own
    found = {name: life.rows(statement) for name, statement in rows.items()}
    kept = {"ledger": {"version"}, "moves": {"version", "decided_at"}, "row": set()}
    return {
        name: [{key: row[key] for key in row if key not in own or key in kept[name]} for row in listed]
        for name, listed in found.items()
    }


def losses(life: Life) -> list[dict[str, Any]]:
    return [
        row["details"]
        for row in life.rows("select details from audit_log where company_id = %(company)s and actor = 'recovery'")
    ]


async def evaluated(life: Life) -> None:
    await request_evaluation(life.client, life.company, life.customer)
    await life.until(lambda: losses(life))
    await life.settled()


@pytest.mark.usefixtures("acting")
@pytest.mark.parametrize("continue_after", [20, 2])
async def test_every_commit_is_written_again(life: Life, backup: CompanyBackup, continue_after: int) -> None:
    await life.start(continue_after=continue_after)
    await life.lived(life.call(-100), life.visit(-99, "400.00"))
    backup.take()
    await life.lived(
        life.visit(-98, "300.00"),
        life.visit(-97, "500.00"),
        life.event("call.received", -98, rating=5, duration_seconds=9),
    )
    await life.send("nonsense")
    await life.until(lambda: life.ledger("quarantined"))
    set_stage = SetStage("regular", "asked for it", hold=True)
    await execute(life.client, life.company, life.customer, set_stage, timeout=20)
    await life.lived(life.visit(-1, "1.00"))
    before, state = journey(life), await life.state()
    backup.restore()
    assert life.row()["total_appointments"] == 1
    await evaluated(life)
    assert journey(life) == before
    after = await life.state()
    assert {**after, "version": 0} == {**state, "version": 0, "messages_in_this_run": after["messages_in_this_run"]}
    assert [loss["missing"] for loss in losses(life)] == [{}]
    assert (life.row()["held"], life.stages()[-1]) == (True, "regular")


@pytest.mark.usefixtures("acting")
async def test_events_that_are_sent_again_count_once(life: Life, backup: CompanyBackup) -> None:
    first, second = life.visit(-3, "1.00"), life.visit(-2, "1.00")
    await life.lived(first)
    backup.take()
    await life.lived(second)
    backup.restore()
    await life.send(first, second)
    await life.until(lambda: life.applied() == ["e-1", "e-2"])
    await life.settled()
    assert (life.row()["lifetime_value"], (await life.state())["lifetime_value"]) == (2, "2.00")


@pytest.mark.usefixtures("acting")
async def test_a_journey_that_began_after_the_backup_is_written_again_by_the_reconciliation(
    life: Life, backup: CompanyBackup
) -> None:
    backup.take()
    await life.lived(life.visit(-100, "50.00"), life.visit(-1, "60.00"))
    before = journey(life)
    backup.restore()
    assert life.row() == {}
    result: dict[str, Any] = {"ahead": 0}
    async with asyncio.timeout(60):
        while not result["ahead"]:  # visibility follows the start of the workflow
            result = await run_sweep(life.client, names.RECONCILIATION, SweepStart(company=life.company, look_again=0))
    assert (result["ahead"], result["repaired"]) == (1, 1)
    await life.settled()
    assert journey(life) == before


@pytest.mark.usefixtures("acting")
async def test_a_row_that_is_behind_is_repaired_by_queue_updates(life: Life, backup: CompanyBackup) -> None:
    await life.lived(life.visit(-5))
    backup.take()
    await life.lived(life.visit(-4))
    before = journey(life)
    backup.restore()
    start = EvaluateAllStart(company=life.company)
    evaluation = names.evaluation_id(life.company)
    result = await life.client.execute_workflow(names.EVALUATE_ALL, start, id=evaluation, task_queue=names.TASK_QUEUE)
    assert (result["drifted"], result["unanswered"]) == (1, 0)
    assert result["changes"][0]["because"] == "its row is older than its workflow"
    await life.settled()
    assert journey(life) == before


async def test_what_was_sent_is_not_sent_again_and_tasks_are_made_again(
    life: Life, backup: CompanyBackup, acting: Path
) -> None:
    known(life)
    staff(life, "sales", "Sam")
    staff(life, "manager", "Mara")
    await life.lived(life.visit(-0.5, "10.00", id="before"))
    await life.until(lambda: statuses(life).get("create_feedback_request") == "succeeded")
    await life.until(lambda: statuses(life)["send_onboarding_sequence"] == "succeeded")
    backup.take()
    await life.lived(life.call(-0.2), life.visit(-0.1, "1200.00"))
    await life.until(lambda: {"vip"} <= set(life.stages()))
    await life.until(lambda: statuses(life).get("create_quarterly_review") == "succeeded")
    await life.until(lambda: statuses(life)["send_vip_benefits_email"] == "succeeded")
    sent, done, open_tasks = len(mails(acting)), statuses(life), {task["kind"] for task in tasks(life)}
    backup.restore()
    assert statuses(life) != done
    await evaluated(life)
    await life.until(lambda: {task["kind"] for task in tasks(life)} == open_tasks)
    await life.until(lambda: statuses(life) == done)
    await asyncio.sleep(1)
    assert len(mails(acting)) == sent
    assert len(tasks(life)) == len(open_tasks)


async def test_a_campaign_goes_on_where_it_was(life: Life, backup: CompanyBackup, acting: Path) -> None:
    known(life)
    await life.lived(life.visit(-90 + 0.2, "10.00"))
    execute_sql(
        life,
        "update companies set settings = jsonb_build_object('outreach', %s::jsonb) where id = %s",
        '{"quiet_from": "00:00", "quiet_to": "00:00", "cap_messages": 100, "campaign":'
        ' [{"type": "email", "day": 0}, {"type": "call", "day": 0}, {"type": "sms", "day": 5}]}',
        life.company,
    )
    backup.take()
    set_stage = SetStage("at_risk", "gone quiet")
    await execute(life.client, life.company, life.customer, set_stage, timeout=20)
    await life.until(lambda: statuses(life).get("campaign_call") == "succeeded")
    sent, done = len(mails(acting)), statuses(life)
    [campaign] = life.rows("select * from retention_campaigns where company_id = %(company)s")
    backup.restore()
    await evaluated(life)
    await life.until(lambda: statuses(life) == done)
    [again] = life.rows("select * from retention_campaigns where company_id = %(company)s")
    assert (again["n"], again["status"]) == (campaign["n"], "running")
    dues = [[step["due_at"][:19] for step in steps["scheduled_actions"]] for steps in (campaign, again)]
    assert dues[0] == dues[1]
    assert [task["kind"] for task in tasks(life)].count("campaign_call") <= 1
    assert len(mails(acting)) == sent


@pytest.mark.usefixtures("acting")
async def test_what_has_expired_is_named_and_the_stage_stays(life: Life, backup: CompanyBackup) -> None:
    await life.start(continue_after=1)
    await life.lived(life.visit(-10, "10.00"))
    backup.take()
    await life.lived(life.visit(-9, "20.00"), life.visit(-8, "30.00"))
    kept = await next_run(life)
    await life.lived(life.visit(-7, "2000.00"))
    await next_run(life)
    for run_id in await run_ids(life.client, life.handle.id):
        if run_id == kept:
            break
        await expire(life, run_id)
    stages = life.stages()
    backup.restore()
    await evaluated(life)
    assert life.applied() == ["e-1", "e-4"]
    assert (life.row()["lifetime_value"], life.row()["total_appointments"]) == (2010, 2)
    [loss] = losses(life)
    assert loss["missing"]["lifetime_value"] == [206000, 201000]
    assert loss["missing"]["total_appointments"] == [4, 2]
    assert life.row()["current_stage"] == stages[-1] == "vip"
    assert set(life.stages()) <= set(stages)
    await life.send(life.visit(-9, "20.00", id="e-2"), life.visit(-8, "30.00", id="e-3"))
    await life.until(lambda: life.row()["lifetime_value"] == 2060)


async def next_run(life: Life) -> str:
    """Wait until a run without any message has begun, and return its id: all earlier messages are in earlier runs."""
    async with asyncio.timeout(20):
        while "WORKFLOW_EXECUTION_SIGNALED" in kinds(await life.history()):
            await asyncio.sleep(0.05)
    return (await life.handle.describe()).run_id


async def expire(life: Life, run_id: str) -> None:
    """Delete the history of a closed run, as Temporal does after the retention period."""
    from temporalio.api.common.v1 import WorkflowExecution
    from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

    execution = WorkflowExecution(workflow_id=life.handle.id, run_id=run_id)
    request = DeleteWorkflowExecutionRequest(namespace=life.client.namespace, workflow_execution=execution)
    await life.client.workflow_service.delete_workflow_execution(request)
    handle = life.client.get_workflow_handle(life.handle.id, run_id=run_id)
    async with asyncio.timeout(30):
        while True:
            try:
                await handle.describe()
            except RPCError as error:
                if error.status == RPCStatusCode.NOT_FOUND:
                    return
                raise
            await asyncio.sleep(0.1)
