"""Reads for the portal: pages of actions and of tasks, whose JSON Postgres builds; one of either; who of the staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql

from db.connections import Pool, tenant_rows

LATEST_ATTEMPTS = 5

#: What is shown of an action's detail; what a new kind of action keeps there is not shown before it is named here.
_DETAIL: tuple[str, ...] = ("note", "code", "task", "assigned_to", "campaign", "told", "receipt")

_ACTION = sql.SQL(
    "a.id, u.external_id as customer_id, u.name as customer_name, a.action, a.stage_key as stage, a.entry, a.status,"
    " a.reason, a.last_error, a.channel, a.marketing, a.attempts, a.due_at, a.created_at, a.updated_at, a.done_at,"
    " a.performed_by, (select coalesce(jsonb_object_agg(key, value), '{{}}') from jsonb_each(a.detail)"
    " where key = any({detail})) as detail,"
    " (select coalesce(json_agg(t), '[]') from (select attempt, at, outcome, error from action_attempts"
    " where action_id = a.id order by id desc limit {latest}) t) as latest_attempts"
).format(detail=sql.Literal(list(_DETAIL)), latest=sql.Literal(LATEST_ATTEMPTS))

_OF_CUSTOMER = sql.SQL(
    " join customer_relationships r on r.company_id = {0}.company_id and r.id = {0}.relationship_id"
    " join customers u on u.company_id = r.company_id and u.id = r.customer_id"
)
_ACTIONS = sql.SQL("journey_actions a") + _OF_CUSTOMER.format(sql.SQL("a"))
_TASKS = sql.SQL("tasks t") + _OF_CUSTOMER.format(sql.SQL("t"))

_TASK = sql.SQL(
    "t.id, u.external_id as customer_id, u.name as customer_name, r.current_stage, t.kind, t.title, t.status,"
    " t.assigned_to, (select s.name from staff s where s.company_id = t.company_id and s.id = t.assigned_to)"
    " as staff_name, t.due_at, coalesce(t.status = 'open' and t.due_at < now(), false) as overdue, t.created_at,"
    " t.done_at, t.done_by, t.note, (select a.id from journey_actions a where a.company_id = t.company_id"
    " and a.action_key = t.action_key) as action_id"
)


@dataclass(frozen=True, slots=True)
class ActionSearch:
    """Which actions; () and None do not filter. ``action`` also finds its later steps. ``before``: an action's id."""

    statuses: Sequence[str] = ()
    customer_id: str | None = None
    action: str | None = None
    limit: int = 50
    before: int | None = None


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """Which tasks; None does not filter, ``assigned_to`` 0 finds those that nobody has.

    ``after``: when the last one seen is due, as text (``infinity`` where it has no date), and its id.
    """

    status: str | None = "open"
    assigned_to: int | None = None
    customer_id: str | None = None
    kind: str | None = None
    limit: int = 50
    after: tuple[str, int] | None = None


async def actions(pool: Pool, company_id: int, search: ActionSearch) -> tuple[bytes, int | None]:
    """A page of actions as the text of a JSON array, newest first, and the id before which the next one starts."""
    conditions, params = _of_actions(company_id, search)
    if search.statuses:
        conditions.append("a.status = any(%(statuses)s)")
        params["statuses"] = list(search.statuses)
    if search.before is not None:
        conditions.append("a.id < %(before)s")
        params["before"] = search.before
    statement = sql.SQL(
        "select (select row_to_json(x) from (select {shown}) x)::text, a.id from {source} where {conditions}"
        " order by a.id desc limit %(limit)s"
    ).format(shown=_ACTION, source=_ACTIONS, conditions=_all(conditions))
    rows = await tenant_rows(pool, company_id, statement, {**params, "limit": search.limit + 1})
    following = rows[search.limit - 1][1] if len(rows) > search.limit else None
    return _array(rows[: search.limit]), following


