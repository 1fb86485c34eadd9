"""Pages of tasks and single tasks as JSON text built by Postgres, for the API and the CLI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.sql_fragments import conjunction, customer_join, json_array

# A title names the customer as of now: the profile may have changed, or be erased, since the task was created. Older
# tasks have no reason, and the customer's id in their title.
_TITLE = sql.SQL(
    "(select case when t.reason is null then replace(t.title, 'customer ' || u.external_id, c.shown)"
    " else t.title || ': ' || c.shown || ' – ' || t.reason end"
    " from (select coalesce(u.name, u.external_id) || coalesce(' (' || u.phone || ')', '') as shown) c) as title"
)
_COMMENTS = sql.SQL(
    "(select coalesce(json_agg(json_build_object('id', c.id, 'at', c.at, 'performed_by', c.performed_by, 'by',"
    " (select k.name from api_keys k where k.company_id = c.company_id and k.id = c.performed_by), 'text', c.text)"
    " order by c.id), '[]') from (select * from task_comments c where c.company_id = t.company_id and c.task_id = t.id"
    " order by c.id desc limit 50) c) as comments"
)
_COLUMNS = sql.SQL(
    "t.id, u.external_id as customer_id, u.name as customer_name, u.phone as customer_phone, r.current_stage, t.kind,"
    " {title}, t.reason, t.status, t.assigned_to, (select s.name from staff s where s.company_id = t.company_id"
    " and s.id = t.assigned_to) as staff_name, t.due_at, coalesce(t.status = 'open' and t.due_at < now(), false)"
    " as overdue, t.created_at, t.done_at, t.done_by, t.closed_reason, t.note, (select a.id from journey_actions a"
    " where a.company_id = t.company_id and a.action_key = t.action_key) as action_id, {comments}"
).format(title=_TITLE, comments=_COMMENTS)
_TASKS = sql.SQL("tasks t") + customer_join(sql.SQL("t"))


_QUESTION = """
select u.external_id, a.detail ->> 'key', a.detail ->> 'scheduled_for', (
    select json_agg(distinct coalesce(e.payload ->> 'appointment_id', 'event:' || e.event_id)) from journey_events e
     where e.company_id = t.company_id and e.customer_id = r.customer_id and e.outcome = 'applied'
       and e.payload ->> 'scheduled_for' = a.detail ->> 'scheduled_for')
  from tasks t
  join journey_actions a on a.company_id = t.company_id and a.action_key = t.action_key
  join customer_relationships r on r.company_id = t.company_id and r.id = t.relationship_id
  join customers u on u.company_id = r.company_id and u.id = r.customer_id
 where t.company_id = %(company)s and t.id = %(task)s and t.kind = 'attendance'
"""

TaskSort = Literal["due_at", "done_at"]


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """The filter of a page of tasks; None does not filter.

    Attributes:
        assigned_to: The id of a staff member; 0 for unassigned tasks.
        overdue: Whether the task is open and past its due time.
        sort: ``due_at``: the earliest first; ``done_at``: tasks that were completed, the latest first.
        after: The sorted time (as text; ``infinity`` without a due time) and id of the last task of the previous page.
    """

    status: str | None = "open"
    assigned_to: int | None = None
    customer_id: str | None = None
    kind: str | None = None
    kinds: Sequence[str] | None = None
    overdue: bool | None = None
    sort: TaskSort = "due_at"
    limit: int = 50
    after: tuple[str, int] | None = None


_FILTERS: dict[str, sql.SQL] = {
    "status": sql.SQL("t.status = %(status)s"),
    "assigned_to": sql.SQL("coalesce(t.assigned_to, 0) = %(assigned_to)s"),
    "customer_id": sql.SQL("u.external_id = %(customer_id)s"),
    "kind": sql.SQL("t.kind = %(kind)s"),
    "kinds": sql.SQL("t.kind = any(%(kinds)s)"),
    "overdue": sql.SQL("coalesce(t.status = 'open' and t.due_at < now(), false) = %(overdue)s"),
}
#: For each order: the sorted time, the condition of its tasks, the comparison with the previous page, the direction.
_ORDERS: dict[TaskSort, tuple[sql.SQL, sql.SQL, sql.SQL, sql.SQL]] = {
    "due_at": (sql.SQL("coalesce(t.due_at, 'infinity')"), sql.SQL("true"), sql.SQL(">"), sql.SQL("asc")),
    "done_at": (sql.SQL("t.done_at"), sql.SQL("t.done_at is not null"), sql.SQL("<"), sql.SQL("desc")),
}


async def list_tasks(pool: Pool, company_id: int, search: TaskSearch) -> tuple[bytes, tuple[str, int] | None]:
    """Return a page of tasks as the text of a JSON array, and `after` of the next page or None."""
    time, eligible, beyond, direction = _ORDERS[search.sort]
    conditions: list[sql.Composable] = [sql.SQL("t.company_id = %(company)s"), eligible]
    params: dict[str, Any] = {"company": company_id, "limit": search.limit + 1}
    for field, condition in _FILTERS.items():
        if (value := getattr(search, field)) is not None:
            conditions.append(condition)
            params[field] = list(value) if field == "kinds" else value
    if search.after is not None:
        after = sql.SQL("({}, t.id) {} (%(time)s::timestamptz, %(after)s::bigint)").format(time, beyond)
        conditions.append(after)
        params |= {"time": search.after[0], "after": search.after[1]}
    statement = sql.SQL(
        "select (select row_to_json(x) from (select {columns}) x)::text, {time}::text, t.id"
        " from {source} where {conditions} order by {time} {direction}, t.id {direction} limit %(limit)s"
    ).format(columns=_COLUMNS, time=time, source=_TASKS, conditions=conjunction(conditions), direction=direction)
    rows = await tenant_rows(pool, company_id, statement, params)
    next_after = rows[search.limit - 1][1:] if len(rows) > search.limit else None
    return json_array(row[0] for row in rows[: search.limit]), next_after


async def find_question(pool: Pool, company_id: int, task_id: int) -> tuple[str, str, str, list[str]] | None:
    """Find a task that asks whether a customer came.

    Returns:
        The customer's external id, the key of the appointment, its booked time (RFC 3339, as events have it), and the
        ids of the appointments that were ever booked for that time; None if there is no such task.
    """
    rows = await tenant_rows(pool, company_id, _QUESTION, {"company": company_id, "task": task_id})
    return (rows[0][0], rows[0][1], rows[0][2], rows[0][3] or []) if rows else None


async def find_task(pool: Pool, company_id: int, task_id: int) -> tuple[str, bytes] | None:
    """Find a task by its id.

    Returns:
        The customer's external id and the task as JSON text; None if there is no such task.
    """
    statement = sql.SQL(
        "select u.external_id, (select row_to_json(x) from (select {columns}) x)::text from {source}"
        " where t.company_id = %s and t.id = %s"
    ).format(columns=_COLUMNS, source=_TASKS)
    rows = await tenant_rows(pool, company_id, statement, [company_id, task_id])
    return (rows[0][0], rows[0][1].encode()) if rows else None
