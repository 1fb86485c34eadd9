"""How events and requests reach a journey: the client's side of its messages, for the gateway and the commands."""

from collections.abc import Sequence
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from activities.inbox import HISTORY
from workflows import names
from workflows.messages import JourneyStart


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
    start = JourneyStart(company_id, customer_id)
    arguments: list[Any] = [events] if until is None else [events, until]
    if history:
        # nothing in between must be null: that is sent as no JSON at all
        arguments = [events, "" if until is None else until, HISTORY]
    await client.start_workflow(
        names.JOURNEY,
        start,
        id=start.workflow_id,
        task_queue=names.TASK_QUEUE,
        start_signal=names.EVENTS_SIGNAL,
        start_signal_args=arguments,
        search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, company_id)]),
        static_summary=f"Journey of customer {customer_id} with company {company_id}",
    )


def journey(client: Client, company_id: int, customer_id: str) -> WorkflowHandle[Any, Any]:
    """The running journey of one relationship, for updates (``set_stage``, ``release``), queries and signals."""
    return client.get_workflow_handle(names.journey_id(company_id, customer_id))
