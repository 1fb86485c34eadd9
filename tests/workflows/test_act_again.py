"""Actions whose result is lost or late, as after a killed worker: none is repeated, skipped or out of date."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
import temporalio.client
import temporalio.worker
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Worker

from contracts import names
from contracts.messages import RetryAction
from db.connections import Pool
from settings import Settings
from tests.support.outside import MailBehaviour, SmtpServer
from tests.support.workflow_acting import SECRET, actions, known, mails, staff, statuses, tasks
from tests.support.workflow_life import Life
from worker import build_worker

Fate = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
Working = Callable[[Fate], Awaitable[AbstractAsyncContextManager[Worker]]]


class Fated(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Let ``fate`` decide whether ``act`` runs and what becomes of its result."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK's name
        fate = self.fate

        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # the SDK's name
                work = super().execute_activity
                return await (fate(lambda: work(input)) if activity.info().activity_type == names.ACT else work(input))

        return Inbound(next)


@pytest.fixture
def working(temporal_address: str, pool: Pool, tmp_path: Path) -> Working:
    """A worker whose ``act`` is intercepted."""

    async def worker(fate: Fate) -> Worker:
        client = await Client.connect(temporal_address, interceptors=[Fated(fate)])
        return build_worker(client, pool, Settings(link_secret=SECRET, outbox=str(tmp_path)))

    return worker


async def test_next_step_survives_a_lost_result(life: Life, working: Working, tmp_path: Path) -> None:
    async def done_unheard(work: Callable[[], Awaitable[Any]]) -> Any:
        answer = await work()
        if activity.info().attempt == 1:
            raise RuntimeError("the answer is lost")
        return answer

    known(life)
    staff(life, "manager", "Mara")
    async with await working(done_unheard):
        await life.lived(life.visit(amount="1200.00"))
        async with asyncio.timeout(30):
            while "create_quarterly_review: task created" not in (shown := await life.details()):
                await asyncio.sleep(0.1)
    assert statuses(life)["create_quarterly_review.2"] == "pending"
    assert "create_quarterly_review.2: pending" in shown
    assert [task["kind"] for task in tasks(life)] == ["quarterly_review"]
    assert len({mail["Message-ID"] for mail in mails(tmp_path)}) == len(mails(tmp_path)) == 3


async def test_no_campaign_starts_after_the_customer_returned(life: Life, working: Working) -> None:
    back = asyncio.Event()

    async def late(work: Callable[[], Awaitable[Any]]) -> Any:
        await back.wait()
        return await work()

    known(life)
    async with await working(late):
        await life.lived(life.visit(-90.2), life.visit())
        assert life.stages() == ["prospect", "customer", "at_risk", "customer"]
        back.set()
        await life.until(lambda: statuses(life).get("schedule_check_in_call") == "succeeded")
        await life.until(lambda: statuses(life)["create_retention_campaign"] == "cancelled")
    assert life.rows("select * from retention_campaigns where company_id = %(company)s") == []


async def test_a_retry_between_failure_and_result_is_not_lost(life: Life, temporal_address: str, pool: Pool) -> None:
    """Staff see the failure in Postgres before the workflow has the result of the attempt that failed."""
    failed, release = asyncio.Event(), asyncio.Event()

    async def late(work: Callable[[], Awaitable[Any]]) -> Any:
        result = await work()
        failed.set()
        await release.wait()
        return result

    known(life)
    with SmtpServer() as smtp:
        smtp.behaviour = MailBehaviour(answer="550 5.1.1 no such mailbox", at="rcpt", times=1)
        settings = Settings(link_secret=SECRET, smtp_url=smtp.url)
        client = await Client.connect(temporal_address, interceptors=[Fated(late)])
        async with build_worker(client, pool, settings):
            await life.lived(life.call())
            await asyncio.wait_for(failed.wait(), 20)
            mail = actions(life)["send_welcome_email"]
            assert mail["status"] == "failed"
            await life.handle.execute_update(names.RETRY_ACTION_UPDATE, RetryAction(mail["id"]))
            assert statuses(life)["send_welcome_email"] == "pending"
            release.set()
            await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded")
        assert len(smtp.received) == 1
