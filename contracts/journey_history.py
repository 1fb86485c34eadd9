"""Read journeys' histories from Temporal: needs no worker, and is strongly consistent, unlike visibility."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from contracts import names

PAGE = 25  # events; a lone event costs a journey five
ENDED = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED,
    }
)


async def committed_version(client: Client, company_id: int, customer_id: str) -> int | None:
    """Return the version of a journey's last commit as its workflow knows it; None if no workflow is running.

    0 means that nothing has been committed yet. Reads the end of the history only.

    Raises:
        temporalio.service.RPCError: Temporal did not answer.
    """
    async for event in _newest_first(client, names.journey_id(company_id, customer_id)):
        if event.event_type in ENDED:
            return None
        if (version := await _version(client, event)) is not None:
            return version
    return None


async def _newest_first(client: Client, workflow_id: str) -> AsyncIterator[HistoryEvent]:
    """Iterate over the newest run of a workflow, latest event first; nothing if there is none."""
    request = GetWorkflowExecutionHistoryReverseRequest(
        namespace=client.namespace,
        execution=WorkflowExecution(workflow_id=workflow_id),
        maximum_page_size=PAGE,
    )
    while True:
        try:
            page = await client.workflow_service.get_workflow_execution_history_reverse(request, retry=True)
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return
            raise
        for event in page.history.events:
            yield event
        if not page.next_page_token:
            return
        request.next_page_token = page.next_page_token


async def _version(client: Client, event: HistoryEvent) -> int | None:
    """Return the journey's version after an event; None if the event does not say."""
    if (result := await commit_result(client, event)) is not None:
        version: int | None = result["changes"].get("n")
        return version
    for attributes in (
        event.workflow_execution_started_event_attributes,
        event.workflow_execution_continued_as_new_event_attributes,
    ):
        if attributes.HasField("input"):
            [start, *_] = await decoded(client, attributes.input) or [{}]
            return int((start.get("state") or {}).get("n", 0))
    return None


async def commit_result(client: Client, event: HistoryEvent) -> dict[str, Any] | None:
    """Return the ``CommitResult`` that an event records, of a local or a regular ``commit``; None if it has none."""
    if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
        results = await decoded(client, event.marker_recorded_event_attributes.details.get("result"))
    elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
        results = await decoded(client, event.activity_task_completed_event_attributes.result)
    else:
        return None
    # no other activity of a journey has a result with "changes"
    return next((result for result in results if isinstance(result, dict) and "changes" in result), None)


async def decoded(client: Client, payloads: Payloads | None) -> list[Any]:
    """Return the JSON values of payloads; None for one that is not JSON."""
    return [_json(payload.data) for payload in await plain(client, payloads.payloads if payloads else ())]


async def plain(client: Client, payloads: Sequence[Payload]) -> list[Payload]:
    """Return payloads as the workflow sees them, without the codec's encoding."""
    codec = client.data_converter.payload_codec
    return list(payloads) if codec is None or not payloads else await codec.decode(payloads)


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:
        return None
