"""Tasks for people, and the staff who do them."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.base import Count, CustomerId, KeyId, NextCursor, RowId, Schema, StaffRole, StageKey, TaskStatus


class TaskComment(Schema):
    """A comment on a task."""

    id: RowId
    at: datetime
    performed_by: KeyId | None
    by: str | None = Field(description="name of the API key that was used")
    text: str


class Task(Schema):
    """A task for a staff member."""

    id: RowId
    customer_id: CustomerId
    customer_name: str | None
    customer_phone: str | None
    current_stage: StageKey
    kind: str = Field(description="kind of task, such as `check_in_call`")
    title: str = Field(description="what to do, the customer's current name and phone number, and the reason")
    reason: str | None = Field(description="why the task exists; null for tasks of earlier versions")
    status: TaskStatus
    assigned_to: RowId | None = Field(description="id of a staff member; null if the task is unassigned")
    staff_name: str | None
    due_at: datetime | None
    overdue: bool = Field(description="whether the task is open and past its due time")
    created_at: datetime
    done_at: datetime | None = Field(description="when the task was completed, or closed automatically")
    done_by: KeyId | None
    closed_reason: str | None = Field(description="why the task was closed automatically")
    note: str | None
    action_id: RowId | None = Field(description="id of the action that created the task")
    comments: list[TaskComment] = Field(description="the latest 50 comments, oldest first")


class TasksPage(Schema):
    """A page of tasks."""

    tasks: list[Task]
    next_cursor: NextCursor


class CustomerTask(Schema):
    """A task and its customer."""

    customer_id: CustomerId
    task: Task


class Assignable(Schema):
    """A staff member to whom tasks can be assigned."""

    id: RowId
    name: str
    role: StaffRole
    is_active: bool = Field(description="whether new customers and tasks are assigned to them")
    customers: Count
    open_tasks: Count


class AssignableStaff(Schema):
    """All staff, inactive included, by id."""

    staff: list[Assignable]


class StaffMember(Assignable):
    """A staff member."""

    email: str | None
    created_at: datetime


class StaffList(Schema):
    """All staff, inactive included, by id."""

    staff: list[StaffMember]
