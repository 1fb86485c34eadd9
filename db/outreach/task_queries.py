"""Pages of tasks and single tasks as JSON text built by Postgres, for the API and the CLI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.sql_fragments import conjunction, customer_join, json_array

_COLUMNS = sql.SQL(
    "t.id, u.external_id as customer_id, u.name as customer_name, r.current_stage, t.kind, t.title, t.status,"
    " t.assigned_to, (select s.name from staff s where s.company_id = t.company_id and s.id = t.assigned_to)"
    " as staff_name, t.due_at, coalesce(t.status = 'open' and t.due_at < now(), false) as overdue, t.created_at,"
    " t.done_at, t.done_by, t.note, (select a.id from journey_actions a where a.company_id = t.company_id"
    " and a.action_key = t.action_key) as action_id"
)
_TASKS = sql.SQL("tasks t") + customer_join(sql.SQL("t"))


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """The filter of a page of tasks; None does not filter.

    Attributes:
        assigned_to: The id of a staff member; 0 for unassigned tasks.
        after: Due time (as text; ``infinity`` without one) and id of the last task of the previous page.
    """

    status: str | None = "open"
    assigned_to: int | None = None
    customer_id: str | None = None
    kind: str | None = None
    limit: int = 50
    after: tuple[str, int] | None = None


_FILTERS: dict[str, sql.SQL] = {
    "status": sql.SQL("t.status = %(status)s"),
    "assigned_to": sql.SQL("coalesce(t.assigned_to, 0) = %(assigned_to)s"),
    "customer_id": sql.SQL("u.external_id = %(customer_id)s"),
    "kind": sql.SQL("t.kind = %(kind)s"),
}


async def list_tasks(pool: Pool, company_id: int, search: TaskSearch) -> tuple[bytes, tuple[str, int] | None]:
    """Return a page of tasks, soonest due first, as the text of a JSON array, and `after` of the next page or None."""
    conditions: list[sql.Composable] = [sql.SQL("t.company_id = %(company)s")]
    params: dict[str, Any] = {"company": company_id, "limit": search.limit + 1}
    for field, condition in _FILTERS.items():
        if (value := getattr(search, field)) is not None:
            conditions.append(condition)
            params[field] = value
    if search.after is not None:
        conditions.append(sql.SQL("(coalesce(t.due_at, 'infinity'), t.id) > (%(due)s::timestamptz, %(after)s::bigint)"))
        params |= {"due": search.after[0], "after": search.after[1]}
    statement = sql.SQL(
        "select (select row_to_json(x) from (select {columns}) x)::text, coalesce(t.due_at, 'infinity')::text, t.id"
        " from {source} where {conditions} order by coalesce(t.due_at, 'infinity'), t.id limit %(limit)s"
    ).format(columns=_COLUMNS, source=_TASKS, conditions=conjunction(conditions))
    rows = await tenant_rows(pool, company_id, statement, params)
    next_after = rows[search.limit - 1][1:] if len(rows) > search.limit else None
    return json_array(row[0] for row in rows[: search.limit]), next_after


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
