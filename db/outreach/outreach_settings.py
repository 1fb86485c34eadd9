"""A company's outreach settings, stored in `companies.settings`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from db.connections import Connection
from db.people.audit_log import record


async def load(connection: Connection, company_id: int) -> tuple[str, Any] | None:
    """Load the company's name and its outreach settings as stored (None: all defaults); None for an unknown company."""
    cursor = await connection.execute("select name, settings -> 'outreach' from companies where id = %s", [company_id])
    row = await cursor.fetchone()
    return (row[0], row[1]) if row else None


async def put(connection: Connection, company_id: int, settings: Mapping[str, Any], actor: str) -> None:
    """Replace the outreach settings.

    Raises:
        ValueError: The company does not exist.
    """
    cursor = await connection.execute(
        "update companies set settings = settings || jsonb_build_object('outreach', %s::jsonb) where id = %s",
        [Jsonb(dict(settings)), company_id],
    )
    if not cursor.rowcount:
        raise ValueError(f"there is no company {company_id}")
    await record(connection, company_id, actor, "outreach.put", f"company/{company_id}", {"fields": sorted(settings)})
