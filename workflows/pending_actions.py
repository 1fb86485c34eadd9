"""The actions of one journey that are still to be done: they are tried in the background, and none is lost."""

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
    from contracts import names
    from contracts.messages import CampaignStart, JourneyStart
    from contracts.requests import ActRequest, ActResult
    from journey.time import Micros, to_micros

SHOWN = 12  # outcomes in the details


class Agenda:
    """``due``: each tail with the µs when it is due (0: now); ``woken`` is called when something came of a try."""

    def __init__(self, start: JourneyStart, woken: Callable[[], None]) -> None:
        self.company_id, self.customer_id = start.company_id, start.customer_id
        self.due = dict(start.agenda)
        self.tried: dict[str, str] = {}  # tails under way, with the reason why they are tried again
        self.outcomes: dict[str, str] = {}
        self.campaign, self.campaign_entry = start.campaign, start.campaign_entry
        self._begun: dict[str, Any] | None = None
        self._following: asyncio.Task[None] | None = None
        self._woken = woken
        self._tasks: list[asyncio.Task[None]] = []

    def add(self, tails: Mapping[str, Micros]) -> None:
        self.due.update(tails)

    def next_at(self) -> Micros | None:
        """When the next action is due (µs); those under way are not waited for."""
        return min((at for tail, at in self.due.items() if tail not in self.tried), default=None)

    def start_due(self) -> None:
        """Try what is due, all of it together, in the background."""
        now = to_micros(workflow.now())
        tails = [tail for tail, at in self.due.items() if at <= now and tail not in self.tried]
        if tails:
            self.tried.update(dict.fromkeys(tails, ""))
            self._background(self._try(tails))

    def hand_on(self, start: JourneyStart) -> None:
        """To the next run, which tries anew what is under way."""
        start.agenda, start.campaign, start.campaign_entry = self.due, self.campaign, self.campaign_entry

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.create_task(work))

    @property
    def idle(self) -> bool:
        """Whether nothing is under way."""
        return self.may_be_handed_on and all(task.done() for task in self._tasks)

    @property
    def may_be_handed_on(self) -> bool:
        """Whether all that is under way are tries, which the next run may repeat."""
        return self._begun is None and (self._following is None or self._following.done())

    def in_words(self) -> str:
        """What was done and what is to come, as Markdown; empty where there is nothing."""
        lines = [f"- {name_of(tail)}: {outcome}" for tail, outcome in list(self.outcomes.items())[-SHOWN:]]
        lines += [f"- {name_of(tail)}: {self.tried.get(tail) or 'to be done'}" for tail in self.due]
        return "\n\n**Actions**\n\n" + "\n".join(lines) if lines else ""

    async def _try(self, tails: list[str]) -> None:
        answer = await act(
            {"company_id": self.company_id, "customer_id": self.customer_id, "now": now(), "tails": tails},
            summary=", ".join(map(name_of, tails)),
        )
        self._take(answer)
        for tail, reason in answer.get("again", {}).items():
            self.tried[tail] = f"tried again ({reason})"
            self._background(self._insist(tail, reason))
        self._woken()

    async def _insist(self, tail: str, reason: str) -> None:
        self._take(await act_patiently(self.company_id, self.customer_id, tail, reason))
        self._woken()

    def _take(self, answer: ActResult) -> None:
        for tail, outcome in answer.get("done", {}).items():
            self.due.pop(tail, None)
            self.tried.pop(tail, None)
            self.outcomes[tail] = outcome
        for tail, at in answer.get("until", {}).items():
            self.due[tail] = at
            self.tried.pop(tail, None)
        self._begun = answer.get("campaign", self._begun)

    # -- the campaign, a workflow of its own --------------------------------------------------------------------------

    def follow_campaign(self, entry: int) -> None:
        """Start the campaign that was put on record; end the one whose stay is over, the journey being at ``entry``."""
        if begun := self._begun:
            self._begun = None
            self.campaign, self.campaign_entry = begun["n"], begun["entry"]
            self._follow(self._begin(begun))
        if self.campaign and entry > self.campaign_entry:
            self._follow(self._end(self.campaign))
            self.campaign = 0

    def _follow(self, work: Coroutine[Any, Any, None]) -> None:
        """One after the other: what is not started yet cannot be ended."""
        before = self._following

        async def following() -> None:
            if before is not None:
                await before
            await work
            self._woken()

        self._following = asyncio.create_task(following())

    async def _begin(self, begun: dict[str, Any]) -> None:
        n, company_id, customer_id = begun["n"], self.company_id, self.customer_id
        with suppress(WorkflowAlreadyStartedError):  # by a run that handed its agenda on
            await workflow.start_child_workflow(
                names.CAMPAIGN,
                CampaignStart(company_id, customer_id, n, begun["steps"]),
                id=names.campaign_id(company_id, customer_id, n),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,  # it outlives this run
                search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, company_id)]),
                static_summary=f"Retention campaign {n} of customer {customer_id} with company {company_id}",
            )

    async def _end(self, n: int) -> None:
        campaign = workflow.get_external_workflow_handle(names.campaign_id(self.company_id, self.customer_id, n))
        with suppress(ApplicationError):  # it has come to its end already
            await campaign.signal(names.END_SIGNAL, "left the stage")


async def act(request: ActRequest, *, summary: str) -> ActResult:
    """Try actions once. Outlasts an outage of Postgres, and a worker that dies."""
    answer: ActResult = await workflow.execute_activity(
        names.ACT,
        request,
        result_type=ActResult,
        start_to_close_timeout=names.ACT_LIMIT,
        heartbeat_timeout=names.ACT_HEARTBEAT,
        retry_policy=names.ACT_RETRY,
        summary=summary,
    )
    return answer


async def act_patiently(company_id: int, customer_id: str, tail: str, reason: str) -> ActResult:
    """Try one action for a day. It always comes to something; the last is ``failed``."""
    request: ActRequest = {"company_id": company_id, "customer_id": customer_id, "now": now(), "tails": [tail]}
    try:
        answer: ActResult = await workflow.execute_activity(
            names.ACT,
            {**request, "patient": names.ACTION_PATIENCE.total_seconds()},
            result_type=ActResult,
            start_to_close_timeout=names.ACT_LIMIT,
            heartbeat_timeout=names.ACT_HEARTBEAT,
            schedule_to_close_timeout=names.ACTION_LIMIT,
            retry_policy=names.ACTION_RETRY,
            summary=f"{name_of(tail)}, tried again: {reason}"[:200],
        )
        return answer
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        given_up = str(error.cause or error)[:500]
        return await act({**request, "given_up": given_up}, summary=f"{name_of(tail)} has failed")


def now() -> Micros:
    return to_micros(workflow.now())


def name_of(tail: str) -> str:
    """An action's name, for people."""
    return tail.partition(":")[2]
