"""Sweeps started by schedules: stage metrics and reconciliation every night, return models every week."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names, timeouts
    from contracts.maintenance import (
        FAULTS,
        ReconcileRequest,
        ReconcileResult,
        RecordFaultsRequest,
        StageMetricsRequest,
        StageMetricsResult,
        SweepStart,
    )
    from workflows.company_sweep import add_to_sums, run_maintenance_activity, sweep_companies

CONCURRENCY = 2  # companies: a chunk of days is a long statement on one of the worker's connections


@workflow.defn(name=names.STAGE_METRICS)
class StageMetrics:
    """Write the days of every company's ``journey_stage_metrics`` that are due.

    Due are the days since the last one written, the last weeks again, and everything since the first day that late
    events or imports affected.
    """

    @workflow.init
    def __init__(self, start: SweepStart) -> None:
        self.start = start
        start.began = start.began or workflow.now().isoformat()
        start.until = start.until or _day_before(workflow.now())

    @workflow.run
    async def run(self, start: SweepStart) -> dict[str, Any]:
        """Return ``{"companies", "days", "rows", "failures", "failed"}``."""
        return await sweep_companies(start, self._write, CONCURRENCY, f"Stage metrics up to {start.until}")

    async def _write(self, company_id: int) -> None:
        """Write one company's days in chunks, so that the death of a worker costs only one of them."""
        next_day: str | None = None
        while True:
            assert self.start.until is not None
            assert self.start.began is not None
            request: StageMetricsRequest = {
                "company_id": company_id,
                "first": next_day,
                "last": self.start.until,
                "at": self.start.began,
            }
            written: StageMetricsResult = await run_maintenance_activity(
                names.WRITE_STAGE_METRICS,
                request,
                result_type=StageMetricsResult,
                summary=f"company {company_id}, from {next_day or 'the first day due'}",
            )
            add_to_sums(self.start, days=written["days"], rows=written["rows"])
            next_day = written["next"]
            if next_day is None:
                return


@workflow.defn(name=names.RECONCILIATION)
class Reconciliation:
    """Find journeys whose deadline passed without an evaluation or that are lost, have them evaluated, and count them.

    A journey keeps its own deadlines, so each one found is a fault, unless the fleet is merely behind. Therefore a
    company is checked twice before anything is called a fault.
    """

    @workflow.init
    def __init__(self, start: SweepStart) -> None:
        self.start = start
        start.began = start.began or workflow.now().isoformat()

    @workflow.run
    async def run(self, start: SweepStart) -> dict[str, Any]:
        """Return ``companies``, the sums of ``ReconcileResult``, ``failures`` and ``failed``."""
        add_to_sums(start, overdue=0, committing=0, missed=0, gone=0, behind=0, ahead=0, repaired=0)
        return await sweep_companies(start, self._reconcile, CONCURRENCY, f"Deadlines missed before {self._before()}")

    def _before(self) -> str:
        assert self.start.began is not None
        return (datetime.fromisoformat(self.start.began) - timeouts.OVERDUE_GRACE).isoformat()

    async def _reconcile(self, company_id: int) -> None:
        if not any((await self._check(company_id, repair=False)).values()):
            return
        assert self.start.began is not None
        recheck_at = datetime.fromisoformat(self.start.began) + timedelta(seconds=self.start.look_again)
        if (delay := recheck_at - workflow.now()) > timedelta(0):
            await workflow.sleep(delay, summary=f"company {company_id}: wait for the recheck")
        result = await self._check(company_id, repair=True)
        add_to_sums(self.start, **result)
        if not any(result.get(fault) for fault in FAULTS):
            return
        faults: RecordFaultsRequest = {
            "company_id": company_id,
            "round": workflow.info().workflow_id,
            "found": result,
        }
        await run_maintenance_activity(names.RECORD_FAULTS, faults, summary=f"company {company_id}: audit log")

    async def _check(self, company_id: int, *, repair: bool) -> ReconcileResult:
        request: ReconcileRequest = {"company_id": company_id, "before": self._before(), "repair": repair}
        result: ReconcileResult = await run_maintenance_activity(
            names.RECONCILE,
            request,
            result_type=ReconcileResult,
            summary=f"company {company_id}: {'repair' if repair else 'check'}",
        )
        return result


@workflow.defn(name=names.FIT_RETURN_MODELS)
class FitReturnModels:
    """Refit every company's return model, one company at a time because a fit uses a whole core."""

    @workflow.init
    def __init__(self, start: SweepStart) -> None:
        self.start = start

    @workflow.run
    async def run(self, start: SweepStart) -> dict[str, Any]:
        """Return ``{"companies", "failures", "failed"}``."""
        return await sweep_companies(start, self._fit, 1, "Return models")

    async def _fit(self, company_id: int) -> None:
        await workflow.execute_activity(
            names.FIT_RETURN_MODEL,
            company_id,
            start_to_close_timeout=timeouts.FIT_TIMEOUT,
            heartbeat_timeout=timeouts.FIT_HEARTBEAT,
            retry_policy=timeouts.FIT_RETRY,
            summary=f"company {company_id}",
        )


def _day_before(now: datetime) -> str:
    return (now.date() - timedelta(days=1)).isoformat()
