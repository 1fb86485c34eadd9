"""Tasks and the staff they are assigned to. Changes go through the customer's journey."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from api import cursors
from api.dependencies import CredentialDep, CustomerFilter, Gateway, GatewayDep
from api.event_formats import JSON
from api.field_types import Note, RowId, not_blank
from api.journey_commands import IdempotencyKey, execute_command, update_id
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.tasks import AssignableStaff, CustomerTask, TasksPage
from api.security.route_classes import scoped_route
from contracts.messages import ChangeTask, FinishTask, JourneyCommand, ReassignTask
from db.connections import tenant_transaction
from db.outreach import task_queries
from db.outreach.task_queries import TaskSearch, TaskSort
from db.people import staff
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE, Credential
from journey.stages import DEFAULT_RULEBOOK, Role

MAX_ROWS = 200

_read = APIRouter(tags=["tasks"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["tasks"], route_class=scoped_route(JOURNEYS_WRITE))

EXAMPLE = {
    "id": 17,
    "customer_id": "c-1001",
    "customer_name": "Ada Example",
    "current_stage": DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)[0],
    "kind": "check_in_call",
    "customer_phone": "+49 30 1234567",
    "title": "Check-in call: Ada Example (+49 30 1234567) – last visit on 2 December 2025",
    "reason": "last visit on 2 December 2025",
    "status": "open",
    "assigned_to": 2,
    "staff_name": "Grace Example",
    "due_at": "2026-03-04T10:15:00+00:00",
    "overdue": False,
    "created_at": "2026-03-02T10:15:00+00:00",
    "done_at": None,
    "done_by": None,
    "closed_reason": None,
    "note": None,
    "action_id": 311,
    "comments": [
        {
            "id": 5,
            "at": "2026-03-03T09:00:00+00:00",
            "performed_by": 3,
            "by": "front desk",
            "text": "No answer, try again in the evening",
        }
    ],
}
_PERSON = {"id": 2, "name": "Grace Example", "role": "manager", "is_active": True, "customers": 12, "open_tasks": 3}


class Done(BaseModel):
    """An optional note about a completed task."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "Reached her, coming on Friday"}]}
    )

    note: Note | None = None


class TaskChange(BaseModel):
    """The new due time of a task."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"due_at": "2026-03-06T16:00:00+01:00"}]})

    due_at: AwareDatetime = Field(description="a time in the future")


class Comment(BaseModel):
    """A comment on a task."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "No answer, call at six"}]})

    text: Annotated[Note, AfterValidator(not_blank)]


