"""Pairs of customers who may be one person: found by workers, listed page by page, and dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import orjson
from psycopg import sql

from db.connections import Pool, tenant_rows, tenant_transaction
from db.essential_queries import RegisteredQuery
from db.people import audit_log
from db.people.phone_numbers import E164_OF_C
from journey.duplicates import MAX_HOLDERS, identity_keys, strength

BATCH = 200  # customers compared in one transaction
_LOCK = 894_312_207  # first key of the advisory lock; the second one is the company's id

_TO_COMPARE = sql.SQL("""
select c.id, c.name, c.email, {e164} from customers c where c.company_id = %s and not c.compared
 order by c.id limit %s for no key update
""").format(e164=E164_OF_C)
_FORGET: LiteralString = "delete from customer_keys where company_id = %(company)s and customer_id = any(%(customers)s)"
_KEYS: LiteralString = """
insert into customer_keys (company_id, customer_id, key)
select %(company)s, k.customer_id, k.key from jsonb_to_recordset(%(keys)s::jsonb) as k(customer_id bigint, key text)
"""
# `offset 0`: each key is looked up once. A key of very many customers is read up to the limit only.
_PAIRS: LiteralString = """
select least(m.customer_id, o.customer_id), greatest(m.customer_id, o.customer_id),
       array_agg(distinct split_part(m.key, ':', 1))
  from customer_keys m cross join lateral (
      select customer_id, count(*) over () as holders from (
          select customer_id from customer_keys h where h.company_id = %(company)s and h.key = m.key
           limit %(most)s + 1) l offset 0) o
 where m.company_id = %(company)s and m.customer_id = any(%(customers)s) and o.holders <= %(most)s
   and o.customer_id <> m.customer_id
 group by 1, 2
"""
# A pair without reasons is forgotten, also if it was dismissed: the reasons may come back with other people.
_REPLACE: LiteralString = """
with found as (
    select * from jsonb_to_recordset(%(pairs)s::jsonb)
        as p(first_id bigint, second_id bigint, strength smallint, reasons text[])
), gone as (
    delete from duplicate_customers d
     where company_id = %(company)s and (first_id = any(%(customers)s) or second_id = any(%(customers)s))
       and not exists (select from found f where f.first_id = d.first_id and f.second_id = d.second_id)
)
insert into duplicate_customers as d (company_id, first_id, second_id, strength, reasons)
select %(company)s, first_id, second_id, strength, reasons from found
    on conflict (company_id, first_id, second_id) do update
   set strength = excluded.strength, reasons = excluded.reasons,
       dismissed_at = case when d.reasons @> excluded.reasons then d.dismissed_at end,
       dismissed_by = case when d.reasons @> excluded.reasons then d.dismissed_by end
 where (d.strength, d.reasons) is distinct from (excluded.strength, excluded.reasons)
"""
_COMPARED: LiteralString = (
    "update customers set compared = true where company_id = %(company)s and id = any(%(customers)s)"
)


async def compare_batch(pool: Pool, company_id: int) -> int:
    """Compare up to `BATCH` new or changed customers with all others; return how many there were.

    Returns 0, too, if another worker is comparing: two at once would not see each other's customers.
    """
    async with tenant_transaction(pool, company_id) as connection:
        cursor = await connection.execute("select pg_try_advisory_xact_lock(%s, %s::int)", [_LOCK, company_id % 2**31])
        row = await cursor.fetchone()
        if not (row and row[0]):
            return 0
        rows = await (await connection.execute(_TO_COMPARE, [company_id, BATCH])).fetchall()
        if not rows:
            return 0
        keys = [{"customer_id": id_, "key": key} for id_, *profile in rows for key in sorted(identity_keys(*profile))]
        values: dict[str, Any] = {
            "company": company_id,
            "customers": [row[0] for row in rows],
            "keys": orjson.dumps(keys).decode(),
            "most": MAX_HOLDERS,
        }
        await connection.execute(_FORGET, values)
        await connection.execute(_KEYS, values)
        found = await (await connection.execute(_PAIRS, values)).fetchall()
        pairs = [
            {"first_id": first, "second_id": second, "strength": strength(reasons), "reasons": reasons}
            for first, second, reasons in found
        ]
        await connection.execute(_REPLACE, {**values, "pairs": orjson.dumps(pairs).decode()})
        await connection.execute(_COMPARED, values)
    return len(rows)


@dataclass(frozen=True, slots=True)
class PairPosition:
    """The position of a pair in the list: its strength and row ids."""

    strength: int
    first: int
    second: int


_CUSTOMER: LiteralString = """
json_build_object('customer_id', SIDE.external_id, 'name', SIDE.name, 'email', SIDE.email, 'phone', SIDE.phone,
    'created_at', SIDE.created_at,
    'current_stage', (select r.current_stage from customer_relationships r
                       where r.company_id = d.company_id and r.customer_id = SIDE.id),
    'total_appointments', coalesce((select r.total_appointments from customer_relationships r
                                     where r.company_id = d.company_id and r.customer_id = SIDE.id), 0),
    'last_appointment_at', (select r.last_appointment_at from customer_relationships r
                             where r.company_id = d.company_id and r.customer_id = SIDE.id))
