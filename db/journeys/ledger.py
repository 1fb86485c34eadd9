"""Write the commits of a journey: one statement that writes everything or nothing.

The statement checks that Postgres has the version of the journey, the rules and the event ids that the workflow
expects. If not, nothing is written, and ``load`` reads the current state. Both are single statements in an implicit
transaction (``db.connections.tenant_rows``), so nearly every commit is one round trip.
"""

from dataclasses import dataclass
from typing import Any

import orjson
from psycopg import Rollback

from db.analytics.rollup_writer import remove_commit
from db.connections import Connection, Pool, pooled_connection, tenant_rows
from db.journeys.company_medians import MEDIANS_VERSION
from db.journeys.ledger_history import KNOWS_APPOINTMENTS
from db.journeys.side_effects import SIDE_EFFECTS


@dataclass(slots=True)
class LedgerEntry:
    """A ledger row to write; ``occurred_at`` is RFC 3339, ``contributions`` as JSON if they are not the usual ones."""

    event_id: str
    content_hash: bytes
    outcome: str
    type: str | None = None
    occurred_at: str | None = None
    payload: dict[str, Any] | None = None
    raw: str | None = None
    reason: str | None = None
    retracted_by: str | None = None
    contributions: list[dict[str, Any]] | None = None


_INSERT_EVENTS = """
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, raw, outcome,
                            reason, version, rules_version, received_at, retracted_by, contributions)
select %(company)s, {customer}, e.event_id, decode(e.hash, 'hex'), e.type, e.occurred_at, e.payload, e.raw, e.outcome,
       e.reason, %(version)s, %(rules_version)s, coalesce(%(received_at)s::timestamptz, now()), e.retracted_by,
       e.contributions
  from {source} jsonb_to_recordset(%(entries)s::jsonb)
       as e(event_id text, hash text, type text, occurred_at timestamptz, payload jsonb, raw text, outcome text,
            reason text, retracted_by text, contributions jsonb)
on conflict (company_id, event_id, content_hash) do nothing
"""

_INSERT_TRANSITIONS = """
insert into journey_transitions (company_id, relationship_id, sequence, from_stage, to_stage, transitioned_at,
                                 trigger_type, trigger_event, performed_by, notes, event_id, version, reason,
                                 decided_at, stay)
select %(company)s, r.id, t.sequence, t.from_stage, t.to_stage, t.at, t.trigger_type::journey_trigger_type,
       t.trigger_event, t.performed_by, t.notes, t.event_id, %(version)s, t.reason, %(decided_at)s::timestamptz,
       t.at - t.since
  from r, jsonb_to_recordset(%(transitions)s::jsonb)
       as t(sequence int, from_stage text, to_stage text, at timestamptz, trigger_type text, trigger_event text,
            performed_by bigint, notes text, event_id text, reason jsonb, since timestamptz)
"""

# Mark the commit as pending roll-up if it affects the company's analytics.
_ENQUEUE_ROLLUP = """
insert into journey_unrolled (company_id, relationship_id, version, customer_id)
select %(company)s, r.id, %(version)s, r.customer_id from r where %(affects_analytics)s on conflict do nothing
"""

_COLUMNS = {
    "current_stage": "text",
    "stage_entered_at": "timestamptz",
    "previous_stage": "text",
    "lifetime_value": "numeric",
    "total_appointments": "int",
    "last_appointment_at": "timestamptz",
    "risk_score": "numeric",
    "engagement_score": "numeric",
    "version": "int",
    "run_id": "text",
    "decided_at": "timestamptz",
    "state": "jsonb",
    "rules_version": "int",
    "next_deadline": "timestamptz",
    "next_stage": "text",
    "hold_until": "timestamptz",
    "held": "boolean",
    "batch": "text",
    "booked_times": "timestamptz[]",
    "usual_interval": "numeric",
    "expected_at": "timestamptz",
    "rhythm": "jsonb",
}

# The rules and medians by which the commit was decided are still current, none of its new events is in the ledger yet,
# none was retracted before it came, and their appointments are new as assumed.
_UNCHANGED = f"""
exists (select from companies where id = %(company)s and rules_version = %(rules_version)s)
and (%(medians_version)s::int is null or %(medians_version)s::int = {MEDIANS_VERSION.format(company="%(company)s")})
and not exists (select from journey_events where company_id = %(company)s and event_id = any(%(new_ids)s::text[]))
and not exists (select from journey_events where company_id = %(company)s and type = 'event.retracted'
                   and payload ->> 'retracts' = any(%(unretracted)s::text[]))
and (%(appointments)s::text[] = '{{}}' or not {KNOWS_APPOINTMENTS})
"""

