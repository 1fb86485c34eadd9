"""The drip of outreach that an at-risk customer gets; it ends at once when the journey leaves the stage."""

import asyncio
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.messages import CampaignStart
    from contracts.requests import ActRequest, ActResult
    from journey.time import utc_text
    from workflows.pending_actions import act, act_patiently, name_of, now


@workflow.defn(name=names.CAMPAIGN)
class RetentionCampaign:
    """Its id is ``campaign/{company}/{customer}/{n}``. Every step stands in ``journey_actions``, where it is cancelled
    in the commit that leaves the stage, so that nothing goes out even before this workflow hears of it."""

    @workflow.init
    def __init__(self, start: CampaignStart) -> None:
        self.start = start
        self.ended: str | None = None
        self.outcomes: dict[str, str] = {}
        self._show()

    @workflow.run
    async def run(self, start: CampaignStart) -> dict[str, str]:
        """Each step at its time; the outcome of each."""
        for tail, due in start.steps:
            step = asyncio.create_task(self._step(tail, due))
            await workflow.wait_condition(lambda: self.ended is not None or step.done())  # noqa: B023
            if self.ended is not None and not step.done():
                step.cancel()
                break
            await step
            self._show()
        if left := [tail for tail, _ in start.steps if tail not in self.outcomes]:
            request = self._request(left)
            request["cancelled"] = self.ended or "ended"
            self.outcomes |= (await act(request, summary="cancelled: " + ", ".join(map(name_of, left)))).get("done", {})
        self._show()
        return {name_of(tail): outcome for tail, outcome in self.outcomes.items()}

    @workflow.signal(name=names.END_SIGNAL)
    def end(self, reason: str = "ended") -> None:
        """The journey has left the stage, or was erased."""
        self.ended = reason

    async def _step(self, tail: str, due: int) -> None:
        """Wait for a step's time, and for as long as it is held back; then try it until something came of it."""
        while True:
            if (pause := due - now()) > 0:
                await workflow.sleep(timedelta(microseconds=pause), summary=name_of(tail))
            answer = await self._try(tail)
            if outcome := answer.get("done", {}).get(tail):
                self.outcomes[tail] = outcome
                return
            due = answer.get("until", {}).get(tail, now())

    async def _try(self, tail: str) -> ActResult:
        answer = await act(self._request([tail]), summary=name_of(tail))
        if reason := answer.get("again", {}).get(tail):
            return await act_patiently(self.start.company_id, self.start.customer_id, tail, reason)
        return answer

    def _request(self, tails: list[str]) -> ActRequest:
        company_id, customer_id = self.start.company_id, self.start.customer_id
        return {"company_id": company_id, "customer_id": customer_id, "now": now(), "tails": tails}

    def _show(self) -> None:
        lines = [
            f"- {name_of(tail)}: {self.outcomes.get(tail) or f'due {utc_text(due)}'}" for tail, due in self.start.steps
        ]
        workflow.set_current_details("**Campaign**\n\n" + "\n".join(lines))
