"""Reads of the projection. What is asked often is one statement whose JSON Postgres builds, passed on as it is.

Times are RFC 3339 with an offset, amounts and scores JSON numbers with two exact decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import psycopg
from psycopg import AsyncClientCursor, sql
from psycopg.pq import Escaping
from psycopg.rows import TupleRow

from db.session import Connection, Pool, borrowed, tenant_rows
from journey.stages import DEFAULT_RULEBOOK

_DEFAULT_NAMES = sql.Literal(orjson.dumps({stage.key: stage.name for stage in DEFAULT_RULEBOOK.all_stages}).decode())

# Days since the last completed appointment, before the first one since the last event of any kind (`f.e`, µs).
_INACTIVE_SINCE = "coalesce(r.last_appointment_at, to_timestamp((r.state #>> '{f,e}')::bigint / 1000000.0))"
_DAYS = "floor(extract(epoch from now() - {}) / 86400)::int"

_FIELDS = sql.SQL(
    "c.external_id as customer_id, r.current_stage,"
    " coalesce(n.names ->> r.current_stage, r.current_stage) as stage_name, r.stage_entered_at, r.previous_stage,"
    f" {_DAYS.format('r.stage_entered_at')} as days_in_current_stage, r.created_at, r.lifetime_value,"
    " r.total_appointments, r.last_appointment_at, r.risk_score, r.engagement_score,"
    f" {_DAYS.format(_INACTIVE_SINCE)} as days_inactive, r.next_deadline, r.next_stage, r.held, r.hold_until"
)

# The company's own names stand above the defaults, which name the stages that an older journey passed through.
def _names(company_id: sql.Composable) -> sql.Composed:
    return sql.SQL(
        "names as materialized (select {defaults}::jsonb || coalesce((select jsonb_object_agg(stage_key, stage_name)"
        " from customer_journey_stages where company_id = {company_id}), '{{}}') as names)"
    ).format(defaults=_DEFAULT_NAMES, company_id=company_id)


# Rows become JSON whole: half the work of naming each field to json_build_object (measured).
_JOURNEY = sql.SQL(
    """
prepare journey_with_timeline (bigint, text, int, text) as
with {names}
select json_build_object(
    'journey', (select row_to_json(j) from (select {fields}, $4 as temporal_url) j),
    'transitions', (
        select coalesce(json_agg(t), '[]') from (
            select t.id, t.from_stage, coalesce(n.names ->> t.from_stage, t.from_stage) as from_stage_name,
                t.to_stage, coalesce(n.names ->> t.to_stage, t.to_stage) as to_stage_name, t.transitioned_at,
                t.trigger_type, t.trigger_event, t.notes, t.performed_by, t.reason, t.event_id
            from journey_transitions t where t.relationship_id = r.id order by t.sequence desc) t),
    'events', (
        select coalesce(json_agg(e), '[]') from (
            select e.event_id as id, e.type, e.occurred_at, e.received_at, e.outcome, e.reason, e.payload as fields
            from journey_events e where e.company_id = r.company_id and e.customer_id = r.customer_id
            order by e.occurred_at desc, e.event_id desc limit $3) e),
    'actions', (
        select coalesce(json_agg(a), '[]') from (
            select a.id, a.action, a.stage_key as stage, a.status, a.attempts, a.last_error, a.due_at, a.created_at,
                a.updated_at
            from journey_actions a where a.relationship_id = r.id order by a.created_at desc, a.id desc) a)
)::text
from customers c
join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
cross join names n
where c.company_id = $1 and c.external_id = $2
"""
).format(names=_names(sql.SQL("$1")), fields=_FIELDS)

_STATE = """
select r.state, coalesce((
    select json_agg(t) from (
        select from_stage, to_stage, transitioned_at, trigger_type, trigger_event, notes, reason
        from journey_transitions where relationship_id = r.id order by sequence desc limit 10) t), '[]')
