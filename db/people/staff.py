"""A company's staff. Staff members are deactivated, never deleted: tasks and assignments refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from db.connections import Connection
from db.people.audit_log import record

ROLES = ("sales", "manager")
FIELDS = ("name", "email", "role", "is_active")

_AS_JSON = sql.SQL(
    "json_build_object('id', s.id, 'name', s.name, 'email', s.email, 'role', s.role, 'is_active', s.is_active,"
    " 'customers', (select count(*) from assignments a where a.company_id = s.company_id and a.staff_id = s.id),"
    " 'open_tasks', (select count(*) from tasks t where t.company_id = s.company_id and t.assigned_to = s.id"
    " and t.status = 'open'), 'created_at', s.created_at)"
)


async def list_all(connection: Connection, company_id: int) -> list[dict[str, Any]]:
    """List all staff members, inactive included, by id, each with their customers and open tasks."""
    statement = sql.SQL("select {} from staff s where s.company_id = %s order by s.id").format(_AS_JSON)
    return [row[0] for row in await (await connection.execute(statement, [company_id])).fetchall()]


async def add(
    connection: Connection, company_id: int, *, name: str, role: str, email: str | None, actor: str
) -> dict[str, Any]:
    """Create a staff member.

    Raises:
        ValueError: The company does not exist.
    """
    statement = sql.SQL(
        "with s as (insert into staff (company_id, name, role, email) values (%s, %s, %s, %s) returning *)"
        " select {} from s"
    ).format(_AS_JSON)
    try:
        row = await (await connection.execute(statement, [company_id, name, role, email])).fetchone()
    except ForeignKeyViolation:
        raise ValueError(f"there is no company {company_id}") from None
    assert row is not None
    member: dict[str, Any] = row[0]
    await record(connection, company_id, actor, "staff.add", f"staff/{member['id']}", {"role": role})
    return member


async def update(
    connection: Connection, company_id: int, staff_id: int, changes: Mapping[str, Any], actor: str
) -> dict[str, Any] | None:
    """Update some of FIELDS.

    Returns:
        The staff member; None if the company has no staff member with this id.

    Raises:
        ValueError: A field is unknown.
    """
    if unknown := sorted(changes.keys() - set(FIELDS)):
        raise ValueError(f"unknown field {', '.join(unknown)}; a staff member has {', '.join(FIELDS)}")
    assignments = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in changes]
    statement = sql.SQL(
        "with s as (update staff set {assignments} where company_id = %(company)s and id = %(id)s returning *)"
        " select {staff} from s"
    ).format(assignments=sql.SQL(", ").join(assignments) if assignments else sql.SQL("id = id"), staff=_AS_JSON)
    row = await (await connection.execute(statement, {**changes, "company": company_id, "id": staff_id})).fetchone()
    if row is None:
        return None
    if changes:
        # Only the names of the fields: the audit log outlives personal data.
        await record(connection, company_id, actor, "staff.change", f"staff/{staff_id}", {"fields": sorted(changes)})
    member: dict[str, Any] = row[0]
    return member
