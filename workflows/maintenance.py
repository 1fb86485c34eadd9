"""The rounds that schedules start: stage metrics and reconciliation every night, return models every week."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.maintenance import Days, DaysWritten, Faults, Overdue, Reconciled
    from workflows.company_sweep import Round, every_company

LANES = 2  # companies at once: a chunk of days is a long statement on one of the worker's connections


@workflow.defn(name=names.STAGE_METRICS)
class StageMetrics:
    """Writes the days of every company's ``journey_stage_metrics`` that are due: those since the last one written,
    those of the last weeks anew, and all from the first that late events or imports touched."""

    @workflow.init
    def __init__(self, start: Round) -> None:
        self.start = start
        start.began = start.began or workflow.now().isoformat()
        start.until = start.until or _day_before(workflow.now())

    @workflow.run
    async def run(self, start: Round) -> dict[str, Any]:
        """``{"companies", "days", "rows", "failures", "failed"}``."""
        return await every_company(start, self._write, LANES, f"Days up to {start.until}")

    async def _write(self, company_id: int) -> None:
        """Chunk by chunk, so that a worker's death costs one of them."""
        following: str | None = None
        while True:
            assert self.start.until is not None
            assert self.start.began is not None
            request: Days = {
                "company_id": company_id,
                "first": following,
                "last": self.start.until,
                "at": self.start.began,
            }
            written: DaysWritten = await workflow.execute_activity(
                names.WRITE_STAGE_METRICS,
                request,
                result_type=DaysWritten,
                schedule_to_close_timeout=names.ROUND_LIMIT,
                heartbeat_timeout=names.ROUND_HEARTBEAT,
                retry_policy=names.ROUND_RETRY,
                summary=f"company {company_id}, from {following or 'the first day due'}",
            )
            self.start.add(days=written["days"], rows=written["rows"])
            following = written["next"]
            if following is None:
                return


@workflow.defn(name=names.RECONCILIATION)
class Reconciliation:
    """Finds journeys whose deadline passed without an evaluation, has them evaluate themselves, and counts the faults.

    A journey keeps its own deadlines: each one found is a fault of the system, unless the fleet is only behind. So
    nothing is called a fault before a second look.
    """

    @workflow.init
    def __init__(self, start: Round) -> None:
        self.start = start
        start.began = start.began or workflow.now().isoformat()

    @workflow.run
    async def run(self, start: Round) -> dict[str, Any]:
        """``{"companies", "overdue", "committing", "missed", "gone", "repaired", "failures", "failed"}``."""
        start.add(overdue=0, committing=0, missed=0, gone=0, repaired=0)
        return await every_company(start, self._reconcile, LANES, f"Deadlines that passed before {self._before()}")

    def _before(self) -> str:
        assert self.start.began is not None
        return (datetime.fromisoformat(self.start.began) - names.GRACE).isoformat()

    async def _reconcile(self, company_id: int) -> None:
        if not (await self._look(company_id, repair=False)).get("overdue"):
            return
        assert self.start.began is not None
        again = datetime.fromisoformat(self.start.began) + timedelta(seconds=self.start.look_again)
        if (pause := again - workflow.now()) > timedelta(0):
            await workflow.sleep(pause, summary=f"company {company_id}: a second look")
        found = await self._look(company_id, repair=True)
        self.start.add(**found)
        if found["missed"] + found["gone"] == 0:
            return
        faults: Faults = {"company_id": company_id, "round": workflow.info().workflow_id, "found": found}
        await workflow.execute_activity(
            names.RECORD_FAULTS,
            faults,
            schedule_to_close_timeout=names.ROUND_LIMIT,
            heartbeat_timeout=names.ROUND_HEARTBEAT,
            retry_policy=names.ROUND_RETRY,
            summary=f"company {company_id}: into the audit log",
        )

    async def _look(self, company_id: int, *, repair: bool) -> Reconciled:
        request: Overdue = {"company_id": company_id, "before": self._before(), "repair": repair}
        found: Reconciled = await workflow.execute_activity(
            names.RECONCILE,
            request,
            result_type=Reconciled,
            schedule_to_close_timeout=names.ROUND_LIMIT,
            heartbeat_timeout=names.ROUND_HEARTBEAT,
            retry_policy=names.ROUND_RETRY,
            summary=f"company {company_id}: {'repair' if repair else 'count'}",
        )
        return found


@workflow.defn(name=names.FIT_RETURN_MODELS)
class FitReturnModels:
    """Has every company's model of return fitted anew, one at a time: a fit takes a core."""

    @workflow.init
    def __init__(self, start: Round) -> None:
        self.start = start

    @workflow.run
    async def run(self, start: Round) -> dict[str, Any]:
        """``{"companies", "failures", "failed"}``."""
        return await every_company(start, self._fit, 1, "Models of return")

    async def _fit(self, company_id: int) -> None:
        await workflow.execute_activity(
            names.FIT_RETURN_MODEL,
            company_id,
            start_to_close_timeout=names.FIT_LIMIT,
            heartbeat_timeout=names.FIT_HEARTBEAT,
            retry_policy=names.FIT_RETRY,
            summary=f"company {company_id}",
        )


def _day_before(now: datetime) -> str:
    return (now.date() - timedelta(days=1)).isoformat()