from customers c join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
where c.company_id = %s and c.external_id = %s
"""

Sort = Literal["risk", "lifetime_value", "last_appointment_at", "stage_entered_at", "next_deadline"]

#: what a page can be sorted by: (column, its type, whether it can be missing)
SORTS: dict[Sort, tuple[sql.SQL, sql.SQL, bool]] = {
    "risk": (sql.SQL("r.risk_score"), sql.SQL("numeric"), True),
    "lifetime_value": (sql.SQL("r.lifetime_value"), sql.SQL("numeric"), False),
    "last_appointment_at": (sql.SQL("r.last_appointment_at"), sql.SQL("timestamptz"), True),
    "stage_entered_at": (sql.SQL("r.stage_entered_at"), sql.SQL("timestamptz"), False),
    "next_deadline": (sql.SQL("r.next_deadline"), sql.SQL("timestamptz"), True),
}


@dataclass(frozen=True, slots=True)
class Position:
    """The place of a row in its order: the sorted value as text (None: it has none) and the relationship's id."""

    value: str | None
    id: int


@dataclass(frozen=True, slots=True)
class Search:
    """What a page of relationships is made of; None and () do not filter."""

    stages: Sequence[str] = ()
    min_risk: float | None = None
    max_risk: float | None = None
    text: str | None = None
    sort: Sort = "risk"
    descending: bool = True
    limit: int = 50
    after: Position | None = None


async def journey_json(
    pool: Pool, company_id: int, customer_id: str, *, events: int = 200, url: str | None = None
) -> bytes | None:
    """One journey with its transitions, its newest `events` of the ledger and its actions, as JSON text.

    None when the company has no such journey. `url` is passed through as `temporal_url`.
    """
    async with borrowed(pool) as connection:
        try:
            row = await _execute_prepared(connection, company_id, customer_id, events, url)
        except psycopg.errors.InvalidSqlStatementName:
            await connection.execute(_JOURNEY)
            row = await _execute_prepared(connection, company_id, customer_id, events, url)
    return None if row is None else row[0].encode()


async def _execute_prepared(
    connection: Connection, company_id: int, customer_id: str, events: int, url: str | None
) -> TupleRow | None:
    """Scope and statement as one message: one round trip, one implicit transaction, nothing planned anew.

    The driver's pipeline would do the same with prepared statements of its own, at twice the gateway's CPU (measured).
    """
    escaping = Escaping(connection.pgconn)
    customer = bytes(escaping.escape_literal(customer_id.encode()))
    link = b"null" if url is None else bytes(escaping.escape_literal(url.encode()))
    cursor = AsyncClientCursor(connection)
    await cursor.execute(
        b"select set_config('app.company_id', '%d', true); execute journey_with_timeline(%d, %b, %d, %b)"
        % (company_id, company_id, customer, events, link)
    )
    cursor.nextset()
    return await cursor.fetchone()


async def packed_state(
    pool: Pool, company_id: int, customer_id: str
) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """The packed state of a journey and its last ten transitions with their reasons; None when there is none."""
    rows = await tenant_rows(pool, company_id, _STATE, [company_id, customer_id])
    return (rows[0][0], rows[0][1]) if rows else None


async def page(pool: Pool, company_id: int, search: Search) -> tuple[bytes, Position | None]:
    """A page of relationships as the text of a JSON array, and the position after which the next one starts.

    A missing value sorts last in either direction.
    """
    column, kind, _ = SORTS[search.sort]
    conditions: list[sql.Composable] = [sql.SQL("r.company_id = %(company_id)s")]
    params: dict[str, Any] = {"company_id": company_id, "limit": search.limit + 1}
    _filter(search, conditions, params)
    if search.after is not None:
        conditions.append(_beyond(column, kind, search.descending, search.after))
        params |= {"value": search.after.value, "id": search.after.id}
    direction = sql.SQL("desc" if search.descending else "asc")
    statement = sql.SQL(
        "with {names}, page as materialized (select r.id, {column} as value from customer_relationships r"
        " join customers c on c.company_id = r.company_id and c.id = r.customer_id where {conditions}"
        " order by {column} {direction} nulls last, r.id {direction} limit %(limit)s)"
        " select (select row_to_json(j) from (select {fields}, c.name, c.email) j)::text, p.value::text, r.id"
        " from page p join customer_relationships r on r.id = p.id"
        " join customers c on c.company_id = r.company_id and c.id = r.customer_id cross join names n"
        " order by p.value {direction} nulls last, p.id {direction}"
    ).format(
        names=_names(sql.Placeholder("company_id")),
        column=column,
        conditions=sql.SQL(" and ").join(conditions),
        direction=direction,
        fields=_FIELDS,
    )
    rows = await tenant_rows(pool, company_id, statement, params)
    shown = rows[: search.limit]
    following = Position(shown[-1][1], shown[-1][2]) if len(rows) > search.limit else None
    return b"[" + b",".join(row[0].encode() for row in shown) + b"]", following


