"""Pending actions of one journey: executed in the background, and never lost."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    WorkflowAlreadyStartedError,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from contracts import names, timeouts
    from contracts.messages import CampaignStart, JourneyStart
    from contracts.requests import ActRequest, ActResult
    from journey.time import EPOCH_MICROS, Micros, minute_text, to_micros

SHOWN_OUTCOMES = 12


class PendingActions:
    """The journey's pending actions and its running campaign.

    Attributes:
        due: Each ``action_ref`` with the µs at which it is due (0: now).
        in_progress: Actions in progress; for one that is being retried, the reason.
        requested_meanwhile: Actions in progress that were requested again, for example by a retry that staff sent after
            Postgres had recorded the failure and before the workflow learned of it.
        waiting: Why actions are held back.
        outcomes: What became of the actions of this run.
        campaign: Number of the running campaign (0: none).
        campaign_entry: Number of the transition with which it began.
        campaign_steps: Its steps as (``action_ref``, µs when due).
    """

    def __init__(self, start: JourneyStart, on_progress: Callable[[], None]) -> None:
        """Take over what the previous run left; ``on_progress`` is called whenever an attempt has a result."""
        self.company_id, self.customer_id = start.company_id, start.customer_id
        self.due = dict(start.agenda)
        self.in_progress: dict[str, str] = {}
        self.requested_meanwhile: dict[str, None] = {}
        self.waiting = dict(start.waiting)
        self.outcomes: dict[str, str] = {}
        self.campaign, self.campaign_entry = start.campaign, start.campaign_entry
        self.campaign_steps = start.campaign_steps
        self._new_campaign: dict[str, Any] | None = None
        self._campaign_task: asyncio.Task[None] | None = None
        self._on_progress = on_progress
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, actions: Mapping[str, Micros]) -> None:
        """Add actions with the µs at which each is due. One in progress is tried again after its current attempt."""
        self.due.update(actions)
        repeated = [ref for ref in actions if ref in self.in_progress]
        if repeated and workflow.patched(names.REQUESTED_DURING_ATTEMPT):
            self.requested_meanwhile.update(dict.fromkeys(repeated))

    def next_at(self) -> Micros | None:
        """Return when (µs) the next action is due, not counting those in progress."""
        return min((at for ref, at in self.due.items() if ref not in self.in_progress), default=None)

    def next_summary(self) -> str:
        """Name the actions that are due next, for their timer."""
        at = self.next_at()
        action_refs = [ref for ref, due in self.due.items() if due == at and ref not in self.in_progress]
        return ", ".join(map(name_of, action_refs))[:200] or "next action"

    def start_due(self) -> None:
        """Start everything that is due, together, in the background."""
        current = to_micros(workflow.now())
        action_refs = [ref for ref, at in self.due.items() if at <= current and ref not in self.in_progress]
        if action_refs:
            self.in_progress.update(dict.fromkeys(action_refs, ""))
            self._run_in_background(self._attempt(action_refs))

    def hand_over(self, start: JourneyStart) -> None:
        """Pass everything to the next run, which restarts what is in progress."""
        start.agenda, start.campaign, start.campaign_entry = self.due, self.campaign, self.campaign_entry
        start.waiting, start.campaign_steps = self.waiting, self.campaign_steps

    @property
    def idle(self) -> bool:
        """Whether nothing is in progress."""
        return self.can_hand_over and all(task.done() for task in self._tasks)

    @property
    def can_hand_over(self) -> bool:
        """Whether everything in progress is an attempt, which the next run may repeat."""
        return self._new_campaign is None and (self._campaign_task is None or self._campaign_task.done())

    def as_markdown(self) -> str:
        """Return recent outcomes and pending actions, for the Temporal UI; empty if there are none."""
        lines = [f"- {name_of(ref)}: {outcome}" for ref, outcome in list(self.outcomes.items())[-SHOWN_OUTCOMES:]]
        lines += [f"- {name_of(ref)}: {self._progress(ref)}" for ref in self.due]
        shown = "\n\n**Actions**\n\n" + "\n".join(lines) if lines else ""
        if not self.campaign or not self.campaign_steps:
            return shown
        workflow_id = names.campaign_id(self.company_id, self.customer_id, self.campaign)
        steps = (f"- {name_of(ref)}: planned for {minute_text(Micros(due))}" for ref, due in self.campaign_steps)
        return f"{shown}\n\n**Campaign {self.campaign}** (outcomes: `{workflow_id}`)\n\n" + "\n".join(steps)

    def _progress(self, ref: str) -> str:
        if ref in self.in_progress:
            return self.in_progress[ref] or "pending"
        due = minute_text(self.due[ref])
        if ref in self.waiting:
            return f"waiting until {due} ({self.waiting[ref]})"
        return f"pending, due {due}" if self.due[ref] else "pending"

    def _run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(work))

    async def _attempt(self, action_refs: list[str]) -> None:
        result = await act(
            {"company_id": self.company_id, "customer_id": self.customer_id, "now": now(), "tails": action_refs},
            summary=", ".join(map(name_of, action_refs)),
        )
        self._apply(result)
        for ref, reason in result.get("again", {}).items():
            self.in_progress[ref] = f"retrying ({reason})"
            self._run_in_background(self._retry(ref, reason))
        self._on_progress()

    async def _retry(self, action_ref: str, reason: str) -> None:
        self._apply(await act_with_retries(self.company_id, self.customer_id, action_ref, reason))
        self._on_progress()

    def _apply(self, result: ActResult) -> None:
        waiting = result.get("waiting", {})
        for ref, outcome in result.get("done", {}).items():
            self.outcomes[ref] = result.get("created", {}).get(ref, outcome)
            self._settle(ref, None)
        for ref, at in result.get("until", {}).items():
            self._settle(ref, at)
            if reason := waiting.get(ref):
                self.waiting[ref] = reason
        self._new_campaign = result.get("campaign", self._new_campaign)

    def _settle(self, ref: str, until: Micros | None) -> None:
        """End an attempt. The action is next due at ``until``, or now if it was requested during the attempt."""
        self.in_progress.pop(ref, None)
        self.waiting.pop(ref, None)
        if ref in self.requested_meanwhile:
            del self.requested_meanwhile[ref]
            until = EPOCH_MICROS
        if until is None:
            self.due.pop(ref, None)
        else:
            self.due[ref] = until

    # -- the campaign, a workflow of its own --------------------------------------------------------------------------

    def follow_campaign(self, transition_number: int) -> None:
        """Start the campaign that was recorded; end the one whose stay in the stage is over.

        Args:
            transition_number: Number of the journey's last transition.
        """
        if new := self._new_campaign:
            self._new_campaign = None
            self.campaign, self.campaign_entry, self.campaign_steps = new["n"], new["entry"], new["steps"]
            self._run_in_order(self._start_campaign(new))
        if self.campaign and transition_number > self.campaign_entry:
            self._run_in_order(self._end_campaign(self.campaign))
            self.campaign = 0

    def _run_in_order(self, work: Coroutine[Any, Any, None]) -> None:
        """Run after the previous one has finished: a campaign cannot be ended before it is started."""
        previous = self._campaign_task

        async def run() -> None:
            if previous is not None:
                await previous
            await work
            self._on_progress()

        self._campaign_task = asyncio.create_task(run())

    async def _start_campaign(self, new: dict[str, Any]) -> None:
        n, company_id, customer_id = new["n"], self.company_id, self.customer_id
        with suppress(WorkflowAlreadyStartedError):  # by a previous run, before it handed over
            await workflow.start_child_workflow(
                names.CAMPAIGN,
                CampaignStart(company_id, customer_id, n, new["steps"]),
                id=names.campaign_id(company_id, customer_id, n),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,  # it outlives this run
                search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, company_id)]),
                static_summary=f"Retention campaign {n} of customer {customer_id} with company {company_id}",
            )

    async def end_campaign(self, reason: str) -> None:
        """End the running campaign, if there is one, because the journey itself ends."""
        if self._campaign_task is not None:
            await self._campaign_task
        if self.campaign:
            await self._end_campaign(self.campaign, reason)

    async def _end_campaign(self, n: int, reason: str = "left the stage") -> None:
        campaign = workflow.get_external_workflow_handle(names.campaign_id(self.company_id, self.customer_id, n))
        with suppress(ApplicationError):  # it has completed already
            await campaign.signal(names.END_SIGNAL, reason)


async def act(request: ActRequest, *, summary: str) -> ActResult:
    """Try actions once. Survives an outage of Postgres and the death of a worker."""
    result: ActResult = await workflow.execute_activity(
        names.ACT,
        request,
        result_type=ActResult,
        start_to_close_timeout=timeouts.ACT_TIMEOUT,
        heartbeat_timeout=timeouts.ACT_HEARTBEAT,
        retry_policy=timeouts.ACT_RETRY,
        summary=summary,
    )
    return result


async def act_with_retries(company_id: int, customer_id: str, action_ref: str, reason: str) -> ActResult:
    """Retry one action for a day. The result always settles it, at the latest as ``failed``.

    Args:
        company_id: The company.
        customer_id: The company's own id of the customer.
        action_ref: The action.
        reason: Why the first attempt failed, for the UI.
    """
    request: ActRequest = {"company_id": company_id, "customer_id": customer_id, "now": now(), "tails": [action_ref]}
    try:
        result: ActResult = await workflow.execute_activity(
            names.ACT,
            {**request, "patient": timeouts.ACTION_RETRY_WINDOW.total_seconds()},
            result_type=ActResult,
            start_to_close_timeout=timeouts.ACT_TIMEOUT,
            heartbeat_timeout=timeouts.ACT_HEARTBEAT,
            schedule_to_close_timeout=timeouts.ACTION_TIMEOUT,
            retry_policy=timeouts.ACTION_RETRY,
            summary=f"{name_of(action_ref)}, retry: {reason}"[:200],
        )
        return result
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        given_up = str(error.cause or error)[:500]
        return await act({**request, "given_up": given_up}, summary=f"{name_of(action_ref)} failed")


def now() -> Micros:
    """Return the workflow's time in µs."""
    return to_micros(workflow.now())


def name_of(action_ref: str) -> str:
    """Return an action's name, without the transition that it belongs to."""
    return action_ref.partition(":")[2]
