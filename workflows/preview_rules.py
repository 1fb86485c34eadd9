"""Preview changed rules: compute their effect on every journey of a company, in chunks on the workers.

The results are in Postgres, so only the position crosses a continue-as-new. After a day the workflow deletes them.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.preview_requests import (
        FinishPreviewRequest,
        PlanPreviewRequest,
        PreviewChunkRequest,
        PreviewPlan,
        PreviewRequest,
        PreviewStart,
    )
    from workflows.company_sweep import failure_reason, run_maintenance_activity


@workflow.defn(name=names.PREVIEW_RULES)
class PreviewRules:
    """Its id names company and preview. Cancelled when the preview is deleted."""

    @workflow.init
    def __init__(self, start: PreviewStart) -> None:
        self.start = start
        self.looked = 0

    @workflow.run
    async def run(self, start: PreviewStart) -> int:
        """Return the number of journeys."""
        self._show_progress()
        if not start.finished:
            await self._preview()
            start.finished = True
        await workflow.sleep(timedelta(seconds=start.kept), summary="keep the result")
        await self._run(names.DELETE_PREVIEW, self._preview_request(), "delete the result")
        return start.total

    async def _preview(self) -> None:
        """Compute and record the result, or why there is none."""
        failed = None
        try:
            await self._plan()
            await self._compute()
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            failed = failure_reason(error)
        request: FinishPreviewRequest = {**self._preview_request(), "failed": failed}
        await self._run(names.FINISH_PREVIEW, request, "record the result")

    async def _plan(self) -> None:
        start = self.start
        if start.planned:
            return
        request: PlanPreviewRequest = {**self._preview_request(), "size": start.size}
        plan: PreviewPlan = await run_maintenance_activity(
            names.PLAN_PREVIEW, request, result_type=PreviewPlan, summary=f"company {start.company_id}: count journeys"
        )
        start.total, start.bounds, start.planned = plan["total"], plan["bounds"], True

    async def _compute(self) -> None:
        """Compute all chunks, a few at a time."""
        start = self.start
        await asyncio.gather(*(self._lane() for _ in range(start.lanes)))
        if start.next < len(start.bounds):
            workflow.continue_as_new(start)

    async def _lane(self) -> None:
        """Compute one chunk after the other, until there are no more or the history is long."""
        start = self.start
        while start.next < len(start.bounds) and not workflow.info().is_continue_as_new_suggested():
            chunk = start.next
            start.next += 1
            request: PreviewChunkRequest = {
                **self._preview_request(),
                "chunk": chunk,
                "after": start.bounds[chunk - 1] if chunk else 0,
                "until": start.bounds[chunk],
            }
            await self._run(names.PREVIEW_CHUNK, request, f"chunk {chunk + 1:,} of {len(start.bounds):,}")
            self._show_progress()

    async def _run(self, name: str, request: object, summary: str) -> None:
        await run_maintenance_activity(name, request, summary=f"company {self.start.company_id}: {summary}")

    def _preview_request(self) -> PreviewRequest:
        return {"company_id": self.start.company_id, "preview_id": self.start.preview_id}

    def _show_progress(self) -> None:
        start = self.start
        workflow.set_current_details(
            f"**Preview {start.preview_id}**: chunk {start.next:,} of {len(start.bounds):,}, {start.total:,} journeys"
        )
