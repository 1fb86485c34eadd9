"""Evaluate every journey of one company, or of all; a journey that this changes has drifted."""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.maintenance import EvaluateAllStart, EvaluateChunkRequest
    from workflows.company_sweep import (
        MAX_REASONS,
        evaluate_chunk,
        failure_reason,
        list_companies,
        run_maintenance_activity,
    )

MAX_CHANGES = 200  # drifted journeys that are described in the result


@workflow.defn(name=names.EVALUATE_ALL)
class EvaluateAll:
    """Its id is ``evaluate-all/{company}``: a second request joins the workflow that is running."""

    @workflow.init
    def __init__(self, start: EvaluateAllStart) -> None:
        self.start = start
        self.chunks = 0
        self._show_progress()

    @workflow.run
    async def run(self, start: EvaluateAllStart) -> dict[str, Any]:
        """Return ``{"companies", "evaluated", "drifted", "unanswered", "changes" (the first 200), "failed"}``."""
        while start.begun or await self._next_company():
            try:
                while await self._evaluate_chunk():
                    self._continue_as_new_early()
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                if len(start.failed) < MAX_REASONS:
                    start.failed[str(start.current)] = failure_reason(error)
            start.companies += 1
            start.begun = False
            if start.company is not None:
                break
            self._continue_as_new_early()
        self._show_progress()
        reported = ("companies", "evaluated", "drifted", "unanswered", "changes", "failed")
        return {name: getattr(start, name) for name in reported}

    @workflow.query(name=names.PROGRESS_QUERY)
    def progress(self) -> dict[str, Any]:
        """Return ``company``, ``looked`` and ``total`` of the current company; ``evaluated`` and ``drifted`` of all."""
        start = self.start
        return {
            "company": start.current,
            "looked": start.looked_here,
            "total": start.total,
            "evaluated": start.evaluated,
            "drifted": start.drifted,
        }

    async def _next_company(self) -> bool:
        """Begin with the next company; return whether there is one."""
        start = self.start
        page = await list_companies(start.current, 1) if start.company is None else [start.company]
        if page:
            start.current, start.begun, start.after, start.looked_here = page[0], True, 0, 0
            start.total = await self._count_journeys()
        return bool(page)

    def _continue_as_new_early(self) -> None:
        if self.chunks >= self.start.chunks or workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(self.start)

    async def _count_journeys(self) -> int:
        """Return the company's number of journeys; 0 if it cannot be read, because it only serves the progress."""
        company_id = self.start.current
        try:
            total: int = await run_maintenance_activity(
                names.COUNT_JOURNEYS, company_id, result_type=int, summary=f"company {company_id}: count journeys"
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            return 0
        return total

    async def _evaluate_chunk(self) -> bool:
        """Evaluate one chunk; return whether there may be another."""
        start = self.start
        request: EvaluateChunkRequest = {
            "company_id": start.current,
            "after": start.after,
            "size": start.chunk,
            "rate": start.rate,
            "grace": start.grace,
        }
        result = await evaluate_chunk(request, start.looked_here, start.total)
        start.after = result["after"] if result["after"] is not None else start.after
        start.looked_here += result["looked"]
        start.evaluated += result["looked"]
        start.drifted += result["drifted"]
        start.unanswered += result["unanswered"]
        start.changes = (start.changes + result["changes"])[:MAX_CHANGES]
        self.chunks += 1
        self._show_progress()
        return result["looked"] == start.chunk

    def _show_progress(self) -> None:
        start = self.start
        sums = {"evaluated": start.evaluated, "drifted": start.drifted, "unanswered": start.unanswered}
        lines = [f"**Company {start.current}**: {start.looked_here:,} of {start.total:,} journeys\n"]
        lines += [f"- {name}: {number:,}" for name, number in sums.items()]
        lines += [f"- company {company_id} **failed**: {reason}" for company_id, reason in start.failed.items()]
        workflow.set_current_details("\n".join(lines))