class Assignee(BaseModel):
    """The staff member to assign a task to; null leaves it unassigned."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"staff_id": 2}, {"staff_id": None}]})

    staff_id: Annotated[int, Field(strict=True, ge=1, lt=1 << 63)] | None


@_read.get(
    "/v1/portal/tasks",
    summary="List tasks",
    response_model=None,
    responses={
        200: json_answer(
            TasksPage,
            "A page of tasks. `overdue` is true for open tasks past their due time. `next_cursor` (null on the last"
            " page) is the `cursor` of the next page.",
            {"tasks": [EXAMPLE], "next_cursor": None},
        ),
        **problems(),
    },
)
async def get_tasks(
    gateway: GatewayDep,
    credential: CredentialDep,
    customer_id: CustomerFilter,
    status: Literal["open", "done", "cancelled", "all"] = "open",
    assigned_to: Annotated[
        str | None,
        Query(pattern=r"^([1-9][0-9]{0,17}|nobody)$", description="a staff id, or `nobody` for unassigned tasks"),
    ] = None,
    kind: Annotated[
        str | None, Query(pattern=r"^[a-z0-9_]{1,64}$", description="kind of task, such as `check_in_call`")
    ] = None,
    overdue: Annotated[
        bool | None, Query(description="whether the task is open and past its due time; omit it for both")
    ] = None,
    sort: Annotated[
        TaskSort, Query(description="`due_at`: the earliest first; `done_at`: only completed tasks, the latest first")
    ] = "due_at",
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    search = TaskSearch(
        status=None if status == "all" else status,
        assigned_to=None if assigned_to is None else 0 if assigned_to == "nobody" else int(assigned_to),
        customer_id=customer_id,
        kind=kind,
        overdue=overdue,
        sort=sort,
        limit=limit,
        after=None if cursor is None else _position(cursor, sort),
    )
    rows, following = await task_queries.list_tasks(gateway.pool, credential.company_id, search)
    next_cursor = None if following is None else cursors.encode(_cursor_kind(sort), *following)
    return Response(b'{"tasks":' + rows + b',"next_cursor":' + orjson.dumps(next_cursor) + b"}", media_type=JSON)


@_read.get(
    "/v1/portal/staff",
    summary="List staff to assign tasks to",
    response_model=None,
    responses={
        200: json_answer(
            AssignableStaff,
            "All staff with their customers and open tasks. Inactive staff are not assigned new tasks.",
            {"staff": [_PERSON]},
        ),
        **problems(),
    },
)
async def get_staff(gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    async with tenant_transaction(gateway.pool, credential.company_id) as connection:
        people = await staff.list_all(connection, credential.company_id)
    return {"staff": [{name: person[name] for name in _PERSON} for person in people]}


@_write.post(
    "/v1/portal/tasks/{task_id}/done",
    summary="Complete a task",
    response_model=None,
    responses={
        200: json_answer(
            CustomerTask,
            "The completed task.",
            {"customer_id": "c-1001", "task": {**EXAMPLE, "status": "done", "done_at": "2026-03-03T09:00:00Z"}},
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type", "refused"),
    },
)
async def finish_task(
    task_id: RowId, gateway: GatewayDep, credential: CredentialDep, done: Done | None = None
) -> Response:
    """Completing a task twice is not an error. `done_by` records the id of the API key."""
    message = FinishTask(task_id, done.note if done else None, performed_by=credential.key_id)
    return await change_task(gateway, credential, task_id, message)


@_write.post(
    "/v1/portal/tasks/{task_id}/reopen",
    summary="Reopen a task",
    response_model=None,
    responses={
        200: json_answer(CustomerTask, "The open task.", {"customer_id": "c-1001", "task": EXAMPLE}),
        **problems("not-found", "conflict", "refused"),
    },
)
async def reopen_task(task_id: RowId, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """Reopen a task that was completed or closed. Reopening an open task is not an error."""
    message = ChangeTask(task_id, reopen=True, performed_by=credential.key_id)
    return await change_task(gateway, credential, task_id, message)


@_write.patch(
    "/v1/portal/tasks/{task_id}",
    summary="Move a task to another time",
    response_model=None,
    responses={
        200: json_answer(
            CustomerTask,
            "The task with its new due time.",
            {"customer_id": "c-1001", "task": {**EXAMPLE, "due_at": "2026-03-06T15:00:00+00:00"}},
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type", "refused"),
    },
)
async def move_task(task_id: RowId, change: TaskChange, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """The task must be open."""
    message = ChangeTask(task_id, due_at=change.due_at.isoformat(), performed_by=credential.key_id)
    return await change_task(gateway, credential, task_id, message)


@_write.post(
    "/v1/portal/tasks/{task_id}/comments",
    summary="Comment on a task",
    response_model=None,
    responses={
        200: json_answer(CustomerTask, "The task with the new comment.", {"customer_id": "c-1001", "task": EXAMPLE}),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type", "refused"),
    },
)
async def add_comment(
    task_id: RowId,
    comment: Comment,
    gateway: GatewayDep,
    credential: CredentialDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Comments can be added to closed tasks too."""
    message = ChangeTask(task_id, comment=comment.text, performed_by=credential.key_id)
    return await change_task(gateway, credential, task_id, message, update_id(message, credential, idempotency_key))


@_write.post(
    "/v1/portal/tasks/{task_id}/assign",
    summary="Assign a task",
    response_model=None,
    responses={
        200: json_answer(CustomerTask, "The task with its new assignee.", {"customer_id": "c-1001", "task": EXAMPLE}),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type", "refused"),
    },
)
async def assign_task(task_id: RowId, assignee: Assignee, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """The task must be open and the staff member active."""
    message = ReassignTask(task_id, assignee.staff_id, performed_by=credential.key_id)
    return await change_task(gateway, credential, task_id, message)


async def change_task(
    gateway: Gateway, credential: Credential, task_id: int, command: JourneyCommand, command_id: str | None = None
) -> Response:
    """Send a command about a task to its journey; answer with the task after the change."""
    customer_id = (await _load(gateway, credential, task_id))[0]
    company_id = credential.company_id
    await execute_command(gateway, company_id, customer_id, command, update_id=command_id, conflicts=("task_id",))
    return _answer(await _load(gateway, credential, task_id))


async def _load(gateway: Gateway, credential: Credential, task_id: int) -> tuple[str, bytes]:
    loaded = await task_queries.find_task(gateway.pool, credential.company_id, task_id)
    if loaded is None:
        raise not_found("no such task")
    return loaded


def _answer(loaded: tuple[str, bytes]) -> Response:
    customer_id, task = loaded
    return Response(b'{"customer_id":%b,"task":%b}' % (orjson.dumps(customer_id), task), media_type=JSON)


def _cursor_kind(sort: TaskSort) -> str:
    return "tasks" if sort == "due_at" else f"tasks by {sort}"


def _position(cursor: str, sort: TaskSort) -> tuple[str, int]:
    try:
        kind, time, row = cursors.decode(cursor)
        if kind != _cursor_kind(sort):
            raise ValueError("cursor of another list")
        return time if time == "infinity" else cursors.timestamp(time), cursors.row_id(row)
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "the `next_cursor` of a page of tasks") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
