"""One customer's journey: holds its state and waits, for years. ``commit`` decides what messages mean, never this."""

import asyncio
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeUpdate
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from contracts import names, timeouts
    from contracts.messages import COMMANDS, JourneyStart
    from contracts.requests import CommitRequest, CommitResult
    from journey.explain import details, next_change, readable
    from journey.state import apply_state_diff, deadline_of
    from journey.time import EPOCH_MICROS, Micros, to_datetime, to_micros
    from workflows.command_updates import CommandUpdates
    from workflows.pending_actions import PendingActions

#: While more history of an import is on its way, deadlines wait this long, because it may invalidate them.
HISTORY_FOLLOWS = 60_000_000  # µs
#: A run this many times as long as intended no longer waits for actions in progress: the next run retries them.
OVERLONG_RUN = 5
#: Characters that one commit takes at most (but always at least one message). In an outage the messages are stored in
#: the history as an activity's input, up to seven bytes per character, and the server rejects more than 2 MB.
COMMIT_SIZE = 250_000
UNDECODABLE_LIMIT = 10_000  # bytes kept of an argument that is not text
KNOWN_MESSAGES = {names.EVENTS_SIGNAL, names.EVALUATE_SIGNAL, names.ACT_SIGNAL, *COMMANDS}
DEADLINE_MARGIN = 1000  # µs after a deadline at which it is evaluated