_INSERT_JOURNEY = f"""
with u as (
    insert into customers (company_id, external_id) select %(company)s, %(customer)s where {_UNCHANGED}
    on conflict (company_id, external_id) do update set external_id = excluded.external_id returning id, merged_into
), r as (
    insert into customer_relationships (company_id, customer_id, created_at, {", ".join(_COLUMNS)})
    select %(company)s, u.id, %(started_at)s::timestamptz,
           {", ".join(f"%({name})s::{sql_type}" for name, sql_type in _COLUMNS.items())}
      from u where merged_into is null
    on conflict (company_id, customer_id) do nothing returning id, customer_id
), e as ({_INSERT_EVENTS.format(customer="r.customer_id", source="r,")}),
t as ({_INSERT_TRANSITIONS}), w as ({_ENQUEUE_ROLLUP})
"""

_IS_EXPECTED_ROW = """
company_id = %(company)s
and customer_id = (select id from customers where company_id = %(company)s and external_id = %(customer)s)
and version = %(expected_version)s and run_id = %(expected_run_id)s
and (%(expected_decided_at)s::timestamptz is null or decided_at = %(expected_decided_at)s::timestamptz)
"""

# A retry of the first commit may have an earlier event than the attempt that wrote the row, so that the journey started
# earlier.
_UPDATE_JOURNEY = f"""
with r as (
    update customer_relationships set updated_at = now(), changed = pg_current_xact_id()::text::bigint,
           created_at = %(started_at)s::timestamptz,
           return_probability = case total_appointments when %(total_appointments)s::int then return_probability end,
           mean_amount = case when total_appointments = %(total_appointments)s::int
                               and lifetime_value = %(lifetime_value)s::numeric
                               and last_appointment_at is not distinct from %(last_appointment_at)s::timestamptz
                              then mean_amount end,
           {", ".join(f"{name} = %({name})s::{sql_type}" for name, sql_type in _COLUMNS.items())}
     where {_IS_EXPECTED_ROW} and {_UNCHANGED}
    returning id, customer_id
), e as ({_INSERT_EVENTS.format(customer="r.customer_id", source="r,")}),
t as ({_INSERT_TRANSITIONS}), w as ({_ENQUEUE_ROLLUP})
"""

# Events of earlier commits that are retracted name the retraction, and retractions that have waited for their event
# take effect. Nothing else in the ledger changes.
_RETRACT = """
, n as (
    update journey_events set retracted_by = coalesce(retracted_by, x.by)
      from r, jsonb_each_text(%(retracted)s::jsonb) as x(id, by)
     where company_id = %(company)s and journey_events.customer_id = r.customer_id and event_id = x.id
       and outcome = 'applied'
), q as (
    update journey_events set outcome = 'applied', version = %(version)s, contributions = x.contributions,
           reason = 'took effect when the event that it names arrived'
      from r, jsonb_to_recordset(%(retractions)s::jsonb) as x(id text, contributions jsonb)
     where company_id = %(company)s and journey_events.customer_id = r.customer_id and event_id = x.id
       and type = 'event.retracted' and outcome = 'quarantined'
       and not exists (select from journey_events o where o.company_id = %(company)s and o.event_id = x.id
                          and o.customer_id = r.customer_id and o.type = 'event.retracted'
                          and o.outcome = 'quarantined' and o.id < journey_events.id)
)
"""

# By (the journey is new, the commit retracts events, it has side effects).
_WRITES = {
    (is_new, retracts, with_side_effects): (
        (_INSERT_JOURNEY if is_new else _UPDATE_JOURNEY)
        + (_RETRACT if retracts else "")
        + (SIDE_EFFECTS if with_side_effects else "select id, null from r")
    )
    for is_new in (True, False)
    for retracts in (True, False)
    for with_side_effects in (True, False)
}

# A retraction that waited for its event, came by an earlier commit.
_HAS_WAITED = "type = 'event.retracted' and outcome = 'applied' and reason is not null"
# For a retried commit: delete what the earlier attempt wrote, unless another commit has been written since.
_DELETE_EARLIER_ATTEMPT = f"""
with r as (
    select id, customer_id from customer_relationships where {_IS_EXPECTED_ROW} for update
), t as (
    delete from journey_transitions using r where relationship_id = r.id and version = %(version)s
), a as (
    delete from journey_actions using r where relationship_id = r.id and version = %(version)s and attempts = 0
), n as (
    update journey_events e set retracted_by = null from r
     where e.company_id = %(company)s and e.customer_id = r.customer_id and e.version < %(version)s
       and e.retracted_by in (select event_id from journey_events n where n.company_id = %(company)s
                                 and n.customer_id = r.customer_id and n.version = %(version)s)
), w as (
    update journey_events e set outcome = 'quarantined' from r
     where e.company_id = %(company)s and e.customer_id = r.customer_id and e.version = %(version)s and HAS_WAITED
)
delete from journey_events using r
 where company_id = %(company)s and journey_events.customer_id = r.customer_id and version = %(version)s
   and not (HAS_WAITED)
""".replace("HAS_WAITED", _HAS_WAITED)

