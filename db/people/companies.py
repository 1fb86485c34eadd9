"""Companies (tenants). The operator manages them on the owner's connection; the application sees only their ids."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from db.connections import Connection, Pool, owner_connection, pooled_connection, tenant_rows
from db.people import api_keys
from db.people.phone_numbers import forget_national_numbers
from journey.currency import DEFAULT_CURRENCY
from journey.currency import currency as validate_currency
from journey.phone_numbers import country_code

FIRST_COMPANY = 1


@dataclass(frozen=True, slots=True)
class Company:
    """A company as shown in lists.

    `rules_version` starts at 1 and increases with every change of its rules; `email_ids` is whether its customers' ids
    may be e-mail addresses.
    """

    id: int
    name: str
    currency: str
    country: str | None
    rules_version: int
    created_at: datetime
    email_ids: bool


async def create(
    connection: Connection,
    name: str,
    currency: str = DEFAULT_CURRENCY,
    country: str | None = None,
    *,
    email_ids: bool = False,
) -> int:
    """Create a company and return its id.

    Args:
        email_ids: Whether its customers' ids may be e-mail addresses.

    Raises:
        ValueError: The name is blank, or the code of the currency or the country is unknown.
    """
    if not name.strip():
        raise ValueError("a company needs a name")
    settings: dict[str, Any] = {"currency": validate_currency(currency), "email_ids": email_ids}
    if country:
        settings["country"] = country_code(country)
    cursor = await connection.execute(
        "insert into companies (name, settings) values (%s, %s) returning id", [name.strip(), Jsonb(settings)]
    )
    row = await cursor.fetchone()
    assert row is not None
    company_id: int = row[0]
    return company_id


async def update(
    connection: Connection,
    company_id: int,
    *,
    name: str | None = None,
    currency: str | None = None,
    country: str | None = None,
    email_ids: bool | None = None,
) -> bool:
    """Change a company, see `create`; None leaves a value unchanged.

    Args:
        country: The country of phone numbers without a country code (ISO 3166); blank for none. Workers read these
            numbers again.

    Returns:
        False if the company does not exist.

    Raises:
        ValueError: The name is blank, or the code of the currency or the country is unknown.
    """
    if name is not None and not name.strip():
        raise ValueError("a company needs a name")
    settings: dict[str, Any] = {} if currency is None else {"currency": validate_currency(currency)}
    if country is not None:
        settings["country"] = country_code(country) if country.strip() else None
    if email_ids is not None:
        settings["email_ids"] = email_ids
    cursor = await connection.execute(
        "update companies set name = coalesce(%s, name), settings = settings || %s where id = %s",
        [name and name.strip(), Jsonb(settings), company_id],
    )
    if cursor.rowcount == 1 and country is not None:
        await forget_national_numbers(connection, company_id)
    return cursor.rowcount == 1


async def list_all(connection: Connection) -> list[Company]:
    """List all companies, oldest first."""
    async with connection.cursor(row_factory=class_row(Company)) as cursor:
        await cursor.execute(
            sql.SQL(
                "select id, name, coalesce(settings ->> 'currency', %s) as currency, settings ->> 'country' as country,"
                " rules_version, created_at, {} as email_ids from companies c order by id"
            ).format(api_keys.EMAIL_IDS),
            [DEFAULT_CURRENCY],
        )
        return await cursor.fetchall()


async def all_ids(pool: Pool, after: int = 0, limit: int | None = None) -> list[int]:
    """List company ids in order, for work that the application does for every company.

    Args:
        after: Only ids greater than this.
        limit: At most this many; None for all.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    async with pooled_connection(pool) as connection:
        statement = "select id from company_ids() as c (id) where id > %s order by id limit %s"
        return [row[0] for row in await (await connection.execute(statement, [after, limit])).fetchall()]


async def find_name(pool: Pool, company_id: int) -> str | None:
    """Find the name of a company; None if the company does not exist."""
    rows = await tenant_rows(pool, company_id, "select name from companies where id = %s", [company_id])
    return rows[0][0] if rows else None


async def allows_email_ids(pool: Pool, company_id: int) -> bool:
    """Return whether the ids of a company's customers may be e-mail addresses; False if the company does not exist."""
    statement = sql.SQL("select {} from companies c where id = %s").format(api_keys.EMAIL_IDS)
    rows = await tenant_rows(pool, company_id, statement, [company_id])
    return bool(rows and rows[0][0])


async def ensure_first(database_url: str) -> str | None:
    """Create company 1 and an API key with all scopes if there are no companies yet.

    Safe to run concurrently: one process creates them, the others get None.

    Returns:
        The plaintext of the key; None if a company exists already.
    """
    async with owner_connection(database_url) as connection:
        await connection.execute("lock table companies in share row exclusive mode")
        cursor = await connection.execute("select from companies limit 1")
        if await cursor.fetchone() is not None:
            return None
        # Explicit id: a rolled-back attempt may have consumed 1 from the sequence.
        await connection.execute("insert into companies (id, name) values (%s, 'Example company')", [FIRST_COMPANY])
        await connection.execute(
            "select setval(pg_get_serial_sequence('companies', 'id'), greatest(last_value, %s)) from companies_id_seq",
            [FIRST_COMPANY],
        )
        _, plaintext = await api_keys.create(connection, FIRST_COMPANY, "first key", api_keys.SCOPES)
        return plaintext
