"""The client side of previews of changed rules: start them, cancel them, see whether they run."""

from typing import Any

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from contracts import names
from contracts.preview_requests import PreviewStart


async def start_preview(client: Client, start: PreviewStart) -> None:
    """Start a preview; it waits a while until it is on record in Postgres. Raises RPCError."""
    await client.start_workflow(
        names.PREVIEW_RULES,
        start,
        id=names.preview_id(start.company_id, start.preview_id),
        task_queue=names.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        search_attributes=TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, start.company_id)]),
        static_summary=f"Preview {start.preview_id} of changed rules of company {start.company_id}",
    )


async def cancel_preview(client: Client, company_id: int, preview_id: int) -> None:
    """Cancel a preview, if it runs. Raises RPCError if Temporal does not answer."""
    try:
        await _handle(client, company_id, preview_id).cancel()
    except RPCError as error:
        if error.status != RPCStatusCode.NOT_FOUND:
            raise


async def is_preview_running(client: Client, company_id: int, preview_id: int) -> bool:
    """Whether the workflow of a preview is running; it runs until the result is deleted. Raises RPCError."""
    try:
        found = await _handle(client, company_id, preview_id).describe()
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:
            return False
        raise
    return found.status is WorkflowExecutionStatus.RUNNING


def _handle(client: Client, company_id: int, preview_id: int) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(names.preview_id(company_id, preview_id))
