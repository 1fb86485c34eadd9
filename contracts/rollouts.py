"""The client side of roll-outs: start them, follow them, pause them."""

import asyncio
from contextlib import suppress
from typing import Any, Literal

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from contracts import names
from contracts.maintenance import RolloutStart

QUERY_TIMEOUT = 5.0  # seconds

Status = Literal["running", "paused", "complete", "replaced", "failed"]


async def start_rollout(client: Client, start: RolloutStart) -> None:
    """Start the roll-out of a version; it waits a while for the version to be committed. Raises RPCError."""
    await client.start_workflow(
        names.RULES_ROLLOUT,
        start,
        id=names.rollout_id(start.company_id, start.version),
        task_queue=names.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, start.company_id)]),
        static_summary=f"Version {start.version} of the rules of company {start.company_id} rolled out",
    )


async def rollout_progress(client: Client, company_id: int, version: int) -> tuple[Status, dict[str, Any]] | None:
    """Return how far a roll-out is; None if there is none on record.

    The numbers are those of `RulesRollout.progress`; they are empty while no worker answers.
    """
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(names.rollout_id(company_id, version))
    try:
        status = (await handle.describe()).status
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return None
        raise
    numbers: dict[str, Any] = {}
    with suppress(RPCError, WorkflowQueryFailedError, TimeoutError):
        numbers = await asyncio.wait_for(handle.query(names.PROGRESS_QUERY), QUERY_TIMEOUT)
    if status is WorkflowExecutionStatus.RUNNING:
        return ("paused" if numbers.get("paused") else "running"), numbers
    if status is not WorkflowExecutionStatus.COMPLETED:
        return "failed", numbers
    return ("replaced" if numbers.get("newer") else "complete"), numbers


async def signal_rollout(client: Client, company_id: int, version: int, signal: str) -> bool:
    """Pause or continue a roll-out; return whether it is running."""
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(names.rollout_id(company_id, version))
    try:
        await handle.signal(signal)
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
