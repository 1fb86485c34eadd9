"""Customers' phone numbers in E.164, next to the numbers as given.

`customers.phone_e164` was read from the text `phone_e164_of`. It counts only while that is the customer's `phone`, so
a writer that knows nothing of E.164 (an older gateway, an import in SQL) cannot leave a wrong number behind: it leaves
one that is still to be read.
"""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg import sql

from db.connections import Connection, Pool, tenant_rows, tenant_transaction
from journey.phone_numbers import e164

BATCH = 200  # numbers read in one transaction, about 10 ms of CPU

#: the E.164 form of the customer `{u}`; null if it is unknown or not read yet
_E164 = "case when {u}.phone = {u}.phone_e164_of then {u}.phone_e164 end"
E164_OF_C, E164_OF_U = sql.SQL(_E164.format(u="c")), sql.SQL(_E164.format(u="u"))

_COUNTRY: LiteralString = "select settings ->> 'country' from companies where id = %s"
# The condition is that of the index `customers_phones_to_read`.
_UNREAD: LiteralString = (
    "select id, phone from customers where company_id = %s and phone is distinct from phone_e164_of"
    " order by id limit %s for no key update skip locked"
)
_STORE: LiteralString = (
    "update customers c set phone_e164 = n.e164, phone_e164_of = c.phone"
    " from unnest(%(ids)s::bigint[], %(numbers)s::text[]) as n (id, e164)"
    " where c.company_id = %(company)s and c.id = n.id"
)
_FORGET: LiteralString = (
    "update customers set phone_e164_of = null where company_id = %s and phone_e164_of is not null"
    " and phone_e164_of not like '%%+%%'"
)


async def read_number(connection: Connection, company_id: int, phone: str | None) -> str | None:
    """Return a number in E.164, with the company's country for national numbers; None if its country is unknown."""
    if phone is None or (number := e164(phone)) is not None:
        return phone and number
    return e164(phone, await _country(connection, company_id))


async def read_batch(pool: Pool, company_id: int) -> int:
    """Store the E.164 form of up to `BATCH` numbers that were not read yet; return how many there were.

    Several processes may do this at once. What is interrupted is read again.
    """
    async with tenant_transaction(pool, company_id) as connection:
        rows = await (await connection.execute(_UNREAD, [company_id, BATCH])).fetchall()
        if rows:
            country = await _country(connection, company_id)
            numbers = [phone and e164(phone, country) for _, phone in rows]
            values: dict[str, Any] = {"company": company_id, "ids": [row[0] for row in rows], "numbers": numbers}
            await connection.execute(_STORE, values)
    return len(rows)


async def forget_national_numbers(connection: Connection, company_id: int) -> None:
    """Let national numbers be read again, because the company's country has changed.

    Args:
        connection: The owner's, or that of the application's role.
    """
    await connection.execute("select set_config('app.company_id', %s, true)", [str(company_id)])
    await connection.execute(_FORGET, [company_id])


async def company_country(pool: Pool, company_id: int) -> str | None:
    """Return the country of a company's national numbers (ISO 3166); None if it is not set."""
    rows = await tenant_rows(pool, company_id, _COUNTRY, [company_id])
    return rows[0][0] if rows else None


async def _country(connection: Connection, company_id: int) -> str | None:
    row = await (await connection.execute(_COUNTRY, [company_id])).fetchone()
    return row[0] if row else None
