"""Read single journeys from the projection. The hot read is one statement whose JSON Postgres builds.

Times are RFC 3339 with an offset; amounts and scores are JSON numbers with exactly two decimals.
"""

from __future__ import annotations

from typing import Any

import orjson
import psycopg
from psycopg import generators, sql
from psycopg.pq import Escaping, ExecStatus

from db.connections import Connection, Pool, pooled_connection, tenant_rows
from db.outreach.action_progress import progress_columns
from db.outreach.contacts import CONTACT_UNWANTED_SINCE
from db.people.phone_numbers import E164_OF_C
from journey.stages import DEFAULT_RULEBOOK

_DEFAULT_NAMES = sql.Literal(orjson.dumps({stage.key: stage.name for stage in DEFAULT_RULEBOOK.all_stages}).decode())

# The last completed appointment; before the first one, the last event of any kind (`f.e`, seconds).
INACTIVE_SINCE = "coalesce(r.last_appointment_at, to_timestamp((r.state #>> '{f,e}')::double precision))"

#: The earliest booked time of an open appointment that is still ahead, of `r` (customer_relationships).
NEXT_APPOINTMENT = "(select min(booked) from unnest(r.booked_times) booked where booked > now())"


def days_since(instant: str) -> str:
    """Return the SQL of the whole days since an instant: 0 if it is a few minutes ahead, null if it is null."""
    # `greatest` ignores nulls, so it must not be applied to the difference
    return f"floor(extract(epoch from greatest(now(), {instant}) - {instant}) / 86400)::int"


#: the columns of a journey, from `c` (customers), `r` (customer_relationships) and `n` (`names`)
JOURNEY_COLUMNS = sql.SQL(
    "c.external_id as customer_id, r.current_stage,"
    " coalesce(n.names ->> r.current_stage, r.current_stage) as stage_name, r.stage_entered_at, r.previous_stage,"
    f" {days_since('r.stage_entered_at')} as days_in_current_stage, r.created_at, r.lifetime_value,"
    " r.total_appointments, r.last_appointment_at, r.risk_score, r.engagement_score,"
    f" {days_since(INACTIVE_SINCE)} as days_inactive, r.next_deadline, r.next_stage, r.held, r.hold_until,"
    f" {NEXT_APPOINTMENT} as next_appointment_at, r.usual_interval, r.expected_at"
)


def stage_names(company_id: sql.Composable) -> sql.Composed:
    """Return a `with` clause `names`: one row with the company's stage names by key.

    The default names are included: older journeys may have passed through default stages.
    """
    return sql.SQL(
        "names as materialized (select {defaults}::jsonb || coalesce((select jsonb_object_agg(stage_key, stage_name)"
        " from customer_journey_stages where company_id = {company_id}), '{{}}') as names)"
    ).format(defaults=_DEFAULT_NAMES, company_id=company_id)


MAX_LISTED = 500  # transitions, and actions, of one answer
MAX_EVENT_BYTES = 400_000  # of the fields of all events of one answer

#: The hot read, prepared once per connection. `row_to_json` converts whole rows, instead of naming every field
#: in json_build_object.
PREPARE_JOURNEY = sql.SQL(
    """
prepare journey_with_timeline (bigint, text, int, text) as
with {names}
select json_build_object(
    'journey', (select row_to_json(j) from (select {fields}, c.name, c.email, c.phone,
        {e164} as phone_e164, r.notes, {unwanted_since} as do_not_contact_since,
        $4 as temporal_url) j where r.id is not null),
    'transitions', (
        select coalesce(json_agg(t), '[]') from (
            select t.id, t.from_stage, coalesce(n.names ->> t.from_stage, t.from_stage) as from_stage_name,
                t.to_stage, coalesce(n.names ->> t.to_stage, t.to_stage) as to_stage_name, t.transitioned_at,
                t.trigger_type, t.trigger_event, t.notes, t.performed_by, t.reason, t.event_id
            from journey_transitions t where t.relationship_id = r.id order by t.sequence desc limit {most}) t),
    'events', (
        select coalesce(json_agg(e), '[]') from (
            select id, type, occurred_at, received_at, outcome, reason, retracted_by, fields from (
                select e.event_id as id, e.type, e.occurred_at, e.received_at, e.outcome, e.reason, e.retracted_by,
                    e.payload as fields,
                    sum(octet_length(e.payload::text)) over (order by e.occurred_at desc, e.event_id desc) as bytes
                from journey_events e where e.company_id = r.company_id and e.customer_id = r.customer_id
                order by e.occurred_at desc, e.event_id desc limit $3) x
            where bytes <= {most_bytes} order by occurred_at desc, id desc) e),
    'actions', (
        select coalesce(json_agg(a), '[]') from (
            select a.id, a.action, a.stage_key as stage, a.status, a.reason, a.attempts, a.last_error, a.due_at,
                a.created_at, a.updated_at, {progress}
            from journey_actions a where a.relationship_id = r.id
            order by a.created_at desc, a.id desc limit {most}) a)
)::text
from customers c
left join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
cross join names n
where c.company_id = $1 and c.id = (
    select coalesce(k.merged_into, k.id) from customers k where k.company_id = $1 and k.external_id = $2)
"""
).format(
    names=stage_names(sql.SQL("$1")),
    fields=JOURNEY_COLUMNS,
    progress=progress_columns("a"),
    e164=E164_OF_C,
    unwanted_since=CONTACT_UNWANTED_SINCE,
    most=sql.Literal(MAX_LISTED),
    most_bytes=sql.Literal(MAX_EVENT_BYTES),
)

