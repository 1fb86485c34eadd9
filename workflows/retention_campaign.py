"""Retention campaign: a sequence of outreach to an at-risk customer, ended when the journey leaves the stage."""

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.messages import CampaignStart
    from contracts.requests import ActRequest, ActResult
    from journey.time import utc_text
    from workflows.pending_actions import act, act_with_retries, name_of, now


@workflow.defn(name=names.CAMPAIGN)
class RetentionCampaign:
    """Its id is ``campaign/{company}/{customer}/{n}``.

    Every step is a row of ``journey_actions``. The commit that leaves the stage cancels those rows, so nothing is sent
    even before this workflow receives the signal to end.
    """

    @workflow.init
    def __init__(self, start: CampaignStart) -> None:
        self.start = start
        self.end_reason: str | None = None
        self.outcomes: dict[str, str] = {}
        self._show_details()

    @workflow.run
    async def run(self, start: CampaignStart) -> dict[str, str]:
        """Do each step when it is due; return the outcome of each."""
        for action_ref, due in start.steps:
            step = asyncio.create_task(self._run_step(action_ref, due))
            await workflow.wait_condition(lambda: self.end_reason is not None or step.done())  # noqa: B023
            if self.end_reason is not None and not step.done():
                step.cancel()
                break
            await step
            self._show_details()
        if remaining := [ref for ref, _ in start.steps if ref not in self.outcomes]:
            request = self._request(remaining)
            request["cancelled"] = self.end_reason or "ended"
            result = await act(request, summary="cancel: " + ", ".join(map(name_of, remaining)))
            self.outcomes |= result.get("done", {})
        self._show_details()
        return {name_of(ref): outcome for ref, outcome in self.outcomes.items()}

    @workflow.signal(name=names.END_SIGNAL)
    def end(self, reason: str = "ended") -> None:
        """End the campaign, because the journey has left the stage or was erased."""
        self.end_reason = reason

    async def _run_step(self, action_ref: str, due: int) -> None:
        """Wait until a step is due, and for as long as it is held back; then try it until it is settled."""
        while True:
            if (delay := due - now()) > 0:
                await workflow.sleep(timedelta(microseconds=delay), summary=name_of(action_ref))
            result = await self._attempt(action_ref)
            if outcome := result.get("done", {}).get(action_ref):
                self.outcomes[action_ref] = outcome
                return
            due = result.get("until", {}).get(action_ref, now())

    async def _attempt(self, action_ref: str) -> ActResult:
        result = await act(self._request([action_ref]), summary=name_of(action_ref))
        if reason := result.get("again", {}).get(action_ref):
            return await act_with_retries(self.start.company_id, self.start.customer_id, action_ref, reason)
        return result

    def _request(self, action_refs: list[str]) -> ActRequest:
        company_id, customer_id = self.start.company_id, self.start.customer_id
        return {"company_id": company_id, "customer_id": customer_id, "now": now(), "tails": action_refs}

    def _show_details(self) -> None:
        steps = ((name_of(ref), self.outcomes.get(ref) or f"due {utc_text(due)}") for ref, due in self.start.steps)
        lines = [f"- {name}: {outcome}" for name, outcome in steps]
        workflow.set_current_details("**Campaign**\n\n" + "\n".join(lines))
