"""Notify the journeys of one company that a new version of its rules changes, at a limited rate.

The version counts from its own instant for all journeys, whenever they are notified; one that has an event before then
needs no notification. Its id names company and version, so each version is rolled out once.
"""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.maintenance import EvaluateChunkRequest, EvaluateChunkResult, RolloutStart
    from workflows.company_sweep import run_maintenance_activity

GRACE = 0  # seconds: a deadline that has just passed is evaluated by the journey itself, under the new rules


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
        return self.progress()

    @workflow.query(name=names.PROGRESS_QUERY)
    def progress(self) -> dict[str, Any]:
        """Return ``version``, ``total``, ``looked``, ``changed``, ``unanswered``, ``paused`` and ``newer``."""
        start = self.start
        shown = ("version", "total", "looked", "changed", "unanswered", "paused", "newer")
        return {name: getattr(start, name) for name in shown}

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
        """Tell the journeys of the next chunk; return whether it was the last."""
        start = self.start
        await workflow.wait_condition(lambda: not start.paused)
        request: EvaluateChunkRequest = {
            "company_id": start.company_id,
            "after": start.after,
            "size": start.chunk,
            "rate": start.rate,
            "grace": GRACE,
            "rules_version": start.version,
        }
        result: EvaluateChunkResult = await run_maintenance_activity(
            names.EVALUATE_CHUNK,
            request,
            result_type=EvaluateChunkResult,
            summary=f"company {start.company_id}: {start.looked:,} of {start.total:,}",
        )
        start.after = result["after"] if result["after"] is not None else start.after
        start.looked += result["looked"]
        start.changed += result["drifted"]
        start.unanswered += result["unanswered"]
        start.newer = result.get("newer", False)
        self.chunks += 1
        self._show_progress()
        return start.newer or result["looked"] < start.chunk

    def _show_progress(self) -> None:
        start = self.start
        state = " (paused)" if start.paused else " (a newer version replaced it)" if start.newer else ""
        lines = [f"**Version {start.version}**{state}: {start.looked:,} of {start.total:,} journeys\n"]
        lines += [f"- changed: {start.changed:,}", f"- without an answer: {start.unanswered:,}"]
        workflow.set_current_details("\n".join(lines))