_STATE = """
select r.state, coalesce((
    select json_agg(t) from (
        select from_stage, to_stage, transitioned_at, trigger_type, trigger_event, notes, reason
        from journey_transitions where relationship_id = r.id order by sequence desc limit 10) t), '[]')
from customers c join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
where c.company_id = %s and c.external_id = %s
"""


async def journey_json(
    pool: Pool, company_id: int, customer_id: str, *, events: int = 200, url: str | None = None
) -> bytes | None:
    """Return a journey with its latest transitions, ledger events and actions as JSON text.

    Args:
        events: The maximum number of ledger events; there are fewer if their fields exceed `MAX_EVENT_BYTES`.
        url: Included as `temporal_url`.

    Returns:
        The JSON text, whose `journey` is null for a customer without one; None if there is no such customer.
    """
    async with pooled_connection(pool) as connection:
        # Scope and statement in one message: one round trip, one implicit transaction, and the prepared plan.
        escaping = Escaping(connection.pgconn)
        customer = bytes(escaping.escape_literal(customer_id.encode()))
        link = b"null" if url is None else bytes(escaping.escape_literal(url.encode()))
        query = b"select set_config('app.company_id', '%d', true); execute journey_with_timeline(%d, %b, %d, %b)" % (
            company_id,
            company_id,
            customer,
            events,
            link,
        )
        try:
            return await _fetch_value(connection, query)
        except psycopg.errors.InvalidSqlStatementName:
            await connection.execute(PREPARE_JOURNEY)
            return await _fetch_value(connection, query)


async def _fetch_value(connection: Connection, query: bytes) -> bytes | None:
    """Return the value of the last statement's row as bytes; None if it has no row.

    Bypasses the cursor, which costs as much as the rest of a request (measured: 190 µs of CPU with a cursor, 280 µs
    with a pipeline, 110 µs here).

    Raises:
        psycopg.Error: A statement failed.
    """
    connection.pgconn.send_query(query)
    results = await connection.wait(generators.execute(connection.pgconn))
    for result in results:
        if result.status != ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result)
    value: bytes | None = results[-1].get_value(0, 0)
    return value


async def packed_state(
    pool: Pool, company_id: int, customer_id: str
) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
    """Return a journey's packed state and its last ten transitions with reasons; None if there is no such journey."""
    rows = await tenant_rows(pool, company_id, _STATE, [company_id, customer_id])
    return (rows[0][0], rows[0][1]) if rows else None


_WRITE_PROBE = "select count(*) from (select n from generate_series(1, 5000) n order by n desc) spilled_to_disk"


async def check_writable(pool: Pool) -> None:
    """Check that Postgres answers and can write to its disk, by sorting more than fits the memory that it may use.

    Raises:
        psycopg.OperationalError: Postgres does not answer, or its disk is full (`psycopg.errors.DiskFull`).
    """
    async with pooled_connection(pool) as connection, connection.transaction():
        await connection.execute("set local work_mem = '64kB'")
        await connection.execute(_WRITE_PROBE)
