"""How events and requests reach a journey: the client's side of its messages, for the gateway and the commands."""

from collections.abc import Sequence
from typing import Any, Literal

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from contracts import names
from contracts.messages import HISTORY, JourneyStart


async def send_events(
    client: Client,
    company_id: int,
    customer_id: str,
    events: Sequence[dict[str, Any]],
    *,
    until: int | None = None,
    history: bool = False,
) -> None:
    """Hand one customer's events (JSON objects) to the journey, which is started when there is none.

    Returns when Temporal has stored them; it need no worker, and no Postgres. ``until`` (µs) says that more history
    follows at once and that nothing after this instant shall be evaluated yet; ``history`` that nobody shall act upon
    these events, however recent they are. Raises temporalio.service.RPCError.
    """
    arguments: list[Any] = [events] if until is None else [events, until]
    if history:
        # nothing in between must be null: that is sent as no JSON at all
        arguments = [events, "" if until is None else until, HISTORY]
    await _signal_with_start(client, company_id, customer_id, names.EVENTS_SIGNAL, arguments)


async def nudge(client: Client, company_id: int, customer_id: str) -> None:
    """Have a journey evaluate itself, going on from Postgres where its workflow is gone. Raises RPCError."""
    await _signal_with_start(client, company_id, customer_id, names.EVALUATE_SIGNAL, [])


async def presence(client: Client, company_id: int, customer_id: str) -> Literal["running", "committing", "gone"]:
    """Whether a journey's workflow runs, waits for Postgres with a commit, or is gone. Raises RPCError."""
    try:
        found = await journey(client, company_id, customer_id).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return "gone"
        raise
    if found.status != WorkflowExecutionStatus.RUNNING:
        return "gone"
    pending = found.raw_description.pending_activities
    return "committing" if any(waiting.activity_type.name == names.COMMIT for waiting in pending) else "running"


async def _signal_with_start(
    client: Client, company_id: int, customer_id: str, signal: str, arguments: Sequence[Any]
) -> None:
    start = JourneyStart(company_id, customer_id)
    await client.start_workflow(
        names.JOURNEY,
        start,
        id=start.workflow_id,
        task_queue=names.TASK_QUEUE,
        start_signal=signal,
        start_signal_args=arguments,
        search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, company_id)]),
        static_summary=f"Journey of customer {customer_id} with company {company_id}",
    )


def journey(client: Client, company_id: int, customer_id: str) -> WorkflowHandle[Any, Any]:
    """The running journey of one relationship, for updates (``set_stage``, ``release``), queries and signals."""
    return client.get_workflow_handle(names.journey_id(company_id, customer_id))
