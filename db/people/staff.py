"""Who works for a company. Nobody is deleted: tasks and assignments name them, so that a person who leaves is off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from db.connections import Connection
from db.people.audit_log import record

ROLES = ("sales", "manager")
FIELDS = ("name", "email", "role", "is_active")

_SHOWN = sql.SQL(
    "json_build_object('id', s.id, 'name', s.name, 'email', s.email, 'role', s.role, 'is_active', s.is_active,"
    " 'customers', (select count(*) from assignments a where a.company_id = s.company_id and a.staff_id = s.id),"
    " 'open_tasks', (select count(*) from tasks t where t.company_id = s.company_id and t.assigned_to = s.id"
    " and t.status = 'open'), 'created_at', s.created_at)"
)


async def listed(connection: Connection, company_id: int) -> list[dict[str, Any]]:
    """Everybody, those who are off too, in the order in which they came, with how much they have to do."""
    statement = sql.SQL("select {} from staff s where s.company_id = %s order by s.id").format(_SHOWN)
    return [row[0] for row in await (await connection.execute(statement, [company_id])).fetchall()]


async def add(
    connection: Connection, company_id: int, *, name: str, role: str, email: str | None, actor: str
) -> dict[str, Any]:
    """A new person. Raises ValueError for a company that does not exist."""
    statement = sql.SQL(
        "with s as (insert into staff (company_id, name, role, email) values (%s, %s, %s, %s) returning *)"
        " select {} from s"
    ).format(_SHOWN)
    try:
        row = await (await connection.execute(statement, [company_id, name, role, email])).fetchone()
    except ForeignKeyViolation:
        raise ValueError(f"there is no company {company_id}") from None
    assert row is not None
    person: dict[str, Any] = row[0]
    await record(connection, company_id, actor, "staff.add", f"staff/{person['id']}", {"role": role})
    return person


async def change(
    connection: Connection, company_id: int, staff_id: int, changes: Mapping[str, Any], actor: str
) -> dict[str, Any] | None:
    """Change some of FIELDS; the person afterwards, or None where the company has nobody of that number."""
    if unknown := sorted(changes.keys() - set(FIELDS)):
        raise ValueError(f"unknown field {', '.join(unknown)}; a person has {', '.join(FIELDS)}")
    sets = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in changes]
    statement = sql.SQL(
        "with s as (update staff set {sets} where company_id = %(company)s and id = %(id)s returning *)"
        " select {shown} from s"
    ).format(sets=sql.SQL(", ").join(sets) if sets else sql.SQL("id = id"), shown=_SHOWN)
    row = await (await connection.execute(statement, {**changes, "company": company_id, "id": staff_id})).fetchone()
    if row is None:
        return None
    if changes:
        # which fields, and never what stands in them: the log outlives the person's data
        await record(connection, company_id, actor, "staff.change", f"staff/{staff_id}", {"fields": sorted(changes)})
    person: dict[str, Any] = row[0]
    return person
