"""Pages of a journey's timeline: transitions, events, actions and contacts in one order, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.journeys.projection import stage_names
from db.outreach.action_progress import progress_columns
from db.outreach.contacts import CONTACT_COLUMNS
from db.sql_fragments import json_array

TimelineKind = Literal["transition", "event", "action", "contact"]

#: for each kind: its table, its time, the condition that selects the rows of `r` (a relationship), and the columns
_SOURCES: dict[TimelineKind, tuple[sql.SQL, sql.SQL, sql.SQL, sql.Composable]] = {
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
        sql.SQL(
            "t.event_id as id, t.type, t.occurred_at, t.received_at, t.outcome, t.reason, t.retracted_by,"
            " t.payload as fields, (select json_build_object('at', w.occurred_at, 'reason', w.payload ->> 'reason',"
            " 'performed_by', (select case when a.actor like 'key/%%' then (select k.name from api_keys k"
            " where k.company_id = t.company_id and k.id = split_part(a.actor, '/', 2)::bigint) else a.actor end"
            " from audit_log a where a.company_id = t.company_id and a.action = 'event.retract'"
            " and a.subject = w.event_id order by a.at limit 1))"
            " from journey_events w where w.company_id = t.company_id and w.event_id = t.retracted_by"
            " and w.outcome = 'applied') as retraction"
        ),
    ),
    "action": (
        sql.SQL("journey_actions t"),
        sql.SQL("t.created_at"),
        sql.SQL("t.relationship_id = r.id"),
        sql.SQL(
            "t.id, t.action, t.stage_key as stage, t.status, t.reason, t.attempts, t.last_error, t.channel, t.due_at,"
            " t.created_at, t.updated_at, t.done_at, t.performed_by, jsonb_strip_nulls(jsonb_build_object("
            "'note', t.detail -> 'note', 'code', t.detail -> 'code', 'valid_until', t.detail -> 'valid_until',"
            " 'task', t.detail -> 'task', 'assigned_to', t.detail -> 'assigned_to',"
            " 'campaign', t.detail -> 'campaign')) as detail, "
        )
        + progress_columns("t"),
    ),
    "contact": (
        sql.SQL("contacts t"),
        sql.SQL("t.at"),
        sql.SQL("t.company_id = r.company_id and t.customer_id = r.customer_id"),
        CONTACT_COLUMNS,
    ),
}
# At the same instant: the event first, then the transition that it caused, then the actions that followed.
_RANK: dict[TimelineKind, int] = {"event": 0, "transition": 1, "action": 2, "contact": 3}
KINDS: tuple[TimelineKind, ...] = tuple(_SOURCES)


@dataclass(frozen=True, slots=True)
class TimelinePosition:
    """The position of an entry in the timeline: its time as text, the rank of its kind, its row id."""

    at: str
    rank: int
    id: int


async def list_entries(
    pool: Pool,
    company_id: int,
    customer_id: str,
    kinds: Collection[TimelineKind],
    limit: int,
    after: TimelinePosition | None,
) -> tuple[bytes, TimelinePosition | None] | None:
    """Return a page of the timeline.

    Args:
        kinds: The kinds of entries to include.
        limit: The maximum number of entries.
        after: The position of the last entry of the previous page; None for the first page.

    Returns:
        The text of a JSON array and the position after which the next page starts; None if there is no such journey.
        Each entry is ``{"kind", "at", …}`` with the fields that its kind has in the response for the journey.
    """
    values: dict[str, Any] = {"company": company_id, "customer": customer_id, "limit": limit + 1}
    if after is not None:
        values |= {"at": after.at, "rank": after.rank, "id": after.id}
    parts = [_entries(kind, after is not None) for kind in kinds]
    statement = sql.SQL(
        "with {names}, r as materialized (select r.id, r.company_id, r.customer_id from customers c"
        " join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id"
        " where c.company_id = %(company)s and c.external_id = %(customer)s),"
        " page as (select * from ({parts}) x order by at desc, rank desc, id desc limit %(limit)s)"
        " select exists (select from r), row_to_json, at::text, rank, id from (select 1) one left join page on true"
        " order by page.at desc, rank desc, id desc"
    ).format(names=stage_names(sql.Placeholder("company")), parts=sql.SQL(" union all ").join(parts))
    rows = await tenant_rows(pool, company_id, statement, values)
    if not rows[0][0]:
        return None
    entries = [row for row in rows if row[1] is not None]
    next_position = TimelinePosition(*entries[limit - 1][2:]) if len(entries) > limit else None
    return json_array(row[1] for row in entries[:limit]), next_position


def _entries(kind: TimelineKind, is_continued: bool) -> sql.Composed:
    source, at, condition, columns = _SOURCES[kind]
    beyond = sql.SQL("and ({at}, {rank}, t.id) < (%(at)s::timestamptz, %(rank)s::int, %(id)s::bigint)")
    return sql.SQL(
        "(select {at} as at, {rank} as rank, t.id,"
        " (select row_to_json(j) from (select {kind} as kind, {at} as at, {columns}) j)::text as row_to_json"
        " from r cross join names n join {source} on {condition} where true {beyond}"
        " order by {at} desc, t.id desc limit %(limit)s)"
    ).format(
        at=at,
        rank=sql.Literal(_RANK[kind]),
        kind=sql.Literal(kind),
        columns=columns,
        source=source,
        condition=condition,
        beyond=beyond.format(at=at, rank=sql.Literal(_RANK[kind])) if is_continued else sql.SQL(""),
    )
