"""Every journey of a company, or of all, evaluated: what finds something to do has found drift."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.maintenance import Chunk, Evaluated, Evaluation
    from workflows.company_sweep import NAMED, companies, why

SHOWN = 200  # changes that are told in full


@workflow.defn(name=names.EVALUATE_ALL)
class EvaluateAll:
    """Its id is ``evaluate-all/{company}``: who asks while it runs joins it."""

    @workflow.init
    def __init__(self, start: Evaluation) -> None:
        self.start = start
        self.chunks = 0
        self._show()

    @workflow.run
    async def run(self, start: Evaluation) -> dict[str, Any]:
        """``{"companies", "evaluated", "drifted", "unanswered", "changes" (the first 200), "failed"}``."""
        while start.begun or await self._next_company():
            try:
                while await self._chunk():
                    self._continue_as_new_early()
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                if len(start.failed) < NAMED:
                    start.failed[str(start.current)] = why(error)
            start.companies += 1
            start.begun = False
            if start.company is not None:
                break
            self._continue_as_new_early()
        self._show()
        names_of = ("companies", "evaluated", "drifted", "unanswered", "changes", "failed")
        return {name: getattr(start, name) for name in names_of}

    @workflow.query(name=names.PROGRESS_QUERY)
    def progress(self) -> dict[str, Any]:
        """``{"company", "looked", "total"}`` of the company under way, and ``evaluated``, ``drifted`` of all so far."""
        start = self.start
        return {
            "company": start.current,
            "looked": start.looked_here,
            "total": start.total,
            "evaluated": start.evaluated,
            "drifted": start.drifted,
        }

    async def _next_company(self) -> bool:
        """Begin with the next company, if there is one."""
        start = self.start
        found = await companies(start.current, 1) if start.company is None else [start.company]
        if found:
            start.current, start.begun, start.after, start.looked_here = found[0], True, 0, 0
            start.total = await self._count()
        return bool(found)

    def _continue_as_new_early(self) -> None:
        if self.chunks >= self.start.chunks or workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self.start)

    async def _count(self) -> int:
        """How many journeys the company has; only progress is made of it."""
        try:
            total: int = await workflow.execute_activity(
                names.COUNT_JOURNEYS,
                self.start.current,
                result_type=int,
                schedule_to_close_timeout=names.ROUND_LIMIT,
                heartbeat_timeout=names.ROUND_HEARTBEAT,
                retry_policy=names.ROUND_RETRY,
                summary=f"company {self.start.current}: how many",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return 0
        return total

    async def _chunk(self) -> bool:
        """Evaluate one chunk; whether there may be another."""
        start = self.start
        request: Chunk = {
            "company_id": start.current,
            "after": start.after,
            "size": start.chunk,
            "rate": start.rate,
            "grace": start.grace,
        }
        found: Evaluated = await workflow.execute_activity(
            names.EVALUATE_CHUNK,
            request,
            result_type=Evaluated,
            schedule_to_close_timeout=names.ROUND_LIMIT,
            heartbeat_timeout=names.ROUND_HEARTBEAT,
            retry_policy=names.ROUND_RETRY,
            summary=f"company {start.current}: {start.looked_here:,} of {start.total:,}",
        )
        start.after = found["after"] if found["after"] is not None else start.after
        start.looked_here += found["looked"]
        start.evaluated += found["looked"]
        start.drifted += found["drifted"]
        start.unanswered += found["unanswered"]
        start.changes = (start.changes + found["changes"])[:SHOWN]
        self.chunks += 1
        self._show()
        return found["looked"] == start.chunk

    def _show(self) -> None:
        start = self.start
        sums = {"evaluated": start.evaluated, "drifted": start.drifted, "without an answer": start.unanswered}
        lines = [f"**Company {start.current}**: {start.looked_here:,} of {start.total:,} journeys\n"]
        lines += [f"- {name}: {number:,}" for name, number in sums.items()]
        lines += [f"- company {company_id} **failed**: {reason}" for company_id, reason in start.failed.items()]
        workflow.set_current_details("\n".join(lines))
