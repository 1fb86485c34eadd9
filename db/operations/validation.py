"""Queries of `journey validate`: the rows of the projection, to be compared with everything else."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class ConsistencyRow:
    """A journey's row. `customer_key` is `customers.id`; `customer_id`, the company's own, is None if it is deleted."""

    relationship_id: int
    customer_key: int
    customer_id: str | None
    current_stage: str
    version: int
    state: dict[str, Any]
    lifetime_value: Decimal
    total_appointments: int


_CONSISTENCY_ROWS = """
select r.id, r.customer_id, u.external_id, r.current_stage, r.version, r.state, r.lifetime_value, r.total_appointments
  from customer_relationships r
  left join customers u on u.id = r.customer_id and u.company_id = r.company_id
 where r.company_id = %(company)s and r.id > %(after)s
   and (%(customer)s::text is null or u.external_id = %(customer)s)
 order by r.id limit %(limit)s
"""

_CURRENT_STAGES = """
select u.external_id, r.id, r.current_stage, r.version
  from customers u join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
 where u.company_id = %s and u.external_id = any(%s)
"""


async def consistency_rows(
    pool: Pool, company_id: int, *, after: int, limit: int, customer_id: str | None = None
) -> list[ConsistencyRow]:
    """Return a company's journeys with a relationship id greater than `after`, in order, or that of one customer."""
    parameters = {"company": company_id, "after": after, "limit": limit, "customer": customer_id}
    return [ConsistencyRow(*row) for row in await tenant_rows(pool, company_id, _CONSISTENCY_ROWS, parameters)]


async def current_stages(pool: Pool, company_id: int, customers: list[str]) -> dict[str, tuple[int, str, int]]:
    """Return (relationship id, stage, version) by external customer id; customers without a journey are absent."""
    rows = await tenant_rows(pool, company_id, _CURRENT_STAGES, [company_id, customers])
    return {row[0]: (row[1], row[2], row[3]) for row in rows}
