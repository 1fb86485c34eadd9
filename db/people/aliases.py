"""Ids of customers that were merged into other customers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import LiteralString

from db.connections import Pool, tenant_rows

#: The ``customers.id`` of the customer whom an id means (`%(customer)s`): its own, or that of the customer it was
#: merged into.
CUSTOMER_KEY: LiteralString = (
    "(select coalesce(k.merged_into, k.id) from customers k"
    " where k.company_id = %(company)s and k.external_id = %(customer)s)"
)
#: An alias that was merged a moment ago may become visible after one that was merged later.
_OVERLAP = timedelta(seconds=30)

_RESOLVE = """
select a.external_id, i.external_id from customers a
  join customers i on i.company_id = a.company_id and i.id = a.merged_into
 where a.company_id = %s and a.external_id = any(%s)
"""
_SAME = """
select o.external_id from customers u join customers o on o.company_id = u.company_id
   and coalesce(o.merged_into, o.id) = coalesce(u.merged_into, u.id)
 where u.company_id = %s and u.external_id = %s and o.external_id = any(%s)
"""
_SINCE = """
select a.external_id, i.external_id, a.merged_at from customers a
  join customers i on i.company_id = a.company_id and i.id = a.merged_into
 where a.company_id = %(company)s and a.merged_into is not null
   and (%(since)s::timestamptz is null or a.merged_at >= %(since)s::timestamptz)
"""
_OF = """
select a.external_id from customers i join customers a on a.company_id = i.company_id and a.merged_into = i.id
 where i.company_id = %s and i.external_id = %s order by a.merged_at, a.external_id
"""


async def resolve_all(pool: Pool, company_id: int, customers: Sequence[str]) -> dict[str, str]:
    """Return the customers that these ids were merged into; ids that are no aliases are absent."""
    return dict(await tenant_rows(pool, company_id, _RESOLVE, [company_id, list(customers)]))


async def resolve(pool: Pool, company_id: int, customer_id: str) -> str:
    """Return the id of the customer whom an id means."""
    return (await resolve_all(pool, company_id, [customer_id])).get(customer_id, customer_id)


async def same_customer(pool: Pool, company_id: int, customer_id: str, others: Collection[str]) -> frozenset[str]:
    """Return which of the other ids mean the same customer as the given one."""
    rows = await tenant_rows(pool, company_id, _SAME, [company_id, customer_id, list(others)])
    return frozenset(row[0] for row in rows)


async def aliases_of(pool: Pool, company_id: int, customer_id: str) -> list[str]:
    """Return the ids that were merged into a customer, the earliest first."""
    return [row[0] for row in await tenant_rows(pool, company_id, _OF, [company_id, customer_id])]


async def merged_since(pool: Pool, company_id: int, since: datetime | None) -> tuple[dict[str, str], datetime | None]:
    """Return the aliases that are new since an earlier call, and when the next call continues.

    Args:
        since: What the earlier call returned; None: all aliases.
    """
    rows = await tenant_rows(pool, company_id, _SINCE, {"company": company_id, "since": since})
    latest = max((row[2] for row in rows), default=None)
    return {row[0]: row[1] for row in rows}, since if latest is None else latest - _OVERLAP
