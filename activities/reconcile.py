"""Reconciliation: find deadlines that passed without an evaluation, have them evaluated, and count the faults."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from temporalio import activity
from temporalio.common import MetricMeter

from activities.evaluation_requests import COMMIT_TIMEOUT, RequestEvaluation, request_or_log, unchanged
from activities.maintenance_attempts import maintenance_attempt
from contracts import names
from contracts.journey_client import WorkflowStatus
from contracts.maintenance import ReconcileRequest, ReconcileResult, RecordFaultsRequest
from db.connections import Pool, tenant_transaction
from db.operations import maintenance
from db.operations.maintenance import OverdueJourney
from db.people import audit_log

CHUNK = 200  # journeys at a time

#: ``contracts.journey_client.workflow_status`` with its client: takes the company and the customer.
GetWorkflowStatus = Callable[[int, str], Awaitable[WorkflowStatus]]


class ReconcileActivities:
    """The activities ``reconcile`` and ``record_faults``, and their dependencies."""

    def __init__(
        self,
        pool: Pool,
        workflow_status: GetWorkflowStatus,
        request_evaluation: RequestEvaluation,
        meter: MetricMeter,
    ) -> None:
        self._pool, self._workflow_status, self._request_evaluation = pool, workflow_status, request_evaluation
        self._faults = meter.create_counter(
            "perdure_reconciled_total", "deadlines that passed without an evaluation, found by the reconciliation"
        )
        self._faults.add(0)  # so that the series exists before the first fault, and a rate can be computed

    @activity.defn(name=names.RECONCILE)
    async def reconcile(self, request: ReconcileRequest) -> ReconcileResult:
        """Count a company's overdue journeys, or have each evaluated and see which of them commit.

        What a previous attempt repaired is in its heartbeat, so it is counted once.
        """
        async with maintenance_attempt() as progress:
            company_id, before = request["company_id"], datetime.fromisoformat(request["before"])
            if not request["repair"]:
                return {"overdue": len(await maintenance.overdue_journeys(self._pool, company_id, before, limit=CHUNK))}
            result: ReconcileResult = {"overdue": 0, "committing": 0, "missed": 0, "gone": 0, "repaired": 0}
            after: tuple[str, int] = ("-infinity", 0)
            if progress.done is not None:
                after, result = progress.done
            while chunk := await maintenance.overdue_journeys(self._pool, company_id, before, after=after, limit=CHUNK):
                await self._repair(company_id, chunk, result)
                after = (chunk[-1].deadline, chunk[-1].relationship_id)
                progress.save([after, result])
        return result

    @activity.defn(name=names.RECORD_FAULTS)
    async def record_faults(self, request: RecordFaultsRequest) -> None:
        """Write a company's faults to its audit log, once per sweep; log and count them."""
        async with maintenance_attempt():
            company_id, result = request["company_id"], request["found"]
            async with tenant_transaction(self._pool, company_id) as connection:
                if await audit_log.is_recorded(connection, company_id, "reconcile", request["round"]):
                    return
                await audit_log.record(connection, company_id, "reconciliation", "reconcile", request["round"], result)
        numbers = ", ".join(f"{name} {number}" for name, number in result.items())
        activity.logger.warning(f"company {company_id}: deadlines passed without an evaluation: {numbers}")
        self._faults.add(result["missed"] + result["gone"])

    async def _repair(self, company_id: int, chunk: list[OverdueJourney], result: ReconcileResult) -> None:
        """Ask the journeys that are faults to evaluate themselves, wait for their commits, and count both."""
        requested: dict[int, int] = {}
        for journey in chunk:
            status = await self._workflow_status(company_id, journey.customer_id)
            result["overdue"] += 1
            if status == "committing":
                result["committing"] += 1
                continue
            result["gone" if status == "gone" else "missed"] += 1
            if await request_or_log(self._request_evaluation, company_id, journey.customer_id):
                requested[journey.relationship_id] = journey.version
        result["repaired"] += len(requested) - len(await unchanged(self._pool, company_id, requested, COMMIT_TIMEOUT))
