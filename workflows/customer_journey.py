"""One journey: it remembers and waits, for years. What a message means is decided in ``commit``, never here.

Over 300 lines, because each message that somebody waits for needs its handler and its validator on this one class.
"""

import asyncio
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeUpdate
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from contracts import names
    from contracts.messages import (
        COMMANDS,
        FinishTask,
        JourneyCommand,
        JourneyStart,
        ReassignTask,
        Release,
        RequestAction,
        RetryAction,
        SetStage,
        validation_problem,
    )
    from contracts.requests import CommitRequest, CommitResult
    from journey.explain import details, readable
    from journey.state import changed, deadline_of
    from journey.time import EPOCH_MICROS, Micros, to_datetime, to_micros
    from workflows.pending_actions import Agenda

#: More history of an import is on its way: deadlines that it may make untrue wait this long for it.
HISTORY_FOLLOWS = 60_000_000  # µs
#: A run that is this many times as long as it should be does not wait any longer for actions under way: the next run
#: tries them anew.
HANDED_ON = 5
#: What one commit takes at most, in characters (one message it always takes). In an outage the messages stand in the
#: history as an activity's input; beyond 2 MB, each character up to seven bytes there, the server refuses it.
COMMIT_SIZE = 250_000
NO_TEXT_KEPT = 10_000  # bytes


