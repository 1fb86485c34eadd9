"""The weekly fit: each company once, in order; one that cannot be fitted does not stop the others."""

from typing import Any

import psycopg
import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.stage_metrics import StageMetricsActivities
from contracts import names, timeouts
from contracts.maintenance import SweepStart
from db.connections import Pool
from tests.support.workflow_life import new_company
from tests.support.workflow_sweeps import run_sweep
from workflows.maintenance import FitReturnModels


@pytest.mark.parametrize("page", [2, 50])
async def test_every_company_is_fitted(
    client: Client, pool: Pool, journeys_url: str, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(timeouts, "FIT_RETRY", RetryPolicy(maximum_attempts=1))
    broken = new_company(journeys_url)
    new_company(journeys_url)
    with psycopg.connect(journeys_url) as connection:
        everybody = [row[0] for row in connection.execute("select id from companies order by id").fetchall()]
    fitted: list[int] = []

    @activity.defn(name=names.FIT_RETURN_MODEL)
    async def fit(company_id: int) -> dict[str, Any]:
        fitted.append(company_id)
        if company_id == broken:
            raise ApplicationError("it does not converge")
        return {"model": "none"}

    async with Worker(
        client,
        task_queue=names.TASK_QUEUE,
        workflows=[FitReturnModels],
        activities=[fit, StageMetricsActivities(pool).list_companies],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        result = await run_sweep(client, names.FIT_RETURN_MODELS, SweepStart(page=page))
    assert fitted == everybody
    expected = {"companies": len(everybody), "failures": 1, "failed": {str(broken): "it does not converge"}}
    assert {name: result[name] for name in expected} == expected
