"""Actions: request outreach, list actions with their results, and retry one."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from rfc9457 import Problem

from api import cursors
from api.dependencies import CredentialDep, CustomerFilter, CustomerId, Gateway, GatewayDep
from api.event_formats import JSON
from api.field_types import Note, RowId
from api.journey_commands import IdempotencyKey, execute_command, update_id
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem
from api.schemas.actions import ActionsPage, CustomerAction
from api.security.route_classes import scoped_route
from contracts.messages import MAX_DELAY, CancelAction, RequestAction, RetryAction
from db.outreach import action_queries, task_queries
from db.outreach.action_queries import ActionSearch
from db.outreach.task_queries import TaskSearch
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE, Credential
from journey.actions import CALL_TASKS, action_key

MAX_ROWS = 200

_read = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_WRITE))

Status = Literal["pending", "waiting", "succeeded", "failed", "suppressed", "cancelled"]

ACTION_EXAMPLE = {
    "id": 311,
    "customer_id": "c-1001",
    "customer_name": "Ada Example",
    "action": "send_welcome_email",
    "stage": "lead",
    "entry": 2,
    "status": "failed",
    "reason": None,
    "waits_for": None,
    "work_status": None,
    "last_error": "smtp: 550 mailbox unavailable",
    "channel": "email",
    "marketing": False,
    "attempts": 1,
    "due_at": "2026-03-02T10:15:00+00:00",
    "created_at": "2026-03-02T10:15:00+00:00",
    "updated_at": "2026-03-02T10:15:01+00:00",
    "done_at": "2026-03-02T10:15:01+00:00",
    "performed_by": None,
    "detail": {},
    "latest_attempts": [
        {
            "attempt": 1,
            "at": "2026-03-02T10:15:01+00:00",
            "outcome": "failed",
            "error": "smtp: 550 mailbox unavailable",
        }
    ],
}
_PENDING = {
    **ACTION_EXAMPLE,
    "action": "centre_offer.7",
    "status": "pending",
    "last_error": None,
    "attempts": 0,
    "latest_attempts": [],
}


class ActionRequest(BaseModel):
    """Outreach requested by a person. A call becomes a task; e-mails and offers follow the outreach rules."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"type": "call", "note": "Ask about the new opening hours"}, {"type": "offer"}]
        },
    )

    type: Literal["call", "email", "offer"]
    note: Note | None = Field(
        default=None, description="note for the colleague who makes the call; saved with the action"
    )
    delay_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_DELAY)] = Field(
        default=0, description="seconds until the action is performed; until then it can be cancelled"
    )