@workflow.defn(name=names.JOURNEY)
class CustomerJourney(CommandUpdates):
    """Its id is ``journey/{company}/{customer}``; it ends only by erasure, or when the customer was merged."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start.state)
        self.start = start
        self.committed_messages = 0  # in this run
        self.not_before = start.not_before
        self.timer: asyncio.Task[None] | None = None
        self.timer_at = 0
        self.wake_up = False
        self.merged_into: str | None = None
        self.jitter = 1000 * (zlib.crc32(start.workflow_id.encode()) % max(1, start.spread * 1000))
        search_attributes = workflow.info().typed_search_attributes
        self.shown_stage = search_attributes.get(names.STAGE)
        self.shows_deadline = search_attributes.get(names.NEXT_DEADLINE) is not None
        self.pending_actions = PendingActions(start, self._wake_up)
        self._show_details()

    @workflow.run
    async def run(self, start: JourneyStart) -> None:
        while True:
            self.pending_actions.start_due()
            self._start_timer()
            await workflow.wait_condition(lambda: bool(self.pending_messages) or self.wake_up)
            if self.pending_messages or self._is_due():
                await self._commit()
            if self.merged_into is not None:
                await self._end()
                return
            self.wake_up = False
            self.pending_actions.follow_campaign((self.state or {}).get("k", 0))
            self._show_details()
            if self._may_continue_as_new():
                start.state, start.not_before = self.state, self.not_before
                self.pending_actions.hand_over(start)
                workflow.continue_as_new(start)

    # -- messages: every handler only appends ---------------------------------------------------------------------

    @workflow.signal(dynamic=True)
    def receive(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Append any signal, with its arguments undecoded."""
        if name in COMMANDS:
            name = f"signal {name}"  # nobody waits for the reply to a command sent as a signal
        self.pending_messages.append((name, [_text(argument.payload.data) for argument in arguments]))

    @workflow.query(name=names.STATE_QUERY)
    def current(self) -> dict[str, Any]:
        """Return the state in readable form."""
        return {
            **readable(self.state),
            "waiting_messages": len(self.pending_messages),
            "messages_in_this_run": self.committed_messages,
        }

    # -- one commit -----------------------------------------------------------------------------------------------

    async def _commit(self) -> None:
        """Commit the pending messages. Those that arrive meanwhile wait for the next commit."""
        messages = self._take_pending_messages()
        first = self.last_committed_command + 1
        self.last_committed_command += sum(name in COMMANDS for name, _ in messages)
        numbers = range(first, self.last_committed_command + 1)
        request: CommitRequest = {
            "company_id": self.start.company_id,
            "customer_id": self.start.customer_id,
            "run_id": workflow.info().first_execution_run_id,
            "now": self._now(),
            "state": self.state,
            "messages": messages,
        }
        try:
            result = await self._run_commit(request)
            while result.get("again"):  # the state was restored from Postgres, which had a later one
                self.state = request["state"] = apply_state_diff(self.state, result.get("changes"))
                self.pending_actions.add(result.get("actions") or {})
                result = await self._run_commit(request)
        except FailureError as error:
            # Only what can never be written gets here; the messages remain in the history, and the journey continues.
            workflow.logger.error("commit refused", extra={"reason": str(error)})
            result = {"answers": [str(error) for _ in numbers]}
        self.committed_messages += len(messages)
        self.state = apply_state_diff(self.state, result.get("changes"))
        self.not_before = Micros(self._now() + HISTORY_FOLLOWS) if result.get("more") else EPOCH_MICROS
        self.replies.update(zip(numbers, result.get("answers") or [None] * len(numbers), strict=True))
        self.pending_actions.add(result.get("actions") or {})
        self.merged_into = result.get("merged_into", self.merged_into)

    async def _end(self) -> None:
        """End the campaign, and hand on what has arrived meanwhile. Pending actions were cancelled with the merge."""
        await self.pending_actions.end_campaign("merged into another customer")
        while self.pending_messages or not workflow.all_handlers_finished():
            await workflow.wait_condition(lambda: bool(self.pending_messages) or workflow.all_handlers_finished())
            if self.pending_messages:
                await self._commit()
        workflow.set_current_details(f"Merged into customer {self.merged_into}, whose journey has all events.")

    def _take_pending_messages(self) -> list[tuple[str, list[str]]]:
        """Remove and return the pending messages, oldest first, as many as one commit may take."""
        room, count = COMMIT_SIZE, 0
        for _, arguments in self.pending_messages:
            room -= sum(map(len, arguments))
            if room < 0 and count:
                break
            count += 1
        messages, self.pending_messages = self.pending_messages[:count], self.pending_messages[count:]
        return messages

    async def _run_commit(self, request: CommitRequest) -> CommitResult:
        """Run ``commit`` locally, which adds one marker to the history; in an outage, as an activity that retries."""
        try:
            local: CommitResult = await workflow.execute_local_activity(
                names.COMMIT,
                request,
                result_type=CommitResult,
                schedule_to_close_timeout=timeouts.LOCAL_COMMIT_TIMEOUT,
                retry_policy=timeouts.LOCAL_COMMIT_RETRY,
            )
            return local
        except FailureError as error:
            if isinstance(error, ApplicationError) and error.non_retryable:
                raise
            retried: CommitResult = await workflow.execute_activity(
                names.COMMIT,
                request,
                result_type=CommitResult,
                start_to_close_timeout=timeouts.COMMIT_TIMEOUT,
                heartbeat_timeout=timeouts.COMMIT_HEARTBEAT,
                retry_policy=timeouts.COMMIT_RETRY,
                summary=f"commit {_named(request['messages'])}; waiting for Postgres"[:200],
            )
            return retried

    # -- the timer ------------------------------------------------------------------------------------------------

    def _now(self) -> Micros:
        return to_micros(workflow.now())

    def _deadline_at(self) -> int | None:
        """Return when (µs) the next deadline is to be evaluated: shortly after it, plus jitter. None without one."""
        deadline = deadline_of(self.state)
        if deadline is None:
            return None
        return max(deadline + DEADLINE_MARGIN + self.jitter, self.not_before)

    def _wake_up_at(self) -> int | None:
        """Return when (µs) to wake up without any message: at the next deadline or the next action."""
        return min((at for at in (self._deadline_at(), self.pending_actions.next_at()) if at is not None), default=None)

    def _is_due(self) -> bool:
        deadline_at = self._deadline_at()
        return deadline_at is not None and self._now() >= deadline_at

    def _start_timer(self) -> None:
        """Start a timer if none fires in time. One that fires early is kept; it leads to the next."""
        wake_up_at = self._wake_up_at()
        if wake_up_at is None:
            self._show_stage(None)
            return
        if self.timer is not None and self.timer_at <= wake_up_at:
            self._show_stage(None)
            return
        if self.timer is not None:
            self.timer.cancel()
        self.timer_at = wake_up_at
        self.timer = asyncio.create_task(self._run_timer(max(0, wake_up_at - self._now())))
        deadline = deadline_of(self.state)
        self._show_stage(None if deadline is None else to_datetime(deadline))

    async def _run_timer(self, microseconds: int) -> None:
        if self.timer_at == self._deadline_at():
            summary = next_change(self.state, self._now())
        else:
            summary = self.pending_actions.next_summary()
        await workflow.sleep(timedelta(microseconds=microseconds), summary=summary)
        self.timer = None
        self.wake_up = True

    def _wake_up(self) -> None:
        self.wake_up = True

    # -- what the Temporal UI shows, and the end of a run ---------------------------------------------------------

    def _show_stage(self, deadline: datetime | None) -> None:
        """Update search attributes: the stage if it changed, the deadline if a timer was started or there is none."""
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

    def _show_details(self) -> None:
        workflow.set_current_details(details(self.state) + self.pending_actions.as_markdown())

    def _may_continue_as_new(self) -> bool:
        """Return whether to end this run: early, because a cold signal replays it, but never with work in progress."""
        suggested = workflow.info().is_continue_as_new_suggested()
        if not suggested and self.committed_messages < self.start.continue_after:
            return False
        overlong = suggested or self.committed_messages >= OVERLONG_RUN * self.start.continue_after
        settled = self.pending_actions.can_hand_over if overlong else self.pending_actions.idle
        return settled and not self.pending_messages and not self.replies and workflow.all_handlers_finished()


def _named(messages: list[tuple[str, list[str]]]) -> str:
    """Name messages with their numbers, as in ``2 x events, set_stage``. Unknown names may be personal."""
    counts = Counter(name if name.removeprefix("signal ") in KNOWN_MESSAGES else "unknown" for name, _ in messages)
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counts.items())


def _text(data: bytes) -> str:
    """Decode an argument. One that is not UTF-8 will be quarantined, so only its beginning is kept."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data[:UNDECODABLE_LIMIT].decode("utf-8", "replace")
