"""What Temporal still knows of a journey: its commits with their messages, and the outcomes of its actions.

Temporal keeps the histories of closed runs for the retention period of its namespace, and the newest run for as long as
the journey lives. The messages of a commit are the signals and updates that arrived before it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from temporalio.api.common.v1 import Payloads
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts import names
from contracts.journey_history import commit_result, decoded, plain
from contracts.messages import COMMANDS
from journey.state import apply_state_diff
from journey.time import EPOCH_MICROS, Micros, to_micros

LOCAL_ACTIVITY = "core_local_activity"  # the SDK's name of the marker; ``commit`` is the only one of a journey

Message = tuple[str, list[str]]


@dataclass
class RecordedCommit:
    """One commit, or the state with which a run began or which it adopted (then there are no messages).

    Attributes:
        now: The workflow's time of the decision.
        messages: As ``CommitRequest`` has them.
        state: The packed state after the commit.
        changed: The commit changed the state; otherwise its messages were duplicates, or were refused.
    """

    now: Micros
    messages: list[Message] = field(default_factory=list)
    state: dict[str, Any] | None = None
    changed: bool = False

    @property
    def version(self) -> int:
        return int((self.state or {}).get("n", 0))


@dataclass
class JourneyRecord:
    """Everything that the histories of a journey hold, oldest first.

    Attributes:
        agenda: The actions that are pending, by ``action_ref``, with the µs at which each is due (0: now).
        outcomes: What became of the others.
        campaigns: Number, transition and steps of the campaigns that were started (see ``ActResult``).
    """

    commits: list[RecordedCommit] = field(default_factory=list)
    agenda: dict[str, Micros] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    campaigns: list[dict[str, Any]] = field(default_factory=list)


async def read_journey_record(client: Client, company_id: int, customer_id: str) -> JourneyRecord:
    """Read the histories of all runs that Temporal still has.

    Raises:
        temporalio.service.RPCError: Temporal did not answer.
    """
    workflow_id = names.journey_id(company_id, customer_id)
    reader = _Reader(client)
    for run_id in await run_ids(client, workflow_id):
        async for event in _history(client, workflow_id, run_id):
            await reader.read(event)
        reader.end_run()
    return reader.record


async def run_ids(client: Client, workflow_id: str) -> list[str]:
    """Return the ids of all runs that Temporal still has, oldest first.

    Each run names the one it continues, which is certain. Visibility knows the runs before a terminated or expired one
    as well, but learns of new ones late.

    Raises:
        temporalio.service.RPCError: Temporal did not answer.
    """
    listed = client.list_workflows(f"WorkflowId = '{workflow_id}'")
    started = {run.run_id: run.start_time async for run in listed}
    run_id = (await client.get_workflow_handle(workflow_id).describe()).run_id
    while run_id:
        events = client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history_events(page_size=1)
        try:
            first = await anext(aiter(events))
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            break
        started[run_id] = first.event_time.ToDatetime(UTC)
        run_id = first.workflow_execution_started_event_attributes.continued_execution_run_id
    return sorted(started, key=started.__getitem__)


async def read_campaign_outcomes(client: Client, company_id: int, customer_id: str, n: int) -> dict[str, str] | None:
    """Return what became of the steps of a campaign, by ``action_ref``; None if Temporal does not have it any more."""
    workflow_id, found = names.campaign_id(company_id, customer_id, n), False
    outcomes: dict[str, str] = {}
    async for event in _history(client, workflow_id, None):
        found = True
        for result in await _results(client, event):
            outcomes |= result.get("done", {})
    return outcomes if found else None


async def _history(client: Client, workflow_id: str, run_id: str | None) -> AsyncIterator[HistoryEvent]:
    """Iterate over a run's history; nothing if it has expired."""
    try:
        async for event in client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history_events():
            yield event
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


async def _results(client: Client, event: HistoryEvent) -> list[dict[str, Any]]:
    """Return the results of an activity that an event records."""
    if event.event_type != EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        return []
    results = await decoded(client, event.activity_task_completed_event_attributes.result)
    return [result for result in results if isinstance(result, dict)]


def _workflow_time(event: HistoryEvent) -> Micros:
    """Return ``workflow.now()`` as of an event: rounded as the SDK does it."""
    return to_micros(datetime.fromtimestamp(event.event_time.ToNanoseconds() / 1e9, UTC))


class _Reader:
    """Reads events in order. A commit takes the messages that arrived before its first event in the history."""

    def __init__(self, client: Client) -> None:
        self.client, self.record = client, JourneyRecord()
        self._arrived: list[Message] = []
        self._state: dict[str, Any] | None = None
        self._task_started = EPOCH_MICROS
        self._open: RecordedCommit | None = None  # begun and without a result, or to be repeated after an adoption

    def end_run(self) -> None:
        """Forget what is not committed: it is still pending, or the run was terminated before."""
        self._arrived, self._open = [], None

    async def read(self, event: HistoryEvent) -> None:
        kind = event.event_type
        scheduled = event.activity_task_scheduled_event_attributes.activity_type.name
        if kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            await self._start(event)
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            signal = event.workflow_execution_signaled_event_attributes
            name = f"signal {signal.signal_name}" if signal.signal_name in COMMANDS else signal.signal_name
            self._arrived.append((name, await self._texts(signal.input)))
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
            update = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
            self._arrived.append((update.name, await self._texts(update.args)))
        elif kind == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            self._task_started = _workflow_time(event)
        elif event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY or scheduled == names.COMMIT:
            self._begin()
        if (result := await commit_result(self.client, event)) is not None:
            self._committed(result)
        else:
            for acted in await _results(self.client, event):
                self._acted(acted)

    async def _start(self, event: HistoryEvent) -> None:
        [start, *_] = await decoded(self.client, event.workflow_execution_started_event_attributes.input) or [{}]
        self._state = start.get("state")
        self.record.agenda = dict(start.get("agenda") or {})
        self._add_state(_workflow_time(event))

    def _add_state(self, now: Micros) -> None:
        if self._state:
            self.record.commits.append(RecordedCommit(now, state=self._state))

    def _begin(self) -> None:
        if self._arrived or self._open is None:
            self._open = RecordedCommit(self._task_started, self._arrived)
            self._arrived = []

    def _committed(self, result: dict[str, Any]) -> None:
        commit = self._open or RecordedCommit(self._task_started)
        self._state = apply_state_diff(self._state, result["changes"])
        self._plan(result.get("actions"))
        if result.get("again"):
            self._add_state(commit.now)
            self._open = commit
            return
        self._open = None
        commit.state, commit.changed = self._state, "n" in result["changes"]
        self.record.commits.append(commit)

    def _acted(self, result: dict[str, Any]) -> None:
        for ref, outcome in (result.get("done") or {}).items():
            self.record.agenda.pop(ref, None)
            self.record.outcomes[ref] = outcome
        self._plan(result.get("until"))
        if campaign := result.get("campaign"):
            self.record.campaigns.append(campaign)

    def _plan(self, actions: dict[str, Micros] | None) -> None:
        for ref, at in (actions or {}).items():
            self.record.agenda[ref] = at
            self.record.outcomes.pop(ref, None)

    async def _texts(self, payloads: Payloads) -> list[str]:
        return [payload.data.decode("utf-8", "replace") for payload in await plain(self.client, payloads.payloads)]
