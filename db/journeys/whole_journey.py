"""Read everything on record of one journey, to explain it as it was, or as it might become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.rows import dict_row

from db.connections import Pool, tenant_transaction
from db.journeys import rulebook_versions
from db.journeys.ledger_records import MOVE_COLUMNS, recorded_move
from db.journeys.rulebooks import RulebookCache
from journey.events import from_canonical
from journey.past import JourneyRecord, PastEvent
from journey.refold import manual_moves
from journey.rules import InvalidRule
from journey.stages import Rulebook
from journey.state import State, unpack

MAX_EVENTS = 20_000  # of one journey

_JOURNEY = """
select r.id, r.state, u.id as customer from customers u
  join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
 where u.company_id = %(company)s and u.external_id = %(customer)s
"""
# An event was known from the decision of its commit on, which is slightly before its row was written. What came with
# another journey was not known before the merge.
_EVENTS = """
select e.payload, e.version, e.rules_version, m.merged_at is not null as was_merged,
       (extract(epoch from greatest(least(e.received_at, d.decided_at), m.merged_at)) * 1000000)::bigint as received_at
  from journey_events e
  left join (select version, min(decided_at) as decided_at from journey_transitions
              where company_id = %(company)s and relationship_id = %(relationship)s group by version) d
         on d.version = e.version
  left join merged_journeys m on m.company_id = e.company_id and m.relationship_id = e.merged_from
 where e.company_id = %(company)s and e.customer_id = %(customer)s and e.outcome = 'applied'
   and e.type <> 'customers.merged'
 limit %(limit)s
"""
_MOVES: LiteralString = """
select COLUMNS from journey_transitions t
 where t.company_id = %(company)s and t.relationship_id = %(relationship)s order by t.sequence
""".replace("COLUMNS", MOVE_COLUMNS)
_LATEST_MOVES = """
select from_stage, to_stage, transitioned_at, trigger_type, trigger_event, notes, reason from journey_transitions
 where company_id = %(company)s and relationship_id = %(relationship)s and sequence <= %(number)s
 order by sequence desc limit 10
"""


class TooManyEvents(Exception):
    """The journey has more events than `MAX_EVENTS`."""


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A journey's state of now, the rules of now, and its record."""

    relationship_id: int
    state: State
    rulebook: Rulebook
    record: JourneyRecord


async def load(pool: Pool, rulebooks: RulebookCache, company_id: int, customer_id: str) -> StoredJourney | None:
    """Read one journey with its record; None if there is no such journey.

    Raises:
        TooManyEvents: Its ledger is too long to be folded within a request.
    """
    parameters: dict[str, Any] = {"company": company_id, "customer": customer_id, "limit": MAX_EVENTS + 1}
    async with tenant_transaction(pool, company_id) as connection:
        row = await (await connection.execute(_JOURNEY, parameters)).fetchone()
        if row is None:
            return None
        relationship_id, packed, customer_key = row
        parameters |= {"customer": customer_key, "relationship": relationship_id}
        rows = await (await connection.execute(_EVENTS, parameters)).fetchall()
        if len(rows) > MAX_EVENTS:
            raise TooManyEvents
        moves = [recorded_move(*each) for each in await (await connection.execute(_MOVES, parameters)).fetchall()]
        current = await rulebooks.load(connection, company_id)
        versions = await rulebook_versions.list_all(connection, company_id)
    events = [
        PastEvent(
            version=version,
            rules_version=rules_version,
            received_at=received_at,
            was_merged=was_merged,
            event=from_canonical(payload),
        )
        for payload, version, rules_version, was_merged, received_at in rows
    ]
    state = unpack(packed)
    record = JourneyRecord(
        events=events, moves=moves, manual=manual_moves(moves, state), rulebooks=_rulebooks(versions, current)
    )
    return StoredJourney(relationship_id, state, current, record)


async def latest_moves(pool: Pool, company_id: int, relationship_id: int, number: int) -> list[dict[str, Any]]:
    """Return the ten latest transitions up to a number, the newest first."""
    parameters = {"company": company_id, "relationship": relationship_id, "number": number}
    async with tenant_transaction(pool, company_id) as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LATEST_MOVES, parameters)
        return await cursor.fetchall()


def _rulebooks(versions: list[rulebook_versions.RulebookVersion], current: Rulebook) -> list[Rulebook]:
    """Return the versions of the rules, the oldest first; one that code of today does not accept is left out."""
    found: list[Rulebook] = []
    for version in reversed(versions):
        if version.version < current.version:
            try:
                found.append(version.rulebook().with_medians(current.medians))
            except InvalidRule:
                continue
    return [*found, current]
