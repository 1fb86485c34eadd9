"""Work for staff: tasks and assignments, each created once in the transaction that records its action as done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.connections import Connection, Pool, tenant_transaction
from db.outreach.action_context import ActionContext
from db.outreach.action_outcomes import Outcome, claim, finish_in, schedule_action
from db.people import assignments


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be created, whose title and reason do not name the customer.

    ``followed_by``: the name and due time of the action that repeats it.
    """

    kind: str
    title: str
    role: str
    due_at: datetime | None
    reason: str
    note: str | None = None
    followed_by: tuple[str, datetime] | None = None


async def create_task(pool: Pool, context: ActionContext, task: NewTask) -> bool:
    """Create a task once: for the person assigned to the customer in that role, else the least loaded, else unassigned.

    Returns False if the action has already been done or cancelled.
    """
    company_id = context.company_id
    async with tenant_transaction(pool, company_id) as connection:
        if not await claim(connection, context):
            return False
        staff = await assignments.find_assignee(connection, company_id, context.relationship_id, task.role)
        task_id = await _insert_task(connection, context, task, staff)
        if task.followed_by is not None:
            action, due_at = task.followed_by
            await schedule_action(connection, context, action, due_at)
        reason = None if staff else f"no active staff member has the role {task.role}; the task is unassigned"
        detail = {"task": task_id, "assigned_to": staff}
        await finish_in(connection, context, Outcome(status="succeeded", channel="task", reason=reason, detail=detail))
    return True


async def assign(pool: Pool, context: ActionContext, role: str, title: str) -> bool:
    """Assign the customer to the least loaded active person of a role, once.

    If nobody has the role, create an unassigned task with ``title`` instead. Returns False if the action has already
    been done or cancelled.
    """
    company_id, relationship_id = context.company_id, context.relationship_id
    async with tenant_transaction(pool, company_id) as connection:
        if not await claim(connection, context):
            return False
        staff = await assignments.find_assignee(connection, company_id, relationship_id, role)
        detail: dict[str, Any] = {"assigned_to": staff}
        reason = None
        if staff is None:
            unavailable = f"no active staff member has the role {role}"
            reason = f"{unavailable}; an unassigned task was created"
            task = NewTask("assignment", title, role, context.at, unavailable)
            detail["task"] = await _insert_task(connection, context, task, None)
        else:
            await assignments.assign(connection, company_id, relationship_id, role, staff, context.at)
        await finish_in(connection, context, Outcome(status="succeeded", channel="task", reason=reason, detail=detail))
    return True


async def _insert_task(connection: Connection, context: ActionContext, task: NewTask, staff: int | None) -> int:
    inserted = await connection.execute(
        "insert into tasks (company_id, relationship_id, kind, title, due_at, assigned_to, action_key, note, reason)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (company_id, action_key) do update set action_key = excluded.action_key returning id",
        [
            context.company_id,
            context.relationship_id,
            task.kind,
            task.title,
            task.due_at,
            staff,
            context.action_key,
            task.note,
            task.reason,
        ],
    )
    row = await inserted.fetchone()
    assert row is not None
    task_id: int = row[0]
    return task_id
