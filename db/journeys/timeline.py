"""A journey's whole history, a page at a time: transitions, events and actions in one order, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.journeys.projection import names

Kind = Literal["transition", "event", "action"]

#: each kind's table with its time, the rows of `r` (a relationship) in it, and what is shown of one
_SOURCES: dict[Kind, tuple[sql.SQL, sql.SQL, sql.SQL, sql.SQL]] = {
    "transition": (
        sql.SQL("journey_transitions t"),
        sql.SQL("t.transitioned_at"),
        sql.SQL("t.relationship_id = r.id"),
        sql.SQL(
            "t.id, t.from_stage, coalesce(n.names ->> t.from_stage, t.from_stage) as from_stage_name, t.to_stage,"
            " coalesce(n.names ->> t.to_stage, t.to_stage) as to_stage_name, t.transitioned_at, t.trigger_type,"
            " t.trigger_event, t.notes, t.performed_by, t.reason, t.event_id"
        ),
    ),
    "event": (
        sql.SQL("journey_events t"),
        sql.SQL("coalesce(t.occurred_at, t.received_at)"),
        sql.SQL("t.company_id = r.company_id and t.customer_id = r.customer_id"),
        sql.SQL("t.event_id as id, t.type, t.occurred_at, t.received_at, t.outcome, t.reason, t.payload as fields"),
    ),
    "action": (
        sql.SQL("journey_actions t"),
        sql.SQL("t.created_at"),
        sql.SQL("t.relationship_id = r.id"),
        sql.SQL(
            "t.id, t.action, t.stage_key as stage, t.status, t.reason, t.attempts, t.last_error, t.channel, t.due_at,"
            " t.created_at, t.updated_at, t.done_at, t.performed_by, jsonb_strip_nulls(jsonb_build_object("
            "'note', t.detail -> 'note', 'code', t.detail -> 'code', 'task', t.detail -> 'task',"
            " 'assigned_to', t.detail -> 'assigned_to', 'campaign', t.detail -> 'campaign')) as detail"
        ),
    ),
}
# Of one instant, what came first: the event, the move that it caused, the actions that this brought about.
_RANK: dict[Kind, int] = {"event": 0, "transition": 1, "action": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in the order: its time as text, the rank of its kind, its row id."""

    at: str
    rank: int
    id: int


async def page(
    pool: Pool, company_id: int, customer_id: str, kinds: Collection[Kind], limit: int, after: Place | None
) -> tuple[bytes, Place | None] | None:
    """A page as the text of a JSON array, and the place after which the next one starts; None for no such journey.

    Each row is ``{"kind", "at", …}`` with the fields of its kind in the journey's own answer.
    """
    values: dict[str, Any] = {"company": company_id, "customer": customer_id, "limit": limit + 1}
    if after is not None:
        values |= {"at": after.at, "rank": after.rank, "id": after.id}
    parts = [_part(kind, after is not None) for kind in kinds]
    statement = sql.SQL(
        "with {names}, r as materialized (select r.id, r.company_id, r.customer_id from customers c"
        " join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id"
        " where c.company_id = %(company)s and c.external_id = %(customer)s),"
        " page as (select * from ({parts}) x order by at desc, rank desc, id desc limit %(limit)s)"
        " select exists (select from r), row_to_json, at::text, rank, id from (select 1) one left join page on true"
        " order by page.at desc, rank desc, id desc"
    ).format(names=names(sql.Placeholder("company")), parts=sql.SQL(" union all ").join(parts))
    rows = await tenant_rows(pool, company_id, statement, values)
    if not rows[0][0]:
        return None
    found = [row for row in rows if row[1] is not None]
    following = Place(*found[limit - 1][2:]) if len(found) > limit else None
    return b"[" + b",".join(row[1].encode() for row in found[:limit]) + b"]", following


def _part(kind: Kind, goes_on: bool) -> sql.Composed:
    source, at, of, shown = _SOURCES[kind]
    beyond = sql.SQL("and ({at}, {rank}, t.id) < (%(at)s::timestamptz, %(rank)s::int, %(id)s::bigint)")
    return sql.SQL(
        "(select {at} as at, {rank} as rank, t.id,"
        " (select row_to_json(j) from (select {kind} as kind, {at} as at, {shown}) j)::text as row_to_json"
        " from r cross join names n join {source} on {of} where true {beyond}"
        " order by {at} desc, t.id desc limit %(limit)s)"
    ).format(
        at=at,
        rank=sql.Literal(_RANK[kind]),
        kind=sql.Literal(kind),
        shown=shown,
        source=source,
        of=of,
        beyond=beyond.format(at=at, rank=sql.Literal(_RANK[kind])) if goes_on else sql.SQL(""),
    )
