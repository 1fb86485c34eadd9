"""What people write down about a customer: one text, with the relationship. No part of what a journey decides by."""

from __future__ import annotations

from db.connections import Pool, tenant_transaction
from db.people.audit_log import record


class NotesConflict(Exception):
    """Somebody else wrote meanwhile; `notes` is what stands there now."""

    def __init__(self, notes: str | None) -> None:
        super().__init__("the notes were changed meanwhile")
        self.notes = notes


async def put(
    pool: Pool, company_id: int, customer_id: str, notes: str | None, actor: str, *, previous: tuple[str | None] | None
) -> bool:
    """Replace the notes; False where there is no such journey. With `previous`, only where these are still the notes.

    The audit log says who and when, not what. Raises Changed.
    """
    async with tenant_transaction(pool, company_id) as connection:
        found = await connection.execute(
            "select r.id, r.notes from customer_relationships r"
            " join customers c on c.company_id = r.company_id and c.id = r.customer_id"
            " where c.company_id = %s and c.external_id = %s for update of r",
            [company_id, customer_id],
        )
        row = await found.fetchone()
        if row is None:
            return False
        if previous is not None and (previous[0] or None) != row[1]:
            raise NotesConflict(row[1])
        if (notes or None) != row[1]:
            await connection.execute(
                "update customer_relationships set notes = %s where id = %s", [notes or None, row[0]]
            )
            details = {"characters": len(notes or "")}
            await record(connection, company_id, actor, "notes.put", f"customer/{customer_id}", details)
    return True
