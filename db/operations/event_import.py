"""Queries of `journey import`: events already in the ledger, and the time shift of a log."""

from __future__ import annotations

from db.connections import Pool, tenant_rows


async def existing_events(pool: Pool, company_id: int, event_ids: list[str]) -> set[tuple[str, bytes]]:
    """Return (id, content hash) of those events that are already in the ledger."""
    statement = "select event_id, content_hash from journey_events where company_id = %s and event_id = any(%s)"
    return {(row[0], row[1]) for row in await tenant_rows(pool, company_id, statement, [company_id, event_ids])}


async def import_shift(pool: Pool, company_id: int, fingerprint: str, shift: int) -> int:
    """Return the time shift (µs) of an imported log.

    The first import stores it in the audit log, so that a second import generates the same events.
    """
    rows = await tenant_rows(
        pool,
        company_id,
        "select (details->>'shift')::bigint from audit_log"
        " where company_id = %s and action = 'import' and subject = %s order by id limit 1",
        [company_id, fingerprint],
    )
    if rows:
        stored: int = rows[0][0]
        return stored
    await tenant_rows(
        pool,
        company_id,
        "insert into audit_log (company_id, actor, action, subject, details)"
        " values (%s, 'journey import', 'import', %s, jsonb_build_object('shift', %s::bigint)) returning id",
        [company_id, fingerprint, shift],
    )
    return shift
