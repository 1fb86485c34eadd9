"""Retention campaign: a sequence of outreach to an at-risk customer, ended when the journey leaves the stage."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.messages import CampaignStart
    from contracts.requests import ActRequest, ActResult
    from journey.time import Micros, minute_text
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
        self.awaits_profile: dict[str, str] = {}
        self.retries_requested = 0
        self._show_details()

    @workflow.run
    async def run(self, start: CampaignStart) -> dict[str, str]:
        """Do each step when it is due and the one before it is done, or waits for the profile; return the outcomes."""
        waiting: list[asyncio.Task[None]] = []
        for action_ref, due in start.steps:
            step = asyncio.create_task(self._run_step(action_ref, due))
            await workflow.wait_condition(
                lambda: self.end_reason is not None or step.done() or action_ref in self.awaits_profile  # noqa: B023
            )
            if self.end_reason is not None and not step.done():
                _cancel(step)
                break
            if step.done():
                await step
            else:
                waiting.append(step)
            self._show_details()
        await self._finish(waiting)
        if remaining := [ref for ref, _ in start.steps if ref not in self.outcomes]:
            request = self._request(remaining)
            request["cancelled"] = self.end_reason or "ended"
            result = await act(request, summary="cancel: " + ", ".join(map(name_of, remaining)))
            self.outcomes |= result.get("done", {})
        self._show_details()
        return {name_of(ref): outcome for ref, outcome in self.outcomes.items()}

    async def _finish(self, waiting: list[asyncio.Task[None]]) -> None:
        """Wait until the steps are done that wait for the profile, or the campaign is ended."""
        if waiting:
            await workflow.wait_condition(lambda: self.end_reason is not None or all(step.done() for step in waiting))
        for step in waiting:
            if step.done():
                await step
            else:
                _cancel(step)

    @workflow.signal(name=names.RETRY_SIGNAL)
    def retry(self) -> None:
        """Try the steps again that wait for the customer's profile, because it has changed."""
        self.retries_requested += 1

    @workflow.signal(name=names.END_SIGNAL)
    def end(self, reason: str = "ended") -> None:
        """End the campaign, because the journey has left the stage or was erased."""
        self.end_reason = reason

    async def _run_step(self, action_ref: str, due: int) -> None:
        """Wait until a step is due, and for as long as it is held back; then try it until it is settled."""
        while True:
            if (delay := due - now()) > 0:
                await workflow.sleep(timedelta(microseconds=delay), summary=name_of(action_ref))
            requested_before = self.retries_requested
            result = await self._attempt(action_ref)
            if outcome := result.get("done", {}).get(action_ref):
                self.outcomes[action_ref] = outcome
                self._show_details()
                return
            due = result.get("until", {}).get(action_ref, now())
            if action_ref in result.get("incomplete", ()) and workflow.patched(names.STEPS_AWAIT_PROFILE):
                await self._await_profile(action_ref, due, result["waiting"][action_ref], requested_before)
                due = now()

    async def _await_profile(self, action_ref: str, until: int, reason: str, requested_before: int) -> None:
        """Wait until the profile has changed since ``requested_before``, at the latest until ``until``."""
        self.awaits_profile[action_ref] = f"waiting until {minute_text(Micros(until))} ({reason})"
        self._show_details()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.retries_requested != requested_before,
                timeout=timedelta(microseconds=max(0, until - now())),
                timeout_summary=f"{name_of(action_ref)}: {reason}",
            )

    async def _attempt(self, action_ref: str) -> ActResult:
        result = await act(self._request([action_ref]), summary=name_of(action_ref))
        if reason := result.get("again", {}).get(action_ref):
            return await act_with_retries(self.start.company_id, self.start.customer_id, action_ref, reason)
        return result

    def _request(self, action_refs: list[str]) -> ActRequest:
        company_id, customer_id = self.start.company_id, self.start.customer_id
        return {"company_id": company_id, "customer_id": customer_id, "now": now(), "tails": action_refs}

    def _show_details(self) -> None:
        steps = (
            (name_of(ref), self.outcomes.get(ref) or self.awaits_profile.get(ref) or f"due {minute_text(due)}")
            for ref, due in self.start.steps
        )
        lines = [f"- {name}: {outcome}" for name, outcome in steps]
        workflow.set_current_details("**Campaign**\n\n" + "\n".join(lines))


def _cancel(step: asyncio.Task[None]) -> None:
    """Cancel a step. Nobody awaits it, so that its error must be retrieved here, or it is logged with its traceback."""
    step.add_done_callback(lambda done: done.cancelled() or done.exception())
    step.cancel()
