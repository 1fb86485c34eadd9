"""The records of a company's median gaps between visits: computed from the states of its journeys, and only added."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from psycopg.types.json import Jsonb

from db.connections import Pool, tenant_rows
from journey.rhythm import CompanyMedians, company_medians
from journey.state import unpack

#: SQL of the number of a company's records; the company is to be filled in.
MEDIANS_VERSION = "(select coalesce(max(version), 0) from company_medians where company_id = {company})"
_BATCH = 1000
#: Events may be so far ahead, and a commit must not decide on a visit before it can see the record that counts for it.
_COUNTS_AFTER = "10 minutes"

_VISITS = """
select id, state -> 'f' -> 'ap', state -> 'f' -> 'rd', state -> 'f' -> 'sv' from customer_relationships
 where company_id = %s and id > %s and total_appointments > 1 order by id limit %s
"""
_INSERT = """
insert into company_medians (company_id, version, counts_from, rules_version, gap, services)
select id, MEDIANS_VERSION + 1, now() + interval 'COUNTS_AFTER', rules_version, %s, %s
  from companies where id = %s
on conflict do nothing returning version
""".replace("MEDIANS_VERSION", MEDIANS_VERSION.format(company="id")).replace("COUNTS_AFTER", _COUNTS_AFTER)
_IS_DUE = """
select from companies c where id = %s and rules_version > 1
   and not exists (select from company_medians m where m.company_id = c.id and m.rules_version = c.rules_version)
"""

_Visits = tuple[Sequence[int], Mapping[str, Sequence[int]]]


async def current_medians(pool: Pool, company_id: int) -> CompanyMedians:
    """Compute the company's median gaps as of now, without a record of them."""
    customers: list[_Visits] = []
    last = 0
    while rows := await tenant_rows(pool, company_id, _VISITS, [company_id, last, _BATCH]):
        customers += _visits(rows)
        last = rows[-1][0]
        await asyncio.sleep(0)
    return await asyncio.to_thread(company_medians, customers)


async def record_medians(pool: Pool, company_id: int) -> CompanyMedians:
    """Compute the company's median gaps as of now and add a record of them."""
    medians = await current_medians(pool, company_id)
    await tenant_rows(pool, company_id, _INSERT, [medians.overall, Jsonb(dict(medians.services)), company_id])
    return medians


async def needs_medians(pool: Pool, company_id: int) -> bool:
    """Whether the company has changed its rules and has no record since."""
    return bool(await tenant_rows(pool, company_id, _IS_DUE, [company_id]))


def _visits(rows: Sequence[tuple[object, ...]]) -> Iterator[_Visits]:
    for _, recent, earlier, services in rows:
        packed = {"ap": recent or "", "rd": earlier or "", "sv": services or {}}
        facts = unpack({"f": packed}).facts
        yield facts.visit_days, facts.services