@workflow.defn(name=names.JOURNEY)
class CustomerJourney:
    """Its id is ``journey/{company}/{customer}``; it ends only by erasure."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        self.start = start
        self.state: dict[str, Any] | None = start.state
        self.inbox: list[tuple[str, list[str]]] = []
        self.taken = 0  # messages of this run that are committed
        self.asked = 0  # commands so far, which numbers them
        self.answered = 0  # of them, those that were committed or refused
        self.answers: dict[int, str | dict[str, Any] | None] = {}
        self.not_before = start.not_before
        self.alarm: asyncio.Task[None] | None = None
        self.alarm_at = 0
        self.woken = False
        self.spread = 1000 * (zlib.crc32(start.workflow_id.encode()) % max(1, start.spread * 1000))
        shown = workflow.info().typed_search_attributes
        self.shown_stage = shown.get(names.STAGE)
        self.shows_deadline = shown.get(names.NEXT_DEADLINE) is not None
        self.agenda = Agenda(start, self._wake)
        self._show_details()

    @workflow.run
    async def run(self, start: JourneyStart) -> None:
        while True:
            self.agenda.start_due()
            self._arm()
            await workflow.wait_condition(lambda: bool(self.inbox) or self.woken)
            if self.inbox or self._is_due():
                await self._commit()
            self.woken = False
            self.agenda.follow_campaign((self.state or {}).get("k", 0))
            self._show_details()
            if self._may_continue_as_new():
                start.state, start.not_before = self.state, self.not_before
                self.agenda.hand_on(start)
                workflow.continue_as_new(start)

    # -- messages: every handler only appends ---------------------------------------------------------------------

    @workflow.signal(dynamic=True)
    def take(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Any signal: its arguments are kept as they came."""
        if name in COMMANDS:
            name = f"signal {name}"  # a command has somebody who waits for its answer; this has not
        self.inbox.append((name, [_text(argument.payload.data) for argument in arguments]))

    @workflow.update(name=names.SET_STAGE_UPDATE)
    async def set_stage(self, request: SetStage) -> dict[str, Any]:
        """Put the journey in a stage by hand, and hold it there; answered when it is committed."""
        return await self._ask(names.SET_STAGE_UPDATE, request)

    @workflow.update(name=names.RELEASE_UPDATE)
    async def release(self, request: Release) -> dict[str, Any]:
        """End a hold; answered when it is committed."""
        return await self._ask(names.RELEASE_UPDATE, request)

    @workflow.update(name=names.REQUEST_ACTION_UPDATE)
    async def request_action(self, request: RequestAction) -> dict[str, Any]:
        """A call, a mail or an offer that a person asks for; answered, with its tail, when it is on record."""
        return await self._ask(names.REQUEST_ACTION_UPDATE, request)

    @workflow.update(name=names.FINISH_TASK_UPDATE)
    async def finish_task(self, request: FinishTask) -> dict[str, Any]:
        """A task is done; answered when it is committed."""
        return await self._ask(names.FINISH_TASK_UPDATE, request)

    @workflow.update(name=names.REASSIGN_TASK_UPDATE)
    async def reassign_task(self, request: ReassignTask) -> dict[str, Any]:
        """A task goes to somebody else; answered when it is committed."""
        return await self._ask(names.REASSIGN_TASK_UPDATE, request)

    @workflow.update(name=names.RETRY_ACTION_UPDATE)
    async def retry_action(self, request: RetryAction) -> dict[str, Any]:
        """An action that failed is to be tried again; answered when it is on the agenda."""
        return await self._ask(names.RETRY_ACTION_UPDATE, request)

    # A validator is also what refuses a wrong number of arguments, or one of another shape.
    @set_stage.validator
    def check_set_stage(self, request: SetStage) -> None:
        _refuse(validation_problem(request))

    @release.validator
    def check_release(self, request: Release) -> None:
        _refuse(validation_problem(request))

    @request_action.validator
    def check_request_action(self, request: RequestAction) -> None:
        _refuse(validation_problem(request))

    @finish_task.validator
    def check_finish_task(self, request: FinishTask) -> None:
        _refuse(validation_problem(request))

    @reassign_task.validator
    def check_reassign_task(self, request: ReassignTask) -> None:
        _refuse(validation_problem(request))

    @retry_action.validator
    def check_retry_action(self, request: RetryAction) -> None:
        _refuse(validation_problem(request))

    @workflow.query(name=names.STATE_QUERY)
    def current(self) -> dict[str, Any]:
        """Where the journey stands, in words."""
        return {**readable(self.state), "waiting_messages": len(self.inbox), "messages_in_this_run": self.taken}

    async def _ask(self, name: str, request: JourneyCommand) -> dict[str, Any]:
        self.asked += 1
        number = self.asked
        self.inbox.append((name, [workflow.payload_converter().to_payload(request.__dict__).data.decode()]))
        await workflow.wait_condition(lambda: number in self.answers)
        answer = self.answers.pop(number)
        if isinstance(answer, str):
            raise ApplicationError(answer, type="Refused", non_retryable=True)
        return {**readable(self.state), **(answer or {})}

    # -- one commit -----------------------------------------------------------------------------------------------

    async def _commit(self) -> None:
        """Hand over the inbox. What arrives meanwhile waits for the next commit."""
        messages = self._taken_from_inbox()
        first = self.answered + 1
        self.answered += _commands(messages)
        numbers = range(first, self.answered + 1)
        request: CommitRequest = {
            "company_id": self.start.company_id,
            "customer_id": self.start.customer_id,
            "run_id": workflow.info().first_execution_run_id,
            "now": self._now(),
            "state": self.state,
            "messages": messages,
        }
        try:
            result = await self._decide(request)
            while result.get("again"):  # Postgres knew of a later state, which is ours now
                self.state = request["state"] = changed(self.state, result.get("changes"))
                self.agenda.add(result.get("actions") or {})
                result = await self._decide(request)
        except FailureError as error:
            # only what can never be written comes here; the messages stay in the history, and the journey goes on
            workflow.logger.error("commit refused", extra={"reason": str(error)})
            result = {"answers": [str(error) for _ in numbers]}
        self.taken += len(messages)
        self.state = changed(self.state, result.get("changes"))
        self.not_before = Micros(self._now() + HISTORY_FOLLOWS) if result.get("more") else EPOCH_MICROS
        self.answers.update(zip(numbers, result.get("answers") or [None] * len(numbers), strict=True))
        self.agenda.add(result.get("actions") or {})

    def _taken_from_inbox(self) -> list[tuple[str, list[str]]]:
        """All messages that wait, or as many of the oldest as one commit may take."""
        room, count = COMMIT_SIZE, 0
        for _, arguments in self.inbox:
            room -= sum(map(len, arguments))
            if room < 0 and count:
                break
            count += 1
        messages, self.inbox = self.inbox[:count], self.inbox[count:]
        return messages

    async def _decide(self, request: CommitRequest) -> CommitResult:
        """Local first: one marker in the history. While Postgres does not answer, an activity that outlasts it."""
        try:
            local: CommitResult = await workflow.execute_local_activity(
                names.COMMIT,
                request,
                result_type=CommitResult,
                schedule_to_close_timeout=names.LOCAL_COMMIT_LIMIT,
                retry_policy=names.LOCAL_COMMIT_RETRY,
            )
            return local
        except FailureError as error:
            if isinstance(error, ApplicationError) and error.non_retryable:
                raise
            outlasting: CommitResult = await workflow.execute_activity(
                names.COMMIT,
                request,
                result_type=CommitResult,
                start_to_close_timeout=names.COMMIT_LIMIT,
                retry_policy=names.COMMIT_RETRY,
                summary=f"commit {len(request['messages'])} messages, waiting for Postgres",
            )
            return outlasting

    # -- the only clock ---------------------------------------------------------------------------------------------

    def _now(self) -> Micros:
        return to_micros(workflow.now())

    def _deadline_at(self) -> int | None:
        """When to look at the next deadline: just after it, a little later for each journey; None without one."""
        deadline = deadline_of(self.state)
        if deadline is None:
            return None
        return max(deadline + 1000 + self.spread, self.not_before)

    def _wake_at(self) -> int | None:
        """When something is to be done though nothing happens: the next deadline, or the next action."""
        return min((at for at in (self._deadline_at(), self.agenda.next_at()) if at is not None), default=None)

    def _is_due(self) -> bool:
        deadline_at = self._deadline_at()
        return deadline_at is not None and self._now() >= deadline_at

    def _arm(self) -> None:
        """One timer, lazily: a later deadline leaves it alone, and one that fires too early only arms the next."""
        wake_at = self._wake_at()
        if wake_at is None:
            self._show_stage(None)
            return
        if self.alarm is not None and self.alarm_at <= wake_at:
            self._show_stage(None)
            return
        if self.alarm is not None:
            self.alarm.cancel()
        self.alarm_at = wake_at
        self.alarm = asyncio.create_task(self._ring(max(0, wake_at - self._now())))
        deadline = deadline_of(self.state)
        self._show_stage(None if deadline is None else to_datetime(deadline))

    async def _ring(self, microseconds: int) -> None:
        state = self.state or {}
        awaited = f"{state.get('ds') or 'scores or hold'} may change"
        if self.alarm_at != self._deadline_at():
            awaited = "next action"
        await workflow.sleep(timedelta(microseconds=microseconds), summary=awaited)
        self.alarm = None
        self.woken = True

    def _wake(self) -> None:
        self.woken = True

    def _show_stage(self, deadline: datetime | None) -> None:
        """Search attributes: the stage when it changed, the deadline when a timer was armed for it or there is none."""
        stage = self.state.get("s") if self.state else None
        updates: list[SearchAttributeUpdate[Any]] = []
        if stage is not None and stage != self.shown_stage:
            updates.append(names.STAGE.value_set(stage))
            self.shown_stage = stage
        if deadline is not None:
            updates.append(names.NEXT_DEADLINE.value_set(deadline.astimezone(UTC)))
            self.shows_deadline = True
        elif self.shows_deadline and self._deadline_at() is None:
            updates.append(names.NEXT_DEADLINE.value_unset())
            self.shows_deadline = False
        if updates:
            workflow.upsert_search_attributes(updates)

    def _may_continue_as_new(self) -> bool:
        """Early, because a cold signal replays the run's history; only when nothing is under way."""
        suggested = workflow.info().is_continue_as_new_suggested()
        if not suggested and self.taken < self.start.continue_after:
            return False
        handed_on = suggested or self.taken >= HANDED_ON * self.start.continue_after
        done = self.agenda.may_be_handed_on if handed_on else self.agenda.idle
        return done and not self.inbox and not self.answers and workflow.all_handlers_finished()

    def _show_details(self) -> None:
        workflow.set_current_details(details(self.state) + self.agenda.in_words())


def _refuse(problem: str | None) -> None:
    if problem:
        raise ValueError(problem)


def _text(data: bytes) -> str:
    """An argument as text. What is no text will be quarantined, so that a beginning of it is enough to keep."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data[:NO_TEXT_KEPT].decode("utf-8", "replace")


def _commands(messages: Sequence[tuple[str, list[str]]]) -> int:
    return sum(name in COMMANDS for name, _ in messages)
