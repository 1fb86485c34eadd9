"""The demo company, marked in its settings; managed on the owner's connection."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.types.json import Jsonb

from db.connections import Connection
from db.people import companies


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """The demo company.

    Attributes:
        company_id: Its id.
        seed: The seed from which its history is generated.
        end: The end of its history, RFC 3339.
        filled: The whole history has been imported.
    """

    company_id: int
    seed: int
    end: str
    filled: bool


async def find(connection: Connection) -> DemoCompany | None:
    """Find the demo company, if there is one."""
    cursor = await connection.execute(
        "select id, settings -> 'demo' from companies where settings ? 'demo' order by id limit 1"
    )
    row = await cursor.fetchone()
    return DemoCompany(row[0], row[1]["seed"], row[1]["end"], row[1]["filled"]) if row else None


async def claim_company(connection: Connection, seed: int, end: str, name: str, currency: str) -> DemoCompany | None:
    """Turn the only company into the demo company if it has no customers yet; None if there is other data."""
    all_companies = await companies.list_all(connection)
    if len(all_companies) != 1:
        return None
    company_id = all_companies[0].id
    # Row-level security applies to the owner too: customers are only visible in the scope of their company.
    await connection.execute("select set_config('app.company_id', %s, true)", [str(company_id)])
    cursor = await connection.execute("select from customers limit 1")
    if await cursor.fetchone() is not None:
        return None
    settings = {"demo": {"seed": seed, "end": end, "filled": False}, "currency": currency}
    await connection.execute(
        "update companies set name = %s, settings = settings || %s where id = %s", [name, Jsonb(settings), company_id]
    )
    return DemoCompany(company_id, seed, end, filled=False)


async def mark_filled(connection: Connection, company_id: int) -> None:
    """Record that the whole history has been imported."""
    await connection.execute(
        "update companies set settings = jsonb_set(settings, '{demo,filled}', 'true') where id = %s", [company_id]
    )
