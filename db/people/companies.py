"""Tenants, as the operator makes and lists them: on the owner's connection. The application sees but their numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from db.connections import Connection, Pool, owner_connection, pooled_connection
from db.people import api_keys
from journey.currency import DEFAULT_CURRENCY
from journey.currency import currency as checked

FIRST_COMPANY = 1


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant as lists show it; `rules_version` counts the changes of its rules, from 1."""

    id: int
    name: str
    currency: str
    rules_version: int
    created_at: datetime


async def add(connection: Connection, name: str, currency: str = DEFAULT_CURRENCY) -> int:
    """A new company; its id. Raises ValueError when the name is blank, or the currency none."""
    if not name.strip():
        raise ValueError("a company needs a name")
    settings = {"currency": checked(currency)}
    cursor = await connection.execute(
        "insert into companies (name, settings) values (%s, %s) returning id", [name.strip(), Jsonb(settings)]
    )
    row = await cursor.fetchone()
    assert row is not None
    company_id: int = row[0]
    return company_id


async def change(
    connection: Connection, company_id: int, *, name: str | None = None, currency: str | None = None
) -> bool:
    """Give a company another name or currency; what is None stays. False for no such company. Raises as `add`."""
    if name is not None and not name.strip():
        raise ValueError("a company needs a name")
    settings = {} if currency is None else {"currency": checked(currency)}
    changed = await connection.execute(
        "update companies set name = coalesce(%s, name), settings = settings || %s where id = %s",
        [name and name.strip(), Jsonb(settings), company_id],
    )
    return changed.rowcount == 1


async def list_all(connection: Connection) -> list[Company]:
    """Every company, oldest first."""
    async with connection.cursor(row_factory=class_row(Company)) as cursor:
        await cursor.execute(
            "select id, name, coalesce(settings ->> 'currency', %s) as currency, rules_version, created_at"
            " from companies order by id",
            [DEFAULT_CURRENCY],
        )
        return await cursor.fetchall()


async def all_ids(pool: Pool, after: int = 0, limit: int | None = None) -> list[int]:
    """The number of every company, in order, for what the application does for each of them in turn; of those beyond
    `after`, at most `limit`.

    Raises psycopg.OperationalError when Postgres does not answer.
    """
    async with pooled_connection(pool) as connection:
        statement = "select id from company_ids() as c (id) where id > %s order by id limit %s"
        return [row[0] for row in await (await connection.execute(statement, [after, limit])).fetchall()]


async def ensure_first(database_url: str) -> str | None:
    """In a system without any company: make company 1 and a key with every scope; its plaintext. Otherwise None.

    Safe when several start at once: one makes them, the others get None.
    """
    async with owner_connection(database_url) as connection:
        await connection.execute("lock table companies in share row exclusive mode")
        cursor = await connection.execute("select from companies limit 1")
        if await cursor.fetchone() is not None:
            return None
        # Number 1, even where an attempt that failed has used the number up.
        await connection.execute("insert into companies (id, name) values (%s, 'Example company')", [FIRST_COMPANY])
        await connection.execute(
            "select setval(pg_get_serial_sequence('companies', 'id'), greatest(last_value, %s)) from companies_id_seq",
            [FIRST_COMPANY],
        )
        _, plaintext = await api_keys.create(connection, FIRST_COMPANY, "first key", api_keys.SCOPES)
        return plaintext