_INSERT_QUARANTINED = f"""
with u as (
    insert into customers (company_id, external_id) values (%(company)s, %(customer)s)
    on conflict (company_id, external_id) do update set external_id = excluded.external_id
    returning coalesce(merged_into, id) as id
)
{_INSERT_EVENTS.format(customer="u.id", source="u,")}
"""


async def write(
    pool: Pool, company_id: int, values: dict[str, Any], *, is_retry: bool, with_side_effects: bool = False
) -> list[str] | None:
    """Write one commit atomically.

    Args:
        values: The parameters of the statement, including ``SideEffects.parameters`` if `with_side_effects`.
        is_retry: First delete what an earlier attempt of the same commit wrote.
        with_side_effects: Whether the commit changes actions, tasks or campaigns.

    Returns:
        The keys of the actions that are new or to be retried; None if Postgres differs from what the commit
        assumed, in which case nothing is written.

    Raises:
        psycopg.errors.UniqueViolation: Another journey has just taken one of the event ids.
    """
    statement = _WRITES[values["expected_version"] is None, values["retractions"] != "[]", with_side_effects]
    if not is_retry:
        rows = await tenant_rows(pool, company_id, statement, values)
        return (rows[0][1] or []) if rows else None
    async with pooled_connection(pool) as connection, connection.transaction():
        await connection.execute("select set_config('app.company_id', %s, true)", [str(company_id)])
        await remove_commit(connection, values)
        await connection.execute(_DELETE_EARLIER_ATTEMPT, values)
        if rows := await (await connection.execute(statement, values)).fetchall():
            return rows[0][1] or []
        raise Rollback
    return None


async def write_in(
    connection: Connection, values: dict[str, Any], *, with_side_effects: bool = False
) -> list[str] | None:
    """Like `write`, within a transaction in the company's scope, which the caller rolls back if this returns None."""
    statement = _WRITES[values["expected_version"] is None, values["retractions"] != "[]", with_side_effects]
    rows = await (await connection.execute(statement, values)).fetchall()
    return (rows[0][1] or []) if rows else None


async def write_quarantined(pool: Pool, company_id: int, values: dict[str, Any]) -> None:
    """Store quarantined messages of a customer who has no journey yet."""
    await tenant_rows(pool, company_id, _INSERT_QUARANTINED + " returning id", values)


async def events_of_commit(pool: Pool, company_id: int, customer_key: int, version: int) -> list[tuple[str, bytes]]:
    """Return (event id, content hash) of every ledger row that a commit wrote."""
    statement = (
        "select event_id, content_hash from journey_events where company_id = %s and customer_id = %s and version = %s"
    )
    rows = await tenant_rows(pool, company_id, statement, [company_id, customer_key, version])
    return [(row[0], row[1]) for row in rows]


_ADOPT = f"""
update customer_relationships
   set version = %(version)s, run_id = %(run_id)s, decided_at = %(decided_at)s::timestamptz, state = %(state)s::jsonb
 where {_IS_EXPECTED_ROW}
returning id
"""


async def adopt(pool: Pool, company_id: int, values: dict[str, Any]) -> bool:
    """Assign the row to another workflow run, which continues from its state; False if the row has changed."""
    return bool(await tenant_rows(pool, company_id, _ADOPT, values))


_WRITTEN_AS_GIVEN = ("event_id", "type", "occurred_at", "payload", "outcome", "retracted_by", "contributions")


def serialize_entries(entries: list[LedgerEntry]) -> str:
    """Serialize ledger rows for the statements. Postgres cannot store NUL characters, so they are replaced."""
    rows = []
    for entry in entries:
        fields = {name: getattr(entry, name) for name in _WRITTEN_AS_GIVEN}
        fields["hash"] = entry.content_hash.hex()
        fields["raw"], fields["reason"] = _without_nul(entry.raw), _without_nul(entry.reason)
        rows.append(fields)
    return orjson.dumps(rows).decode()


def _without_nul(text: str | None) -> str | None:
    return text and text.replace("\x00", "\ufffd")