async def action_counts(pool: Pool, company_id: int, search: ActionSearch) -> dict[str, int]:
    """How many actions have each status; of the search only the customer and the action count."""
    conditions, params = _of_actions(company_id, search)
    source = _ACTIONS if search.customer_id is not None else sql.SQL("journey_actions a")
    statement = sql.SQL("select a.status, count(*) from {} where {} group by 1").format(source, _all(conditions))
    return dict(await tenant_rows(pool, company_id, statement, params))


def _of_actions(company_id: int, search: ActionSearch) -> tuple[list[LiteralString], dict[str, Any]]:
    conditions: list[LiteralString] = ["a.company_id = %(company)s"]
    params: dict[str, Any] = {"company": company_id}
    if search.customer_id is not None:
        conditions.append("u.external_id = %(customer)s")
        params["customer"] = search.customer_id
    if search.action is not None:
        conditions.append("(a.action = %(action)s or split_part(a.action, '.', 1) = %(action)s)")
        params["action"] = search.action
    return conditions, params


async def action(
    pool: Pool, company_id: int, *, action_id: int | None = None, key: str | None = None
) -> tuple[str, bytes] | None:
    """An action by its id or its key: whose it is (the company's own id), and the action as JSON text; or None."""
    statement = sql.SQL(
        "select u.external_id, (select row_to_json(x) from (select {shown}) x)::text from {source}"
        " where a.company_id = %(company)s and (a.id = %(id)s::bigint or a.action_key = %(key)s::text)"
    ).format(shown=_ACTION, source=_ACTIONS)
    rows = await tenant_rows(pool, company_id, statement, {"company": company_id, "id": action_id, "key": key})
    return (rows[0][0], rows[0][1].encode()) if rows else None


async def tasks(pool: Pool, company_id: int, search: TaskSearch) -> tuple[bytes, tuple[str, int] | None]:
    """A page of tasks as the text of a JSON array, soonest due first, and the place after which the next one starts."""
    conditions: list[LiteralString] = ["t.company_id = %(company)s"]
    params: dict[str, Any] = {"company": company_id, "limit": search.limit + 1}
    if search.status is not None:
        conditions.append("t.status = %(status)s")
        params["status"] = search.status
    if search.assigned_to is not None:
        conditions.append("coalesce(t.assigned_to, 0) = %(staff)s")
        params["staff"] = search.assigned_to
    if search.customer_id is not None:
        conditions.append("u.external_id = %(customer)s")
        params["customer"] = search.customer_id
    if search.kind is not None:
        conditions.append("t.kind = %(kind)s")
        params["kind"] = search.kind
    if search.after is not None:
        conditions.append("(coalesce(t.due_at, 'infinity'), t.id) > (%(due)s::timestamptz, %(after)s::bigint)")
        params |= {"due": search.after[0], "after": search.after[1]}
    statement = sql.SQL(
        "select (select row_to_json(x) from (select {shown}) x)::text, coalesce(t.due_at, 'infinity')::text, t.id"
        " from {source} where {conditions} order by coalesce(t.due_at, 'infinity'), t.id limit %(limit)s"
    ).format(shown=_TASK, source=_TASKS, conditions=_all(conditions))
    rows = await tenant_rows(pool, company_id, statement, params)
    last = rows[search.limit - 1] if len(rows) > search.limit else None
    return _array(rows[: search.limit]), last and (last[1], last[2])


async def task(pool: Pool, company_id: int, task_id: int) -> tuple[str, bytes] | None:
    """A task: whose it is (the company's own id of the customer), and the task as JSON text; or None."""
    statement = sql.SQL(
        "select u.external_id, (select row_to_json(x) from (select {shown}) x)::text from {source}"
        " where t.company_id = %s and t.id = %s"
    ).format(shown=_TASK, source=_TASKS)
    rows = await tenant_rows(pool, company_id, statement, [company_id, task_id])
    return (rows[0][0], rows[0][1].encode()) if rows else None


def _all(conditions: Sequence[LiteralString]) -> sql.Composed:
    return sql.SQL(" and ").join(map(sql.SQL, conditions))


def _array(rows: Sequence[Sequence[Any]]) -> bytes:
    return b"[" + b",".join(row[0].encode() for row in rows) + b"]"