@_write.post(
    "/v1/customers/{customer_id}/actions",
    summary="Request a call, an e-mail or an offer",
    status_code=202,
    response_model=None,
    responses={
        202: json_answer(
            CustomerAction,
            "The action was recorded and will be performed in the background.",
            {"customer_id": "c-1001", "action": _PENDING},
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type", "refused"),
    },
)
async def request_action(
    customer_id: CustomerId,
    request: ActionRequest,
    gateway: GatewayDep,
    credential: CredentialDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Consent, quiet hours and the message cap apply: an action that they hold back is `suppressed` or `waiting`, with
    a reason. One without an address or an answer about consent waits up to 24 hours for the customer's profile.
    The journey's history records who requested it and when.

    While a task to call the customer is open, a second call is a conflict; `task` has the open task.
    """
    message = RequestAction(request.type, request.note, credential.key_id, request.delay_seconds)
    company_id = credential.company_id
    command_id = update_id(message, credential, idempotency_key)
    try:
        answer = await execute_command(
            gateway, company_id, customer_id, message, update_id=command_id, conflicts=("type",)
        )
    except Problem as error:
        if error.status != 409:
            raise
        raise await _with_open_call(gateway, company_id, customer_id, error) from None
    key = action_key(company_id, customer_id, answer["action"])
    return _answer(await action_queries.find_action(gateway.pool, company_id, key=key), 202)


@_read.get(
    "/v1/portal/actions",
    summary="List actions with their results",
    response_model=None,
    responses={
        200: json_answer(
            ActionsPage,
            "A page of actions, newest first, each with its latest five attempts. `counts` (null on all pages but the"
            " first) is the number of actions by status, whatever `status` was requested. `next_cursor` (null on the"
            " last page) is the `cursor` of the next page.",
            {"actions": [ACTION_EXAMPLE], "counts": {"failed": 1, "succeeded": 44}, "next_cursor": None},
        ),
        **problems(),
    },
)
async def get_actions(
    gateway: GatewayDep,
    credential: CredentialDep,
    customer_id: CustomerFilter,
    status: Annotated[list[Status] | None, Query(max_length=6, description="repeatable; matches any of these")] = None,
    action: Annotated[
        str | None,
        Query(
            pattern=r"^[a-z0-9_]{1,64}(\.[0-9-]{1,20})?$",
            description="name of the action; without a number, all of its steps",
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    before = None if cursor is None else row_position(cursor, "actions")
    search = ActionSearch(status or (), customer_id, action, limit, before)
    rows, following = await action_queries.list_actions(gateway.pool, credential.company_id, search)
    counts = (
        await action_queries.count_actions_by_status(gateway.pool, credential.company_id, search)
        if before is None
        else None
    )
    next_cursor = None if following is None else cursors.encode("actions", following)
    rest = orjson.dumps({"counts": counts, "next_cursor": next_cursor})
    return Response(b'{"actions":' + rows + b"," + rest[1:], media_type=JSON)


@_write.post(
    "/v1/actions/{action_id}/retry",
    summary="Retry an action",
    status_code=202,
    response_model=None,
    responses={
        202: json_answer(
            CustomerAction,
            "The action will be retried.",
            {"customer_id": "c-1001", "action": {**ACTION_EXAMPLE, "status": "pending", "done_at": None}},
        ),
        **problems("not-found", "conflict", "refused"),
    },
)
async def retry_action(action_id: RowId, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """Retry an action that failed or was suppressed. A message is sent with the same id as the first time."""
    loaded = await _load(gateway, credential, action_id)
    message = RetryAction(action_id, performed_by=credential.key_id)
    await execute_command(gateway, credential.company_id, loaded[0], message, conflicts=("action_id",))
    return _answer(await _load(gateway, credential, action_id), 202)


@_write.post(
    "/v1/actions/{action_id}/cancel",
    summary="Cancel a requested action",
    response_model=None,
    responses={
        200: json_answer(
            CustomerAction,
            "The cancelled action.",
            {"customer_id": "c-1001", "action": {**_PENDING, "status": "cancelled", "reason": "cancelled by staff"}},
        ),
        **problems("not-found", "conflict", "refused"),
    },
)
async def cancel_action(action_id: RowId, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """Cancel a call, an e-mail or an offer that staff requested and that is not being performed yet: its `due_at` is in
    the future. Cancelling it twice is not an error.
    """
    loaded = await _load(gateway, credential, action_id)
    message = CancelAction(action_id, performed_by=credential.key_id)
    await execute_command(gateway, credential.company_id, loaded[0], message, conflicts=("action_id",))
    return _answer(await _load(gateway, credential, action_id), 200)


async def _with_open_call(gateway: Gateway, company_id: int, customer_id: str, error: Problem) -> Problem:
    """Add the open call task to a conflict, unless it is still being created."""
    search = TaskSearch(customer_id=customer_id, kinds=CALL_TASKS, limit=1)
    rows, _ = await task_queries.list_tasks(gateway.pool, company_id, search)
    tasks = orjson.loads(rows)
    if not tasks:
        return error
    task_id = tasks[0]["id"]
    link = {"id": task_id, "url": f"/customers/{quote(customer_id, safe='')}#task-{task_id}"}
    return problem("conflict", error.detail, errors=error.extras["errors"], task=link)


async def _load(gateway: Gateway, credential: Credential, action_id: int) -> tuple[str, bytes]:
    loaded = await action_queries.find_action(gateway.pool, credential.company_id, action_id=action_id)
    if loaded is None:
        raise not_found("no such action")
    return loaded


def _answer(loaded: tuple[str, bytes] | None, status: int) -> Response:
    assert loaded is not None  # the journey replied after the commit
    customer_id, action = loaded
    return Response(b'{"customer_id":%b,"action":%b}' % (orjson.dumps(customer_id), action), status, media_type=JSON)


def row_position(cursor: str, kind: str) -> int:
    """Return the row of a cursor of the list `kind`. Raises the problem 422 if it is invalid or of another list."""
    try:
        its_kind, row = cursors.decode(cursor)
        if its_kind != kind:
            raise ValueError("cursor of another list")
        return cursors.row_id(row)
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, f"the `next_cursor` of a page of {kind}") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