"""
_LIST: LiteralString = """
select d.strength, d.first_id, d.second_id, json_build_object('strength', d.strength, 'reasons', d.reasons,
           'customers', json_build_array(FIRST, SECOND))
  from (PAGE) d
  join customers a on a.company_id = d.company_id and a.id = d.first_id
  join customers b on b.company_id = d.company_id and b.id = d.second_id
 order by d.strength desc, d.first_id, d.second_id
""".replace("FIRST", _CUSTOMER.replace("SIDE", "a")).replace("SECOND", _CUSTOMER.replace("SIDE", "b"))
_SHOWN: LiteralString = """
select * from duplicate_customers
 where company_id = %(company)s and dismissed_at is null RANGE
 order by strength desc, first_id, second_id limit %(limit)s
"""
_FIRST_PAGE = _LIST.replace("PAGE", _SHOWN.replace("RANGE", ""))
# Two ranges of the index, whose columns have different directions.
_NEXT_PAGE = _LIST.replace(
    "PAGE",
    "(SAME) union all (WEAKER) order by strength desc, first_id, second_id limit %(limit)s".replace(
        "SAME",
        _SHOWN.replace(
            "RANGE",
            "and strength = %(strength)s and (first_id, second_id) > (%(first)s::bigint, %(second)s::bigint)",
        ),
    ).replace("WEAKER", _SHOWN.replace("RANGE", "and strength < %(strength)s")),
)


async def list_duplicates(
    pool: Pool, company_id: int, limit: int, after: PairPosition | None = None
) -> tuple[list[dict[str, Any]], PairPosition | None]:
    """Return a page of pairs, the surest first, and the position of its last one if there are more."""
    parameters: dict[str, Any] = {"company": company_id, "limit": limit + 1}
    statement = _FIRST_PAGE
    if after is not None:
        statement = _NEXT_PAGE
        parameters |= {"strength": after.strength, "first": after.first, "second": after.second}
    rows = await tenant_rows(pool, company_id, statement, parameters)
    page = rows[:limit]
    following = PairPosition(*page[-1][:3]) if len(rows) > limit else None
    return [row[3] for row in page], following


_DISMISS: LiteralString = """
update duplicate_customers d set dismissed_at = now(), dismissed_by = %(actor)s from customers a, customers b
 where a.company_id = %(company)s and b.company_id = %(company)s and a.external_id = %(one)s
   and b.external_id = %(two)s and d.company_id = %(company)s and d.dismissed_at is null
   and d.first_id = least(a.id, b.id) and d.second_id = greatest(a.id, b.id)
"""


async def dismiss(pool: Pool, company_id: int, customers: Sequence[str], actor: str) -> bool:
    """Record that two customers are not the same person; False if they are not a pair that is shown."""
    one, two = customers
    async with tenant_transaction(pool, company_id) as connection:
        values = {"company": company_id, "one": one, "two": two, "actor": actor}
        if not (await connection.execute(_DISMISS, values)).rowcount:
            return False
        details = {"other": two}
        await audit_log.record(connection, company_id, actor, "duplicates.dismiss", f"customer/{one}", details)
    return True


ESSENTIAL_QUERIES = (
    RegisteredQuery("possible duplicates", lambda pool, sample: list_duplicates(pool, sample.company_id, 50)),
    RegisteredQuery(
        "possible duplicates, next page",
        lambda pool, sample: list_duplicates(pool, sample.company_id, 50, PairPosition(2, 1, 2)),
    ),
)
