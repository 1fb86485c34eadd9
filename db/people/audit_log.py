"""The audit log: who did what to whom, written in the transaction that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from db.connections import Connection


async def record(
    connection: Connection, company_id: int, actor: str, action: str, subject: str, details: Mapping[str, Any]
) -> None:
    """Add an entry. ``actor`` like ``key/3``, ``subject`` like ``staff/7``; nothing personal in ``details``."""
    await connection.execute(
        "insert into audit_log (company_id, actor, action, subject, details) values (%s, %s, %s, %s, %s)",
        [company_id, actor, action, subject, Jsonb(dict(details))],
    )


async def is_recorded(connection: Connection, company_id: int, action: str, subject: str) -> bool:
    """Whether there is such an entry already."""
    found = await connection.execute(
        "select exists (select from audit_log where company_id = %s and action = %s and subject = %s)",
        [company_id, action, subject],
    )
    row = await found.fetchone()
    return bool(row and row[0])
