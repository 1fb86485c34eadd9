"""Read whole ledgers and transitions on record, for comparisons and rebuilds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import LiteralString

from db.connections import Pool, tenant_rows
from journey.event_validation import from_fields
from journey.refold import LedgerRecord, RecordedMove
from journey.time import Micros

_APPLIED = """
select customer_id, version, payload from journey_events
 where company_id = %(company)s and customer_id = any(%(customers)s::bigint[]) and outcome = 'applied'
   and type <> 'customers.merged' and (%(except)s::int is null or version <> %(except)s)
 order by version, occurred_at, event_id
"""
#: The columns of `recorded_move`, of `t` (journey_transitions).
MOVE_COLUMNS: LiteralString = """
       t.sequence, t.from_stage, t.to_stage, (extract(epoch from t.transitioned_at) * 1000000)::bigint,
       coalesce(t.trigger_event, ''), t.event_id, t.version
"""
_MOVES: LiteralString = """
select relationship_id, COLUMNS from journey_transitions t
 where company_id = %(company)s and relationship_id = any(%(relationships)s::bigint[])
   and (%(except)s::int is null or version <> %(except)s)
 order by sequence
""".replace("COLUMNS", MOVE_COLUMNS)
_WITHOUT_ROW = """
select u.external_id, u.id from customers u
 where u.company_id = %(company)s and u.id > %(after)s
   and not exists (select from customer_relationships r where r.company_id = u.company_id and r.customer_id = u.id)
   and exists (select from journey_events e where e.company_id = u.company_id and e.customer_id = u.id
                  and e.outcome = 'applied' and e.type <> 'customers.merged')
 order by u.id limit %(limit)s
"""


async def applied_events(
    pool: Pool, company_id: int, customer_keys: Sequence[int], *, except_version: int | None = None
) -> dict[int, list[LedgerRecord]]:
    """Return the applied events of customers by ``customers.id``, without those of one version.

    Raises:
        journey.event_validation.InvalidEvent: A stored event cannot be parsed.
    """
    parameters = {"company": company_id, "customers": list(customer_keys), "except": except_version}
    ledger: defaultdict[int, list[LedgerRecord]] = defaultdict(list)
    for customer_key, version, payload in await tenant_rows(pool, company_id, _APPLIED, parameters):
        ledger[customer_key].append(LedgerRecord(version, from_fields(payload)))
    return ledger


async def recorded_moves(
    pool: Pool, company_id: int, relationship_ids: Sequence[int], *, except_version: int | None = None
) -> dict[int, list[RecordedMove]]:
    """Return the transitions of journeys by relationship id, without those of one version."""
    parameters = {"company": company_id, "relationships": list(relationship_ids), "except": except_version}
    moves: defaultdict[int, list[RecordedMove]] = defaultdict(list)
    for relationship_id, *columns in await tenant_rows(pool, company_id, _MOVES, parameters):
        moves[relationship_id].append(recorded_move(*columns))
    return moves


def recorded_move(
    number: int,
    from_stage: str | None,
    to_stage: str,
    at: Micros,
    trigger_event: str,
    event_id: str | None,
    version: int,
) -> RecordedMove:
    return RecordedMove(
        transition_number=number,
        from_stage=from_stage,
        to_stage=to_stage,
        at=at,
        trigger_event=trigger_event,
        event_id=event_id,
        version=version,
    )


async def customers_without_row(pool: Pool, company_id: int, *, after: int, limit: int) -> list[tuple[str, int]]:
    """Return a page of customers with applied events and no journey: (the company's own id, ``customers.id``)."""
    parameters = {"company": company_id, "after": after, "limit": limit}
    return [(row[0], row[1]) for row in await tenant_rows(pool, company_id, _WITHOUT_ROW, parameters)]
