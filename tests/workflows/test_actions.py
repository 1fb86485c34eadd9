"""Entering a stage executes its actions once, in the background, recorded in Postgres and in the history."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from contracts import names
from contracts.messages import FinishTask, ReassignTask, RequestAction, RetryAction, SetStage
from db.connections import Pool
from journey.stages import DEFAULT_ACTIONS
from settings import Settings
from tests.support.workflow_acting import SECRET, actions, known, mails, staff, statuses, tasks
from tests.support.workflow_life import Life, kinds, readable_json
from worker import build_worker


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest_asyncio.fixture
async def acting(client: Client, pool: Pool, outbox: Path) -> AsyncIterator[Worker]:
    """A worker whose mails go to `outbox`."""
    async with build_worker(client, pool, Settings(outbox=str(outbox), link_secret=SECRET)) as worker:
        yield worker


async def test_entering_a_stage_executes_its_actions_once(life: Life, acting: Worker, outbox: Path) -> None:
    known(life)
    staff(life, "sales", "Ben", "Cleo")
    await life.lived(life.call())
    await life.until(lambda: set(statuses(life).values()) == {"succeeded"})
    assert list(actions(life)) == ["send_welcome_email", "assign_to_sales_team", "create_follow_up_task"]
    assert [(mail["To"], mail["List-Unsubscribe-Post"]) for mail in mails(outbox)] == [
        ("ada@example.com", "List-Unsubscribe=One-Click")
    ]
    assert [(task["kind"], task["staff"], task["status"]) for task in tasks(life)] == [("follow_up", "Ben", "open")]
    assert len(life.rows("select from assignments where company_id = %(company)s")) == 1
    attempts = life.rows("select * from action_attempts where company_id = %(company)s order by id")
    assert [row["outcome"] for row in attempts] == ["succeeded"] * 3
    # a second reason to be a lead changes nothing
    await life.lived(life.call(), life.event("appointment.requested"))
    assert len(actions(life)) == 3


@pytest.mark.parametrize("stage", ["lead", "customer", "vip", "at_risk"])
async def test_a_transition_with_three_actions_adds_twelve_events_at_most(
    life: Life, acting: Worker, stage: str
) -> None:
    known(life)
    staff(life, "sales", "Ben")
    staff(life, "manager", "Mara")
    await life.lived(life.call(seconds=10))
    before = len(await life.history())
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("regular", "which asks for nothing"))
    alone = len(await life.history()) - before
    before = len(await life.history())
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage(stage, "which does"))
    now = DEFAULT_ACTIONS[stage]
    await life.until(lambda: {statuses(life).get(action) for action in now} <= {"succeeded", "suppressed"})
    await asyncio.sleep(0.5)  # until the workflow has the result
    added = len(await life.history()) - before - alone
    assert 3 <= added <= 12, kinds(await life.history())
    with suppress(RPCError):
        await life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, 1)).terminate("test")


async def test_without_a_profile_messages_wait_for_it(life: Life, acting: Worker) -> None:
    await life.lived(life.call())
    await life.until(lambda: "pending" not in statuses(life).values())
    found = actions(life)
    assert (found["send_welcome_email"]["status"], found["send_welcome_email"]["reason"]) == (
        "waiting",
        "no e-mail address",
    )
    assert found["assign_to_sales_team"]["reason"].startswith("no active staff member has the role sales")
    assert sorted((task["kind"], task["staff"]) for task in tasks(life)) == [("assignment", None), ("follow_up", None)]


async def test_history_causes_no_actions_unless_requested_for_the_current_stage(life: Life, acting: Worker) -> None:
    known(life)
    await life.lived(life.call(-400), life.visit(-390), life.visit(-300, "2000.00"), life.visit(-5))
    assert life.stages()[-1] == "vip"
    assert actions(life) == {}
    await life.handle.signal(names.ACT_SIGNAL)
    await life.handle.signal(names.ACT_SIGNAL)
    await life.until(lambda: list(statuses(life).values()).count("succeeded") == 3)
    assert statuses(life) == {
        "assign_dedicated_manager": "succeeded",
        "send_vip_benefits_email": "succeeded",
        "create_quarterly_review": "succeeded",
        "create_quarterly_review.2": "pending",
    }


async def test_staff_requests_and_finished_tasks_are_in_the_history(life: Life, acting: Worker, outbox: Path) -> None:
    known(life)
    staff(life, "manager", "Mara", "Nils")
    await life.lived(life.call(seconds=10))
    for kind in ("call", "email", "offer"):
        answer = await life.handle.execute_update(
            names.REQUEST_ACTION_UPDATE, RequestAction(kind, note="please", performed_by=7), result_type=dict
        )
        assert answer["action"].startswith(f"1:centre_{kind}.")
    await life.until(lambda: set(statuses(life).values()) == {"succeeded"} and len(actions(life)) == 3)
    [offer] = [row for row in actions(life).values() if row["action"].startswith("centre_offer")]
    assert offer["performed_by"] == 7
    assert offer["detail"]["code"] in "".join(mail.as_string() for mail in mails(outbox))
    [task] = tasks(life)
    assert (task["staff"], task["note"]) == ("Mara", "please")
    people = life.rows("select id from staff where company_id = %(company)s order by id")
    await life.handle.execute_update(names.REASSIGN_TASK_UPDATE, ReassignTask(task["id"], people[1]["id"], 7))
    assert tasks(life)[0]["staff"] == "Nils"
    await life.handle.execute_update(names.FINISH_TASK_UPDATE, FinishTask(task["id"], "reached her", 7))
    [task] = tasks(life)
    assert (task["status"], task["note"], task["done_by"]) == ("done", "please", 7)
    comments = life.rows("select text, performed_by from task_comments where company_id = %(company)s")
    assert [(row["text"], row["performed_by"]) for row in comments] == [("reached her", 7)]
    shown = readable_json(await life.history())
    assert "finish_task" in shown


async def test_mails_name_the_manager_and_link_to_the_dashboard(life: Life, acting: Worker, outbox: Path) -> None:
    known(life)
    staff(life, "manager", "Mara")
    await life.lived(life.visit(amount="1200.00"))
    await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("at_risk", "to notify the manager"))
    await life.until(lambda: statuses(life).get("notify_account_manager") == "succeeded")
    await life.until(lambda: statuses(life).get("send_vip_benefits_email") == "succeeded")
    texts = {str(mail["Subject"]): mail.get_body(("plain",)) for mail in mails(outbox)}
    bodies = {subject: body.get_content() for subject, body in texts.items() if body is not None}
    [benefits] = [body for subject, body in bodies.items() if subject.startswith("A thank-you from")]
    assert "you have your own contact person, Mara," in benefits.replace("\r\n", "\n")
    assert f"http://127.0.0.1:8000/customers/{life.customer}" in bodies["Customer at risk: Ada"]
    with suppress(RPCError):
        await life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, 1)).terminate("test")


async def test_invalid_staff_requests_are_refused(life: Life, acting: Worker) -> None:
    from temporalio.client import WorkflowUpdateFailedError

    await life.lived(life.call(seconds=10))
    for name, request, word in [
        (names.FINISH_TASK_UPDATE, FinishTask(99), "task"),
        (names.REASSIGN_TASK_UPDATE, ReassignTask(99, 1), "task"),
        (names.RETRY_ACTION_UPDATE, RetryAction(99), "action"),
        (names.REQUEST_ACTION_UPDATE, RequestAction("sing"), "sing"),
    ]:
        with pytest.raises(WorkflowUpdateFailedError) as error:
            await life.handle.execute_update(name, request)
        assert word in str(error.value.cause)
    await life.lived(life.call(seconds=10))


async def test_histories_have_no_personal_data(life: Life, acting: Worker, outbox: Path) -> None:
    known(life, name="Zarathustra", email="zara.secret@example.com", phone="+49301234567890")
    staff(life, "sales", "Benedikta")
    await life.lived(life.call(), life.visit())
    await life.until(lambda: len(mails(outbox)) == 3)
    shown = readable_json(await life.history())
    for word in ("Zarathustra", "zara.secret", "301234567890", "Benedikta", "benedikta@"):
        assert word not in shown


async def test_workflow_details_list_each_action_with_its_outcome(life: Life, acting: Worker) -> None:
    known(life)
    await life.lived(life.call())
    await life.until(lambda: "pending" not in statuses(life).values())
    while "create_follow_up_task: task created, open until somebody closes it" not in (shown := await life.details()):
        await asyncio.sleep(0.1)
    for action in ("send_welcome_email", "assign_to_sales_team"):
        assert f"{action}: succeeded" in shown
