"""People's work: tasks and assignments, each made once in the transaction that finishes its action."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.connections import Connection, Pool, tenant_transaction
from db.outreach.actions import ActionRow, Outcome, claim, finish_on, put_later


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be made; ``assign`` also gives the customer to whoever gets it, in that role."""

    kind: str
    title: str
    role: str
    due_at: datetime | None
    note: str | None = None
    again: tuple[str, datetime] | None = None


async def make_task(pool: Pool, company_id: int, row: ActionRow, at: datetime, task: NewTask) -> bool:
    """Make a task once: for who looks after the customer in that role, else the least loaded, else for nobody.

    ``again`` (tail's action, due) puts the next one on record in the same transaction. False: it was done before.
    """
    async with tenant_transaction(pool, company_id) as connection:
        relationship = await claim(connection, company_id, row)
        if relationship is None:
            return False
        staff = await _assigned(connection, relationship, task.role) or await _least_loaded(
            connection, company_id, task.role
        )
        task_id = await _insert_task(connection, company_id, relationship, row.action_key, task, staff)
        if task.again is not None:
            action, due_at = task.again
            await put_later(connection, row, action, due_at)
        reason = None if staff else f"nobody active has the role {task.role}: the task is unassigned"
        detail = {"task": task_id, "assigned_to": staff}
        outcome = Outcome(status="succeeded", channel="task", reason=reason, detail=detail)
        await finish_on(connection, company_id, row.id, at, outcome)
    return True


async def assign(pool: Pool, company_id: int, row: ActionRow, at: datetime, role: str, title: str) -> bool:
    """Give the customer to the least loaded active person of a role, once; where nobody has it, make a task of it."""
    async with tenant_transaction(pool, company_id) as connection:
        relationship = await claim(connection, company_id, row)
        if relationship is None:
            return False
        staff = await _assigned(connection, relationship, role) or await _least_loaded(connection, company_id, role)
        detail: dict[str, Any] = {"assigned_to": staff}
        reason = None
        if staff is None:
            reason = f"nobody active has the role {role}: an unassigned task was made"
            task = NewTask("assignment", title, role, at)
            detail["task"] = await _insert_task(connection, company_id, relationship, row.action_key, task, None)
        else:
            await connection.execute(
                "insert into assignments (company_id, relationship_id, role, staff_id, since)"
                " values (%s, %s, %s, %s, %s) on conflict (relationship_id, role)"
                " do update set staff_id = excluded.staff_id, since = excluded.since",
                [company_id, relationship, role, staff, at],
            )
        outcome = Outcome(status="succeeded", channel="task", reason=reason, detail=detail)
        await finish_on(connection, company_id, row.id, at, outcome)
    return True


async def _assigned(connection: Connection, relationship_id: int, role: str) -> int | None:
    found = await connection.execute(
        "select a.staff_id from assignments a join staff s on s.id = a.staff_id"
        " where a.relationship_id = %s and a.role = %s and s.is_active",
        [relationship_id, role],
    )
    person = await found.fetchone()
    return person[0] if person else None


async def _least_loaded(connection: Connection, company_id: int, role: str) -> int | None:
    """By customers, then by open tasks, then by who came first. One at a time, or two would choose the same person."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"staff/{company_id}/{role}"])
    found = await connection.execute(
        """
        select s.id from staff s
         where s.company_id = %s and s.role = %s and s.is_active
         order by (select count(*) from assignments a where a.company_id = s.company_id and a.staff_id = s.id),
                  (select count(*) from tasks t where t.company_id = s.company_id and t.assigned_to = s.id
                                                  and t.status = 'open'), s.id
         limit 1
        """,
        [company_id, role],
    )
    person = await found.fetchone()
    return person[0] if person else None


async def _insert_task(
    connection: Connection, company_id: int, relationship: int, key: str, task: NewTask, staff: int | None
) -> int:
    made = await connection.execute(
        "insert into tasks (company_id, relationship_id, kind, title, due_at, assigned_to, action_key, note)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (company_id, action_key) do update set action_key = excluded.action_key returning id",
        [company_id, relationship, task.kind, task.title, task.due_at, staff, key, task.note],
    )
    row = await made.fetchone()
    assert row is not None
    task_id: int = row[0]
    return task_id
