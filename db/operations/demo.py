"""Which company is the invented one, on the owner's connection: its settings say so, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.types.json import Jsonb

from db.connections import Connection
from db.people import companies


@dataclass(frozen=True, slots=True)
class DemoCompany:
    """The invented company: made from `seed`, its history ends at `end` (RFC 3339); `filled`: all of it is there."""

    company_id: int
    seed: int
    end: str
    filled: bool


async def find(connection: Connection) -> DemoCompany | None:
    """The invented company, where there is one."""
    cursor = await connection.execute(
        "select id, settings -> 'demo' from companies where settings ? 'demo' order by id limit 1"
    )
    row = await cursor.fetchone()
    return DemoCompany(row[0], row[1]["seed"], row[1]["end"], row[1]["filled"]) if row else None


async def claim_company(connection: Connection, seed: int, end: str, name: str, currency: str) -> DemoCompany | None:
    """Make the only company, which knows no customer yet, the invented one. None where there is more than that."""
    every = await companies.list_all(connection)
    if len(every) != 1:
        return None
    company_id = every[0].id
    # Row-level security binds the owner, too: customers are seen in the scope of their company alone.
    await connection.execute("select set_config('app.company_id', %s, true)", [str(company_id)])
    known = await connection.execute("select from customers limit 1")
    if await known.fetchone() is not None:
        return None
    mark = {"demo": {"seed": seed, "end": end, "filled": False}, "currency": currency}
    await connection.execute(
        "update companies set name = %s, settings = settings || %s where id = %s", [name, Jsonb(mark), company_id]
    )
    return DemoCompany(company_id, seed, end, filled=False)


async def mark_filled(connection: Connection, company_id: int) -> None:
    """All of its history is there."""
    await connection.execute(
        "update companies set settings = jsonb_set(settings, '{demo,filled}', 'true') where id = %s", [company_id]
    )
