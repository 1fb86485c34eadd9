"""Reconciliation: find journeys that missed a deadline or are lost, have them evaluated, and count the faults."""

from datetime import datetime

from temporalio import activity
from temporalio.common import MetricMeter

from activities.evaluation_requests import COMMIT_TIMEOUT, request_or_log, rows_written, unchanged
from activities.lost_journeys import Loss, lost_in_company, without_row
from activities.maintenance_attempts import Progress, maintenance_attempt
from contracts import names
from contracts.journey_workflows import JourneyWorkflows
from contracts.maintenance import FAULTS, ReconcileRequest, ReconcileResult, RecordFaultsRequest
from db.connections import Pool, tenant_transaction
from db.operations import maintenance
from db.operations.maintenance import JourneyKey, OverdueJourney
from db.people import audit_log

CHUNK = 200  # journeys at a time


class ReconcileActivities:
    """The activities ``reconcile`` and ``record_faults``, and their dependencies."""

    def __init__(self, pool: Pool, workflows: JourneyWorkflows, meter: MetricMeter) -> None:
        self._pool, self._workflows = pool, workflows
        self._faults = meter.create_counter(
            "perdure_reconciled_total", "journeys that missed a deadline or were lost, found by the reconciliation"
        )
        self._faults.add(0)  # so that the series exists before the first fault, and a rate can be computed

    @activity.defn(name=names.RECONCILE)
    async def reconcile(self, request: ReconcileRequest) -> ReconcileResult:
        """Count a company's faults, or have each journey evaluated and see which of them commit.

        What a previous attempt repaired is in its heartbeat, so it is counted once.
        """
        async with maintenance_attempt() as progress:
            company_id, before = request["company_id"], datetime.fromisoformat(request["before"])
            if not request["repair"]:
                return await self._look(company_id, before)
            result: ReconcileResult = {"overdue": 0, "committing": 0, "repaired": 0}
            result |= {"missed": 0, "gone": 0, "behind": 0, "ahead": 0}
            after: tuple[str, int] = ("-infinity", 0)
            lost_after: int | None = None
            if progress.done is not None:
                after, result, *more = progress.done
                [lost_after] = more or [None]
            unrepaired: set[int] = set()
            if lost_after is None:
                unrepaired = await self._repair_overdue(company_id, before, after, result, progress)
            await self._repair_lost(company_id, lost_after or 0, unrepaired, result, progress)
        return result

    async def _look(self, company_id: int, before: datetime) -> ReconcileResult:
        """Return what is found first; empty if nothing is."""
        if overdue := await maintenance.overdue_journeys(self._pool, company_id, before, limit=CHUNK):
            return {"overdue": len(overdue)}
        async for _, lost in lost_in_company(self._pool, self._workflows, company_id):
            for _, kind in lost:
                return _counted(kind)
        async for customers in without_row(self._pool, self._workflows, company_id):
            if customers:
                return _counted("ahead")
        return {"overdue": 0}

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
        activity.logger.warning(
            f"company {company_id}: deadlines passed without an evaluation, or journeys were lost: {numbers}"
        )
        self._faults.add(sum(result.get(fault, 0) for fault in FAULTS))

    # -- repairs ------------------------------------------------------------------------------------------------------

    async def _repair_overdue(
        self, company_id: int, before: datetime, after: tuple[str, int], result: ReconcileResult, progress: Progress
    ) -> set[int]:
        """Repair the journeys whose deadline passed; return those that did not commit."""
        unrepaired: set[int] = set()
        while chunk := await maintenance.overdue_journeys(self._pool, company_id, before, after=after, limit=CHUNK):
            unrepaired |= await self._repair_chunk(company_id, chunk, result)
            after = (chunk[-1].deadline, chunk[-1].relationship_id)
            progress.save([after, result])
        return unrepaired

    async def _repair_chunk(self, company_id: int, chunk: list[OverdueJourney], result: ReconcileResult) -> set[int]:
        """Ask the journeys that are faults to evaluate themselves, wait for their commits, and count both."""
        requested: list[JourneyKey] = []
        for journey in chunk:
            status = await self._workflows.status(company_id, journey.customer_id)
            result["overdue"] += 1
            if status == "committing":
                result["committing"] += 1
                continue
            result["gone" if status == "gone" else "missed"] += 1
            requested.append(JourneyKey(journey.relationship_id, journey.customer_id, journey.version))
        return await self._evaluate(company_id, requested, result)

    async def _repair_lost(
        self, company_id: int, after: int, counted: set[int], result: ReconcileResult, progress: Progress
    ) -> None:
        """Repair the journeys whose workflow and row differ in version, except those that are ``counted`` already."""
        async for last, lost in lost_in_company(self._pool, self._workflows, company_id, after):
            found = [(key, kind) for key, kind in lost if key.relationship_id not in counted]
            for _, kind in found:
                result[kind] += 1
            await self._evaluate(company_id, [key for key, _ in found], result)
            progress.save([("infinity", 0), result, last])
        async for customers in without_row(self._pool, self._workflows, company_id):
            result["ahead"] += len(customers)
            for customer_id in customers:
                await request_or_log(self._workflows, company_id, customer_id)
            result["repaired"] += len(await rows_written(self._pool, company_id, customers, COMMIT_TIMEOUT))

    async def _evaluate(self, company_id: int, journeys: list[JourneyKey], result: ReconcileResult) -> set[int]:
        """Ask journeys to evaluate themselves and count those that commit; return the others."""
        requested = {
            journey.relationship_id: journey.version
            for journey in journeys
            if await request_or_log(self._workflows, company_id, journey.customer_id or "")
        }
        silent = await unchanged(self._pool, company_id, requested, COMMIT_TIMEOUT)
        result["repaired"] += len(requested) - len(silent)
        return silent | ({journey.relationship_id for journey in journeys} - requested.keys())


def _counted(kind: Loss) -> ReconcileResult:
    result: ReconcileResult = {"overdue": 0}
    result[kind] = 1
    return result
