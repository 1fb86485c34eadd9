"""What a merge of two customers writes, within one transaction.

The customer's row that remains of an id is its alias (`customers.merged_into`). Events, tasks and actions move to the
other customer; the transitions of a journey that ends stay where they are, for figures of the past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import orjson
from psycopg.types.json import Jsonb

from db.connections import Connection
from journey.merging import RECORD_TYPE

#: By how much the versions of events are lowered that come with another journey.
EARLIER: LiteralString = "1000000000"
#: Why what cannot move is cancelled.
REASON = "merged into another customer"

# The end of a journey that another one continues, and everything that refers to it. Its last transition leads to no
# stage; entries and versions of its actions become negative, because the other journey has the same numbers.
_END_JOURNEY: tuple[LiteralString, ...] = (
    """
    insert into journey_transitions (company_id, relationship_id, sequence, from_stage, to_stage, transitioned_at,
                                     trigger_type, trigger_event, version, decided_at, stay)
    select r.company_id, r.id, (r.state ->> 'k')::int + 1, r.current_stage, '', %(now)s, 'system', %(trigger)s,
           r.version + 1, %(now)s, %(now)s - r.stage_entered_at
      from customer_relationships r where r.id = %(other_relationship)s
    """,
    """
    insert into merged_journeys (company_id, relationship_id, customer_id, alias_id, merged_at)
    values (%(company)s, %(other_relationship)s, %(into)s, %(other)s, %(now)s)
    """,
    """
    insert into journey_unrolled (company_id, relationship_id, version, customer_id)
    select company_id, id, version + 1, %(into)s from customer_relationships where id = %(other_relationship)s
        on conflict do nothing
    """,
    """
    update journey_events set merged_from = coalesce(merged_from, %(other_relationship)s),
           version = case when version < 0 then version else version - EARLIER end
     where company_id = %(company)s and customer_id = %(other)s
    """.replace("EARLIER", EARLIER),
    """
    update journey_actions set status = 'cancelled', reason = %(reason)s, done_at = %(now)s, updated_at = now()
     where company_id = %(company)s and relationship_id = %(other_relationship)s
       and (status in ('pending', 'waiting', 'failed') or status = 'suppressed' and detail ? 'profile_until')
    """,
    """
    update journey_actions set relationship_id = %(relationship)s, entry = -abs(entry), version = -abs(version)
     where company_id = %(company)s and relationship_id = %(other_relationship)s
    """,
    """
    update tasks set status = 'cancelled', done_at = %(now)s, closed_reason = %(reason)s
     where company_id = %(company)s and id = any(%(cancelled_tasks)s::bigint[])
    """,
    """
    update tasks set relationship_id = %(relationship)s
     where company_id = %(company)s and relationship_id = %(other_relationship)s
    """,
    """
    update retention_campaigns c set relationship_id = %(relationship)s, customer_id = %(into)s,
           entry = -abs(entry), n = n + (select coalesce(max(o.n), 0) from retention_campaigns o
                                          where o.relationship_id = %(relationship)s)
     where company_id = %(company)s and relationship_id = %(other_relationship)s
    """,
    """
    update assignments a set relationship_id = %(relationship)s
     where company_id = %(company)s and relationship_id = %(other_relationship)s
       and not exists (select from assignments o where o.relationship_id = %(relationship)s and o.role = a.role)
    """,
    "delete from assignments where company_id = %(company)s and relationship_id = %(other_relationship)s",
    """
    update customer_relationships r
       set notes = nullif(concat_ws(E'\\n\\n', r.notes, (select o.notes from customer_relationships o
                                                          where o.id = %(other_relationship)s)), '')
     where r.company_id = %(company)s and r.id = %(relationship)s
    """,
    "delete from customer_relationships where company_id = %(company)s and id = %(other_relationship)s",
)
# A journey that continues for the other customer, who has none. Its workflow adopts the row.
_HAND_OVER_JOURNEY: tuple[LiteralString, ...] = (
    """
    update journey_actions set action_key = %(new_prefix)s || substr(action_key, length(%(old_prefix)s) + 1)
     where company_id = %(company)s and relationship_id = %(other_relationship)s and status in ('pending', 'waiting')
       and starts_with(action_key, %(old_prefix)s)
    """,
    """
    update retention_campaigns set customer_id = %(into)s
     where company_id = %(company)s and relationship_id = %(other_relationship)s
    """,
    """
    update customer_relationships set customer_id = %(into)s, version = version + 2, updated_at = now(),
           state = state || jsonb_build_object('n', version + 2)
     where company_id = %(company)s and id = %(other_relationship)s
    """,
)
_END_CAMPAIGN: LiteralString = """
with ended as (
    update retention_campaigns set status = 'cancelled', ended_at = %(now)s, scheduled_actions = (
               select jsonb_agg(case when s ->> 'status' in ('pending', 'waiting')
                                     then s || jsonb_build_object('status', 'cancelled', 'reason', %(reason)s::text)
                                     else s end)
                 from jsonb_array_elements(scheduled_actions) s)
     where company_id = %(company)s and relationship_id = %(other_relationship)s and status = 'running'
)
update journey_actions set status = 'cancelled', reason = %(reason)s, done_at = %(now)s, updated_at = now()
 where company_id = %(company)s and relationship_id = %(other_relationship)s and status in ('pending', 'waiting')
   and action like 'campaign\\_%%'
