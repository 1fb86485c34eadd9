"""Deadlines that passed without an evaluation are found, repaired and counted; what is not overdue is left alone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig
from temporalio.testing import ActivityEnvironment

from activities.reconcile import ReconcileActivities
from contracts import names
from contracts.journey_client import workflow_status
from contracts.journey_workflows import JourneyWorkflows
from contracts.maintenance import FAULTS, SweepStart
from db.connections import Pool
from db.operations import maintenance
from settings import Settings
from tests.support.logs import warned
from tests.support.workflow_life import Life, at
from tests.support.workflow_sweeps import run_sweep
from worker import build_worker

SOON = timedelta(minutes=10)  # a sweep that began this much later considers what passes now as overdue


def sweep_later(company: int) -> SweepStart:
    began = datetime.now(UTC) + SOON
    return SweepStart(company=company, began=began.isoformat(), look_again=-SOON.total_seconds())


async def about_to_lapse(life: Life) -> None:
    """At risk within a second by the rules, but the workflow sleeps for hours."""
    await life.start(spread=10**7)
    deadline = datetime.now(UTC) + timedelta(seconds=1)
    await life.lived(life.visit(occurred_at=at(-90, now=deadline)))
    await life.until(lambda: datetime.now(UTC) > deadline)


def audited(life: Life) -> list[dict[str, Any]]:
    return life.rows("select * from audit_log where company_id = %(company)s and action = 'reconcile'")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def buffer() -> MetricBuffer:
    return MetricBuffer(10_000)


@pytest_asyncio.fixture
async def measured(temporal_address: str, pool: Pool, buffer: MetricBuffer) -> AsyncIterator[Client]:
    """A client with a running worker whose metrics go to ``buffer``."""
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    client = await Client.connect(temporal_address, runtime=runtime)
    async with build_worker(client, pool, Settings()):
        yield client


def counted(buffer: MetricBuffer) -> int:
    updates = buffer.retrieve_updates()
    return int(sum(u.value for u in updates if u.metric.name == "perdure_reconciled_total"))


async def test_a_missed_deadline_is_repaired_and_counted(life: Life, measured: Client, buffer: MetricBuffer) -> None:
    await about_to_lapse(life)
    assert life.stages() == ["prospect", "customer"]
    with warned() as records:
        result = await run_sweep(measured, names.RECONCILIATION, sweep_later(life.company))
    assert life.stages() == ["prospect", "customer", "at_risk"]
    found = {"overdue": 1, "committing": 0, "missed": 1, "gone": 0, "behind": 0, "ahead": 0, "repaired": 1}
    assert {name: result[name] for name in found} == found
    [entry] = audited(life)
    assert (entry["actor"], entry["details"]) == ("reconciliation", found)
    assert entry["subject"].startswith("Reconciliation-"), "the workflow, where all of it can be seen"
    assert any("passed without an evaluation" in record.getMessage() for record in records)
    assert counted(buffer) == 1
    # the next night finds nothing, and writes nothing
    assert (await run_sweep(measured, names.RECONCILIATION, SweepStart(company=life.company)))["overdue"] == 0
    assert len(audited(life)) == 1


@pytest.mark.usefixtures("worker")
async def test_a_journey_that_is_gone_is_restarted_from_its_row(life: Life) -> None:
    await about_to_lapse(life)
    await life.handle.terminate("by an operator")
    result = await run_sweep(life.client, names.RECONCILIATION, sweep_later(life.company))
    assert (result["gone"], result["missed"], result["repaired"]) == (1, 0, 1)
    assert life.stages() == ["prospect", "customer", "at_risk"]
    assert await workflow_status(life.client, life.company, life.customer) == "running"
    await life.settled()


@pytest.mark.usefixtures("worker")
async def test_a_recently_written_journey_is_not_overdue(life: Life, pool: Pool) -> None:
    """An import or an outage of Postgres may delay it: the row has the time of the last commit."""
    await about_to_lapse(life)
    now = datetime.now(UTC)
    assert [late.customer_id for late in await maintenance.overdue_journeys(pool, life.company, now, limit=9)] == [
        "c-1"
    ]
    row = life.row()
    assert await maintenance.overdue_journeys(pool, life.company, row["updated_at"], limit=9) == []
    assert await maintenance.overdue_journeys(pool, life.company, row["next_deadline"], limit=9) == []
    # a deadline that passed within the last minutes is no fault: wake-ups are jittered
    assert (await run_sweep(life.client, names.RECONCILIATION, SweepStart(company=life.company)))["overdue"] == 0
    assert life.stages()[-1] == "customer"


async def test_a_commit_that_waits_for_postgres_is_no_fault(
    life: Life, client: Client, pool: Pool, buffer: MetricBuffer
) -> None:
    async with build_worker(client, pool, Settings()):
        await about_to_lapse(life)

    class Waiting(JourneyWorkflows):
        async def status(self, company_id: int, customer_id: str) -> Any:
            return "committing"

        async def request_evaluation(self, company_id: int, customer_id: str) -> None:
            raise AssertionError("an evaluation was requested")

    meter = Runtime(telemetry=TelemetryConfig()).metric_meter
    request: Any = {"company_id": life.company, "before": at(1), "repair": True}
    found = await ActivityEnvironment().run(ReconcileActivities(pool, Waiting(client), meter).reconcile, request)
    assert (found["overdue"], found["committing"], found["repaired"]) == (1, 1, 0)
    assert not any(found[fault] for fault in FAULTS)


async def test_a_waiting_commit_is_visible(life: Life, temporal_address: str, pool: Pool, journeys_url: str) -> None:
    """The regular commit that waits for Postgres, as Temporal describes it."""
    client = await Client.connect(temporal_address)
    assert await workflow_status(client, life.company, life.customer) == "gone"
    async with build_worker(client, pool, Settings()):
        await life.lived(life.call())
        assert await workflow_status(client, life.company, life.customer) == "running"
        with psycopg.connect(journeys_url, autocommit=True) as admin:
            admin.execute("revoke update on customer_relationships from perdure_app")
            try:
                await life.send(life.visit())
                await _until_committing(client, life)
            finally:
                admin.execute("grant update on customer_relationships to perdure_app")
        await life.until(lambda: "e-2" in life.applied(), 60)


async def _until_committing(client: Client, life: Life) -> None:
    end = datetime.now(UTC) + timedelta(seconds=20)
    while await workflow_status(client, life.company, life.customer) != "committing":
        assert datetime.now(UTC) < end
