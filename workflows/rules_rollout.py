"""Notify the journeys of one company that a new version of its rules changes, at a limited rate.

The version counts from its own instant for all journeys, whenever they are notified; one that has an event before then
needs no notification. Its id names company and version, so each version is rolled out once.

Journeys that a preview says are moved come first, then the others by their next deadline.
"""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.maintenance import EvaluateChunkRequest, ReportRolloutRequest, RolloutOrder, RolloutStart
    from workflows.company_sweep import evaluate_chunk, run_maintenance_activity

GRACE = 0  # seconds: a deadline that has just passed is evaluated by the journey itself, under the new rules
#: What comes after each order of journeys; the others are the last.
NEXT: dict[RolloutOrder, RolloutOrder] = {"preview": "deadline", "deadline": "none"}
SHOWN = ("version", "total", "looked", "changed", "unanswered", "paused", "newer", "preview_id", "report")


@workflow.defn(name=names.RULES_ROLLOUT)
class RulesRollout:
    @workflow.init
    def __init__(self, start: RolloutStart) -> None:
        self.start = start
        self.chunks = 0
        self._show_progress()

    @workflow.run
    async def run(self, start: RolloutStart) -> dict[str, Any]:
        """Return the progress at the end."""
        if not start.begun:
            summary = f"company {start.company_id}: count journeys"
            start.total = await run_maintenance_activity(
                names.COUNT_JOURNEYS, start.company_id, result_type=int, summary=summary
            )
            start.begun = True
        while not await self._roll_out_chunk():
            if self.chunks >= start.chunks or workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(start)
        if start.order != "id" and not start.newer:
            # those that were not looked at had been decided by the new rules already
            start.looked = max(start.looked, start.total)
        await self._report()
        self._show_progress()
        return self.progress()

    @workflow.query(name=names.PROGRESS_QUERY)
    def progress(self) -> dict[str, Any]:
        """Return the fields of ``RolloutStart`` that are ``SHOWN``."""
        return {name: getattr(self.start, name) for name in SHOWN}

    @workflow.signal(name=names.PAUSE_SIGNAL)
    def pause(self) -> None:
        """Notify no further journey after those of the chunk in progress."""
        self.start.paused = True
        self._show_progress()

    @workflow.signal(name=names.CONTINUE_SIGNAL)
    def continue_(self) -> None:
        self.start.paused = False
        self._show_progress()

    async def _roll_out_chunk(self) -> bool:
        """Notify the journeys of the next chunk; return whether it was the last."""
        start = self.start
        await workflow.wait_condition(lambda: not start.paused)
        request: EvaluateChunkRequest = {
            "company_id": start.company_id,
            "after": start.after,
            "size": start.chunk,
            "rate": start.rate,
            "grace": GRACE,
            "rules_version": start.version,
            "order": start.order,
            "deadline": start.deadline,
            "preview_id": start.preview_id,
        }
        result = await evaluate_chunk(request, start.looked, start.total)
        start.after = result["after"] if result["after"] is not None else start.after
        start.deadline = result.get("deadline", start.deadline)
        start.looked += result["looked"]
        start.changed += result["drifted"]
        start.unanswered += result["unanswered"]
        start.newer = result.get("newer", False)
        self.chunks += 1
        is_last = result["looked"] < start.chunk
        if is_last and not start.newer and start.order in NEXT:
            start.order, start.after, start.deadline = NEXT[start.order], 0, None
            is_last = False
        self._show_progress()
        return start.newer or is_last

    async def _report(self) -> None:
        """Hold what was done against the preview."""
        start = self.start
        if start.preview_id is None or start.newer:
            return
        request: ReportRolloutRequest = {
            "company_id": start.company_id,
            "version": start.version,
            "preview_id": start.preview_id,
        }
        start.report = await run_maintenance_activity(
            names.REPORT_ROLLOUT, request, result_type=dict, summary=f"company {start.company_id}: report"
        )

    def _show_progress(self) -> None:
        start = self.start
        state = " (paused)" if start.paused else " (a newer version replaced it)" if start.newer else ""
        lines = [f"**Version {start.version}**{state}: {start.looked:,} of {start.total:,} journeys\n"]
        lines += [f"- changed: {start.changed:,}", f"- without an answer: {start.unanswered:,}"]
        workflow.set_current_details("\n".join(lines))