def _filter(search: Search, conditions: list[sql.Composable], params: dict[str, Any]) -> None:
    if search.stages:
        conditions.append(sql.SQL("r.current_stage = any(%(stages)s)"))
        params["stages"] = list(search.stages)
    if search.min_risk is not None:
        conditions.append(sql.SQL("r.risk_score >= %(min_risk)s::numeric"))
        params["min_risk"] = str(search.min_risk)
    if search.max_risk is not None:
        conditions.append(sql.SQL("r.risk_score <= %(max_risk)s::numeric"))
        params["max_risk"] = str(search.max_risk)
    if search.text is not None:
        conditions.append(sql.SQL("(c.name ilike %(text)s or c.email ilike %(text)s or c.external_id ilike %(text)s)"))
        params["text"] = "%" + search.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _beyond(column: sql.SQL, kind: sql.SQL, descending: bool, after: Position) -> sql.Composed:
    beyond = sql.SQL("<" if descending else ">")
    if after.value is None:
        condition = sql.SQL("({column} is null and r.id {beyond} %(id)s)")
    else:
        condition = sql.SQL("(({column}, r.id) {beyond} (%(value)s::{kind}, %(id)s::bigint) or {column} is null)")
    return condition.format(column=column, beyond=beyond, kind=kind)


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger says of one event: the hash of the content that came, and the outcome of that."""

    content_hash: bytes
    outcome: str
    reason: str | None


_KNOWN = """
select event_id, content_hash, outcome, reason from journey_events
where company_id = %s and event_id = any(%s)
"""

_CAUSED = """
select t.event_id, json_agg(json_build_object(
    'from_stage', t.from_stage, 'to_stage', t.to_stage, 'transitioned_at', t.transitioned_at,
    'trigger_type', t.trigger_type, 'trigger_event', t.trigger_event) order by t.sequence)::text
from customers c
join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
join journey_transitions t on t.relationship_id = r.id
where c.company_id = %s and c.external_id = any(%s) and t.event_id = any(%s)
group by t.event_id
"""


async def known_events(pool: Pool, company_id: int, event_ids: Sequence[str]) -> dict[str, list[Known]]:
    """What the ledger holds under these ids, in one statement; ids that it does not know are absent."""
    found: dict[str, list[Known]] = {}
    rows = await tenant_rows(pool, company_id, _KNOWN, [company_id, list(event_ids)])
    for event_id, content_hash, outcome, reason in rows:
        found.setdefault(event_id, []).append(Known(bytes(content_hash), outcome, reason))
    return found


async def caused_transitions(
    pool: Pool, company_id: int, customers: Sequence[str], event_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """The transitions that these events of these customers caused, by event id, in their order."""
    rows = await tenant_rows(pool, company_id, _CAUSED, [company_id, list(customers), list(event_ids)])
    return {event_id: orjson.loads(text) for event_id, text in rows}


async def answers(pool: Pool) -> datetime:
    """Postgres's clock, as a sign of life. Raises psycopg.OperationalError."""
    async with pool.connection() as connection:
        row = await (await connection.execute("select now()")).fetchone()
    assert row is not None
    now: datetime = row[0]
    return now
