"""What a roll-out of changed rules has done, compared with the preview of the change, journey by journey."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg.rows import class_row

from db.connections import Connection

_COMPARED: LiteralString = """
with version as (
    select v.effective_at, n.effective_at as until
      from rulebook_versions v
      left join rulebook_versions n on n.company_id = v.company_id and n.version = v.version + 1
     where v.company_id = %(company)s and v.version = %(version)s
), planned as (
    select relationship_id, from_stage, to_stage from rule_preview_customers
     where company_id = %(company)s and preview_id = %(preview)s and from_stage <> to_stage
), moved as (
    select t.relationship_id, (array_agg(t.from_stage order by t.sequence))[1] as from_stage,
           (array_agg(t.to_stage order by t.sequence desc))[1] as to_stage
      from journey_transitions t, version v
     where t.company_id = %(company)s and t.trigger_event = 'rules_changed' and t.transitioned_at >= v.effective_at
       and (v.until is null or t.transitioned_at < v.until)
     group by 1
)
"""
_COUNTS: LiteralString = """
select count(p.relationship_id)::int as planned, count(m.relationship_id)::int as moved,
       (count(*) filter (where (p.from_stage, p.to_stage) = (m.from_stage, m.to_stage)))::int as as_planned
  from planned p full join moved m using (relationship_id)
"""
_DIFFERING: LiteralString = """
select u.external_id as customer_id, p.from_stage as planned_from, p.to_stage as planned_to, m.from_stage as moved_from,
       m.to_stage as moved_to, r.state, r.rules_version, v.effective_at,
       exists (select from journey_transitions t
                where t.relationship_id = r.id and t.trigger_event = 'stage_set' and t.decided_at >= %(as_of)s
              ) as is_set,
       exists (select from journey_events e
                where e.company_id = %(company)s and e.customer_id = r.customer_id and e.outcome = 'applied'
                  and e.received_at >= %(as_of)s) as has_event
  from planned p full join moved m using (relationship_id) cross join version v
  left join customer_relationships r on r.company_id = %(company)s and r.id = relationship_id
  left join customers u on u.company_id = r.company_id and u.id = r.customer_id
 where (p.from_stage, p.to_stage) is distinct from (m.from_stage, m.to_stage)
 order by relationship_id
"""


@dataclass(frozen=True, slots=True)
class DifferingJourney:
    """A journey that the roll-out moved otherwise than the preview said.

    Attributes:
        state: Its packed state now; None if it is no longer there, as after a merge.
        is_set: Somebody has set its stage since the preview.
        has_event: It has had an event since.
    """

    customer_id: str | None
    planned_from: str | None
    planned_to: str | None
    moved_from: str | None
    moved_to: str | None
    state: dict[str, Any] | None
    rules_version: int | None
    effective_at: datetime
    is_set: bool
    has_event: bool


async def counts(connection: Connection, company_id: int, version: int, preview_id: int) -> dict[str, int]:
    """Return how many moves were ``planned``, how many journeys ``moved``, and how many of them ``as_planned``."""
    values = {"company": company_id, "version": version, "preview": preview_id}
    row = await (await connection.execute(_COMPARED + _COUNTS, values)).fetchone()
    assert row is not None
    return dict(zip(("planned", "moved", "as_planned"), row, strict=True))


async def differing(
    connection: Connection, company_id: int, version: int, preview_id: int, as_of: datetime
) -> list[DifferingJourney]:
    """Return the journeys that were moved otherwise than planned. ``as_of`` is the instant of the preview."""
    values = {"company": company_id, "version": version, "preview": preview_id, "as_of": as_of}
    async with connection.cursor(row_factory=class_row(DifferingJourney)) as cursor:
        await cursor.execute(_COMPARED + _DIFFERING, values)
        return await cursor.fetchall()
