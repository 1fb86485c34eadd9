"""The free-text notes on a customer, stored with the relationship. Decisions about the journey do not use them."""

from __future__ import annotations

from db.connections import Pool, tenant_transaction
from db.people.audit_log import record


class NotesConflict(Exception):
    """The notes were changed by someone else in the meantime; `notes` is the current text."""

    def __init__(self, notes: str | None) -> None:
        super().__init__("the notes were changed in the meantime")
        self.notes = notes


async def put(
    pool: Pool, company_id: int, customer_id: str, notes: str | None, actor: str, *, previous: tuple[str | None] | None
) -> bool:
    """Replace the notes. The audit log records who changed them and when, but not the text.

    Args:
        notes: The new text.
        actor: Who makes the change, for the audit log.
        previous: The text to replace, in a tuple; None to replace any text.

    Returns:
        False if there is no such journey.

    Raises:
        NotesConflict: `previous` is not the current text.
    """
    async with tenant_transaction(pool, company_id) as connection:
        cursor = await connection.execute(
            "select r.id, r.notes from customer_relationships r"
            " join customers c on c.company_id = r.company_id and c.id = r.customer_id"
            " where c.company_id = %s and c.external_id = %s for update of r",
            [company_id, customer_id],
        )
        row = await cursor.fetchone()
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