"""
# The alias, its own earlier aliases, and the rows that merely name the customer.
_MAKE_ALIAS: tuple[LiteralString, ...] = (
    "update journey_events set customer_id = %(into)s where company_id = %(company)s and customer_id = %(other)s",
    "update merged_journeys set customer_id = %(into)s where company_id = %(company)s and customer_id = %(other)s",
    "update journey_unrolled set customer_id = %(into)s where company_id = %(company)s and customer_id = %(other)s",
    """
    insert into consent_withdrawals (company_id, customer_id, channel, address, address_key, source, at)
    select company_id, %(into)s, channel, address, address_key, source, at from consent_withdrawals
     where company_id = %(company)s and customer_id = %(other)s and lifted_at is null
        on conflict do nothing
    """,
    # a command is unique within its customer
    """
    update contacts set customer_id = %(into)s, command = command || ' of ' || %(other)s
     where company_id = %(company)s and customer_id = %(other)s
    """,
    """
    update customers set merged_into = %(into)s, merged_at = %(now)s, merge_run = %(run)s, name = null, email = null,
           phone = null, phone_e164 = null, phone_e164_of = null, time_zone = null, locale = null, consent = '{}',
           updated_at = now()
     where company_id = %(company)s and id = %(other)s
    """,
    """
    update customers set merged_into = %(into)s, merged_at = %(now)s
     where company_id = %(company)s and merged_into = %(other)s
    """,
)
_FORGET_DUPLICATES: tuple[LiteralString, ...] = (
    "delete from customer_keys where company_id = %(company)s and customer_id = %(other)s",
    "delete from duplicate_customers where company_id = %(company)s and first_id = %(other)s",
    "delete from duplicate_customers where company_id = %(company)s and second_id = %(other)s",
)
_COMPLETE_PROFILE: LiteralString = """
update customers u
   set name = coalesce(u.name, o.name), email = coalesce(u.email, o.email), phone = coalesce(u.phone, o.phone),
       phone_e164 = case when u.phone is null then o.phone_e164 else u.phone_e164 end,
       phone_e164_of = case when u.phone is null then o.phone_e164_of else u.phone_e164_of end,
       time_zone = coalesce(u.time_zone, o.time_zone), locale = coalesce(u.locale, o.locale), consent = %(consent)s,
       updated_at = now()
  from customers o
 where u.company_id = %(company)s and u.id = %(into)s and o.company_id = %(company)s and o.id = %(other)s
"""
_RECORD: LiteralString = """
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
                            version, rules_version, contributions)
values (%(company)s, %(into)s, %(record_id)s, %(record_hash)s, %(record)s, %(now)s, %(payload)s, 'applied',
        %(version)s, %(rules_version)s, %(contributions)s)
"""


@dataclass(slots=True)
class MergeRecord:
    """What the ledger records of a merge: an id, its content, the commit, and what it contributes to figures."""

    id: str
    content_hash: bytes
    payload: dict[str, Any]
    version: int
    rules_version: int
    contributions: list[dict[str, Any]] | None


async def end_journey(connection: Connection, values: Mapping[str, Any]) -> None:
    """End a journey whose customer has another one, and move what belongs to it there."""
    await connection.execute(_END_CAMPAIGN, values)
    for statement in _END_JOURNEY:
        await connection.execute(statement, values)


async def hand_over_journey(connection: Connection, values: Mapping[str, Any]) -> None:
    """Let a journey continue as that of another customer, who has none."""
    await connection.execute(_END_CAMPAIGN, values)
    for statement in _HAND_OVER_JOURNEY:
        await connection.execute(statement, values)


async def make_alias(
    connection: Connection, values: Mapping[str, Any], consent: Mapping[str, bool], record: MergeRecord
) -> None:
    """Complete a customer's profile by another's, make that one's id an alias, and record it in the ledger."""
    await connection.execute(_COMPLETE_PROFILE, {**values, "consent": Jsonb(dict(consent))})
    for statement in (*_MAKE_ALIAS, *_FORGET_DUPLICATES):
        await connection.execute(statement, values)
    contributions = None if record.contributions is None else Jsonb(record.contributions)
    await connection.execute(
        _RECORD,
        {
            **values,
            "record_id": record.id,
            "record_hash": record.content_hash,
            "record": RECORD_TYPE,
            "payload": Jsonb(record.payload, dumps=orjson.dumps),
            "version": record.version,
            "rules_version": record.rules_version,
            "contributions": contributions,
        },
    )
