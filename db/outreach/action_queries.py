"""Pages of actions and single actions as JSON text built by Postgres, for the API and the CLI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.outreach.action_progress import progress_columns
from db.sql_fragments import conjunction, customer_join, json_array

LATEST_ATTEMPTS = 5

#: The fields of an action's detail that are shown. A field of a new kind of action stays hidden until it is listed
#: here.
_SHOWN_DETAIL: tuple[str, ...] = ("note", "code", "valid_until", "task", "assigned_to", "campaign", "told", "receipt")

COLUMNS = sql.SQL(
    "a.id, u.external_id as customer_id, u.name as customer_name, a.action, a.stage_key as stage,"
    " greatest(a.entry, 0) as entry, a.status, a.reason, a.last_error, a.channel, a.marketing, a.attempts, a.due_at,"
    " a.created_at, a.updated_at, a.done_at, a.performed_by,"
    " (select coalesce(jsonb_object_agg(key, value), '{{}}') from jsonb_each(a.detail)"
    " where key = any({detail})) as detail, {progress},"
    " (select coalesce(json_agg(t), '[]') from (select attempt, at, outcome, error from action_attempts"
    " where action_id = a.id order by id desc limit {latest}) t) as latest_attempts"
).format(detail=sql.Literal(list(_SHOWN_DETAIL)), latest=sql.Literal(LATEST_ATTEMPTS), progress=progress_columns("a"))

_ACTIONS = sql.SQL("journey_actions a")
ACTIONS_OF_CUSTOMERS = _ACTIONS + customer_join(sql.SQL("a"))


@dataclass(frozen=True, slots=True)
class ActionSearch:
    """The filter of a page of actions; () and None do not filter.

    Attributes:
        action: The name of an action; also matches its later steps (`name.step`).
        before: Only actions with a smaller id, for the next page.
    """

    statuses: Sequence[str] = ()
    customer_id: str | None = None
    action: str | None = None
    limit: int = 50
    before: int | None = None


async def list_actions(pool: Pool, company_id: int, search: ActionSearch) -> tuple[bytes, int | None]:
    """Return a page of actions, newest first, as the text of a JSON array, and `before` of the next page or None."""
    conditions, params = _conditions(company_id, search)
    if search.statuses:
        conditions.append(sql.SQL("a.status = any(%(statuses)s)"))
        params["statuses"] = list(search.statuses)
    if search.before is not None:
        conditions.append(sql.SQL("a.id < %(before)s"))
        params["before"] = search.before
    statement = sql.SQL(
        "select (select row_to_json(x) from (select {columns}) x)::text, a.id from {source} where {conditions}"
        " order by a.id desc limit %(limit)s"
    ).format(columns=COLUMNS, source=ACTIONS_OF_CUSTOMERS, conditions=conjunction(conditions))
    rows = await tenant_rows(pool, company_id, statement, {**params, "limit": search.limit + 1})
    next_before = rows[search.limit - 1][1] if len(rows) > search.limit else None
    return json_array(row[0] for row in rows[: search.limit]), next_before


async def count_actions_by_status(pool: Pool, company_id: int, search: ActionSearch) -> dict[str, int]:
    """Count the actions of each status; of the search, only `customer_id` and `action` apply."""
    conditions, params = _conditions(company_id, search)
    source = ACTIONS_OF_CUSTOMERS if search.customer_id is not None else _ACTIONS
    statement = sql.SQL("select a.status, count(*) from {} where {} group by 1").format(source, conjunction(conditions))
    return dict(await tenant_rows(pool, company_id, statement, params))


def _conditions(company_id: int, search: ActionSearch) -> tuple[list[sql.Composable], dict[str, Any]]:
    conditions: list[sql.Composable] = [sql.SQL("a.company_id = %(company)s")]
    params: dict[str, Any] = {"company": company_id}
    if search.customer_id is not None:
        conditions.append(sql.SQL("u.external_id = %(customer)s"))
        params["customer"] = search.customer_id
    if search.action is not None:
        conditions.append(sql.SQL("(a.action = %(action)s or split_part(a.action, '.', 1) = %(action)s)"))
        params["action"] = search.action
    return conditions, params


async def find_action(
    pool: Pool, company_id: int, *, action_id: int | None = None, key: str | None = None
) -> tuple[str, bytes] | None:
    """Find an action by its id or its key.

    Returns:
        The customer's external id and the action as JSON text; None if there is no such action.
    """
    statement = sql.SQL(
        "select u.external_id, (select row_to_json(x) from (select {columns}) x)::text from {source}"
        " where a.company_id = %(company)s and (a.id = %(id)s::bigint or a.action_key = %(key)s::text)"
    ).format(columns=COLUMNS, source=ACTIONS_OF_CUSTOMERS)
    rows = await tenant_rows(pool, company_id, statement, {"company": company_id, "id": action_id, "key": key})
    return (rows[0][0], rows[0][1].encode()) if rows else None


async def held_back_actions(pool: Pool, company_id: int, customer_id: str) -> list[dict[str, Any]]:
    """Return a customer's actions that are held back, the next one first.

    Each is ``{"action", "reason", "waits_for", "until"}``.
    """
    statement = sql.SQL(
        "select json_build_object('action', action, 'reason', reason, 'waits_for', waits_for, 'until', due_at)"
        " from (select a.id, a.action, a.reason, a.due_at, {progress} from {source} where a.company_id = %(company)s"
        " and u.external_id = %(customer)s and a.status = 'waiting') x order by due_at, id"
    ).format(progress=progress_columns("a"), source=ACTIONS_OF_CUSTOMERS)
    rows = await tenant_rows(pool, company_id, statement, {"company": company_id, "customer": customer_id})
    return [row[0] for row in rows]
