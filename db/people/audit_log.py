"""The audit log: who changed what, written in the same transaction as the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb

from db.connections import Connection


async def record(
    connection: Connection, company_id: int, actor: str, action: str, subject: str, details: Mapping[str, Any]
) -> None:
    """Add an entry to the audit log.

    Args:
        actor: Who made the change, like ``key/3``.
        action: What was done, like ``staff.add``.
        subject: What was changed, like ``staff/7``.
        details: More about the change, without personal data.
    """
    await connection.execute(
        "insert into audit_log (company_id, actor, action, subject, details) values (%s, %s, %s, %s, %s)",
        [company_id, actor, action, subject, Jsonb(dict(details))],
    )


async def is_recorded(connection: Connection, company_id: int, action: str, subject: str) -> bool:
    """Whether the log has such an entry."""
    cursor = await connection.execute(
        "select exists (select from audit_log where company_id = %s and action = %s and subject = %s)",
        [company_id, action, subject],
    )
    row = await cursor.fetchone()
    return bool(row and row[0])
