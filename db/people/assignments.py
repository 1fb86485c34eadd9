"""Assignments: which staff member looks after a customer in each role."""

from __future__ import annotations

from datetime import datetime

from db.connections import Connection, Pool, tenant_rows


async def find_assignee(connection: Connection, company_id: int, relationship_id: int, role: str) -> int | None:
    """Return the active staff member assigned in a role, else the least loaded one with the role, else None."""
    cursor = await connection.execute(
        "select a.staff_id from assignments a join staff s on s.id = a.staff_id"
        " where a.relationship_id = %s and a.role = %s and s.is_active",
        [relationship_id, role],
    )
    row = await cursor.fetchone()
    return row[0] if row else await _least_loaded(connection, company_id, role)


async def _least_loaded(connection: Connection, company_id: int, role: str) -> int | None:
    """Choose by number of customers, then open tasks, then id.

    The lock keeps two concurrent transactions from choosing the same person.
    """
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"staff/{company_id}/{role}"])
    cursor = await connection.execute(
        """
        select s.id from staff s
         where s.company_id = %s and s.role = %s and s.is_active
         order by (select count(*) from assignments a where a.company_id = s.company_id and a.staff_id = s.id),
                  (select count(*) from tasks t where t.company_id = s.company_id and t.assigned_to = s.id
                                                  and t.status = 'open'), s.id
         limit 1
        """,
        [company_id, role],
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def assign(
    connection: Connection, company_id: int, relationship_id: int, role: str, staff_id: int, since: datetime
) -> None:
    """Assign a staff member to a customer in a role, replacing the current assignment."""
    await connection.execute(
        "insert into assignments (company_id, relationship_id, role, staff_id, since)"
        " values (%s, %s, %s, %s, %s) on conflict (relationship_id, role)"
        " do update set staff_id = excluded.staff_id, since = excluded.since",
        [company_id, relationship_id, role, staff_id, since],
    )


async def find_contact(pool: Pool, company_id: int, relationship_id: int, role: str) -> tuple[str, str] | None:
    """Return name and e-mail address of the person assigned to a customer in a role, else of the first in the role.

    Only active people with an e-mail address count.
    """
    rows = await tenant_rows(
        pool,
        company_id,
        """
        select s.name, s.email from staff s
          left join assignments a on a.staff_id = s.id and a.relationship_id = %s and a.role = s.role
         where s.company_id = %s and s.role = %s and s.is_active and s.email is not null
         order by a.id is null, s.id limit 1
        """,
        [relationship_id, company_id, role],
    )
    return (rows[0][0], rows[0][1]) if rows else None


async def find_assigned_name(pool: Pool, company_id: int, relationship_id: int, role: str) -> str | None:
    """Return the name of the active person assigned to a customer in a role."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select s.name from assignments a join staff s on s.id = a.staff_id"
        " where a.company_id = %s and a.relationship_id = %s and a.role = %s and s.is_active",
        [company_id, relationship_id, role],
    )
    return rows[0][0] if rows else None
