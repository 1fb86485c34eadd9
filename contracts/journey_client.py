"""Client side of a journey's messages, shared by the API, the CLI and the maintenance activities."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from contracts import names
from contracts.messages import HISTORY, UPDATE_NAMES, JourneyCommand, JourneyStart
from contracts.requests import MergeRequest, MergeResult
from journey.time import Micros

WorkflowStatus = Literal["running", "committing", "gone"]


class CommandError(Exception):
    """A command was not confirmed; the message is a complete sentence fragment for users."""


class CommandRefused(CommandError):
    """The journey refused the command and nothing was changed; the message is its reason."""


class JourneyNotFound(CommandError):
    """No workflow runs for this customer."""


class CommandTimedOut(CommandError):
    """No worker confirmed the command in time; it may still be applied."""


class TemporalUnavailable(CommandError):
    """Temporal could not be reached, or rejected the call."""


async def send_events(
    client: Client,
    company_id: int,
    customer_id: str,
    events: Sequence[dict[str, Any]],
    *,
    until: Micros | None = None,
    history: bool = False,
) -> None:
    """Send one customer's events to their journey, starting its workflow if none is running.

    Returns as soon as Temporal has stored the events; needs neither a worker nor Postgres.

    Args:
        client: The Temporal client.
        company_id: The company.
        customer_id: The company's own id of the customer.
        events: JSON objects, one per event.
        until: More history follows at once; evaluate nothing after this instant (µs) yet.
        history: Take no action on these events, however recent they are.

    Raises:
        temporalio.service.RPCError: Temporal did not store the events.
    """
    arguments: list[Any] = [events] if until is None else [events, until]
    if history:
        # "" instead of None: the converter encodes None without any JSON text
        arguments = [events, "" if until is None else until, HISTORY]
    await _signal_with_start(client, company_id, customer_id, names.EVENTS_SIGNAL, arguments)


async def request_evaluation(client: Client, company_id: int, customer_id: str) -> None:
    """Ask a journey to evaluate itself; a workflow that is gone is restarted from Postgres.

    Raises:
        temporalio.service.RPCError: Temporal did not store the request.
    """
    await _signal_with_start(client, company_id, customer_id, names.EVALUATE_SIGNAL, [])


async def request_rebuild(client: Client, company_id: int, customer_id: str) -> None:
    """Ask a journey to make its state anew from its ledger; a workflow that is gone is restarted from Postgres.

    Raises:
        temporalio.service.RPCError: Temporal did not store the request.
    """
    await _signal_with_start(client, company_id, customer_id, names.REBUILD_SIGNAL, [])


async def announce_profile_change(
    client: Client, company_id: int, customer_id: str, *, journey: bool, campaigns: Sequence[int]
) -> None:
    """Let workflows try again what waits for the customer's profile.

    Args:
        client: The Temporal client.
        company_id: The company.
        customer_id: The company's own id of the customer.
        journey: The journey has such actions.
        campaigns: Numbers of the customer's campaigns that have such steps.

    Raises:
        temporalio.service.RPCError: Temporal did not store the request.
    """
    if journey:
        await _signal_with_start(client, company_id, customer_id, names.EVALUATE_SIGNAL, [names.PROFILE_CHANGED])
    for n in campaigns:
        try:
            await client.get_workflow_handle(names.campaign_id(company_id, customer_id, n)).signal(names.RETRY_SIGNAL)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:  # it has ended meanwhile
                raise


async def workflow_status(client: Client, company_id: int, customer_id: str) -> WorkflowStatus:
    """Return whether a journey's workflow is running, is waiting for Postgres with a commit, or is gone.

    Raises:
        temporalio.service.RPCError: Temporal did not answer.
    """
    try:
        description = await journey_handle(client, company_id, customer_id).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return "gone"
        raise
    if description.status != WorkflowExecutionStatus.RUNNING:
        return "gone"
    pending = description.raw_description.pending_activities
    return "committing" if any(activity.activity_type.name == names.COMMIT for activity in pending) else "running"


async def execute(
    client: Client,
    company_id: int,
    customer_id: str,
    command: JourneyCommand,
    *,
    timeout: float,
    update_id: str | None = None,
) -> dict[str, Any]:
    """Send a command to a running journey and wait until it is committed.

    Args:
        client: The Temporal client.
        company_id: The company.
        customer_id: The company's own id of the customer.
        command: One of the commands of ``contracts.messages``; its type selects the update.
        timeout: Seconds to wait for the commit.
        update_id: Repetitions with the same id count once within the journey's current run.

    Returns:
        The journey's state after the commit, in readable form, and what the command created.

    Raises:
        CommandRefused: The journey refused it.
        JourneyNotFound: No workflow runs for this customer.
        CommandTimedOut: No worker confirmed it within ``timeout``.
        TemporalUnavailable: Any other failure of the call.
    """
    handle = journey_handle(client, company_id, customer_id)
    try:
        async with asyncio.timeout(timeout):
            answer: dict[str, Any] = await handle.execute_update(
                UPDATE_NAMES[type(command)], command, id=update_id, result_type=dict
            )
    except WorkflowUpdateFailedError as error:
        reason = error.cause.message if isinstance(error.cause, ApplicationError) else "the journey refused the command"
        raise CommandRefused(reason) from error
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise CommandTimedOut("no worker answered in time; the change may still be applied") from error
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            raise JourneyNotFound(f"no journey of customer {customer_id} is running") from error
        raise TemporalUnavailable(error.message) from error
    return answer


async def merge_customers(client: Client, request: MergeRequest, *, timeout: float) -> MergeResult:
    """Merge two customers, and wait until this is decided and written.

    Args:
        client: The Temporal client.
        request: Which customer is merged into which one, and by whom.
        timeout: Seconds to wait.

    Returns:
        What was merged, or why it was refused.

    Raises:
        CommandRefused: A merge of this customer is running.
        CommandTimedOut: No worker has merged them in time; it will be done, or refused.
        TemporalUnavailable: Any other failure of the call.
    """
    company_id, customer_id = request["company_id"], request["customer_id"]
    try:
        async with asyncio.timeout(timeout):
            result: MergeResult = await client.execute_workflow(
                names.MERGE_CUSTOMERS,
                request,
                id=names.merge_id(company_id, customer_id),
                task_queue=names.TASK_QUEUE,
                result_type=dict,
                search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, company_id)]),
                static_summary=f"Merge customer {customer_id} into {request['into']} of company {company_id}",
            )
    except WorkflowAlreadyStartedError:
        raise CommandRefused(f"another merge of customer {customer_id} is running") from None
    except (TimeoutError, WorkflowFailureError) as error:
        raise CommandTimedOut("no worker answered in time; the customers may still be merged") from error
    except RPCError as error:
        raise TemporalUnavailable(error.message) from error
    return result


def journey_handle(client: Client, company_id: int, customer_id: str) -> WorkflowHandle[Any, Any]:
    """Return a handle on a customer's journey, for queries and signals to a running workflow."""
    return client.get_workflow_handle(names.journey_id(company_id, customer_id))


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
