"""Queries of `journey validate`: each row of the projection with the totals of its ledger and transitions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from db.connections import Pool, tenant_rows
from db.sql_fragments import AMOUNT_TYPES


@dataclass(frozen=True, slots=True)
class ConsistencyRow:
    """A journey with `last_stage` from its transitions, and `ledger_value` and `ledger_visits` from its ledger."""

    relationship_id: int
    customer_id: str | None
    current_stage: str
    version: int
    state: dict[str, Any]
    lifetime_value: Decimal
    total_appointments: int
    last_stage: str | None
    ledger_value: Decimal
    ledger_visits: int


_CONSISTENCY_ROWS = """
select r.id, u.external_id, r.current_stage, r.version, r.state, r.lifetime_value, r.total_appointments,
       (select t.to_stage from journey_transitions t where t.relationship_id = r.id order by t.sequence desc limit 1),
       e.value, e.visits
  from customer_relationships r
  left join customers u on u.id = r.customer_id and u.company_id = r.company_id
  cross join lateral (
      select coalesce(sum((payload ->> 'amount')::numeric), 0) as value,
             count(*) filter (where type = 'appointment.completed') as visits
        from journey_events
       where company_id = r.company_id and customer_id = r.customer_id and outcome = 'applied'
         and type in AMOUNT_TYPES) e
 where r.company_id = %(company)s and r.id > %(after)s
 order by r.id limit %(limit)s
""".replace("AMOUNT_TYPES", AMOUNT_TYPES)

_CURRENT_STAGES = """
select u.external_id, r.id, r.current_stage, r.version
  from customers u join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
 where u.company_id = %s and u.external_id = any(%s)
"""


async def consistency_rows(pool: Pool, company_id: int, *, after: int, limit: int) -> list[ConsistencyRow]:
    """Return the journeys of a company with a relationship id greater than `after`, in order."""
    parameters = {"company": company_id, "after": after, "limit": limit}
    return [ConsistencyRow(*row) for row in await tenant_rows(pool, company_id, _CONSISTENCY_ROWS, parameters)]


async def current_stages(pool: Pool, company_id: int, customers: list[str]) -> dict[str, tuple[int, str, int]]:
    """Return (relationship id, stage, version) by external customer id; customers without a journey are absent."""
    rows = await tenant_rows(pool, company_id, _CURRENT_STAGES, [company_id, customers])
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
