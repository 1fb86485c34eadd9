"""A company's own message templates."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.errors import ForeignKeyViolation

from db.connections import Connection, Pool, tenant_rows
from db.people.audit_log import record

TemplateSource = tuple[str, str | None, str]  # subject, HTML, text


async def list_templates(connection: Connection, company_id: int) -> list[tuple[str, str, str]]:
    """List the company's own templates as (name, locale, RFC 3339 time of the last change), by name and locale."""
    cursor = await connection.execute(
        "select name, locale, to_json(updated_at) #>> '{}' from message_templates where company_id = %s"
        " order by name, locale",
        [company_id],
    )
    return [(row[0], row[1], row[2]) for row in await cursor.fetchall()]


async def find_template(connection: Connection, company_id: int, name: str, locale: str) -> TemplateSource | None:
    """Find the company's own template for exactly this message and locale."""
    cursor = await connection.execute(
        "select subject, html, text from message_templates where company_id = %s and name = %s and locale = %s",
        [company_id, name, locale],
    )
    row = await cursor.fetchone()
    return (row[0], row[1], row[2]) if row else None


async def find_best_template(
    pool: Pool, company_id: int, name: str, locales: Sequence[str]
) -> tuple[str, TemplateSource] | None:
    """Find the company's own template in the first of these locales that has one; returns that locale with it."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select locale, subject, html, text from message_templates"
        " where company_id = %(company)s and name = %(name)s and locale = any(%(locales)s)"
        " order by array_position(%(locales)s::text[], locale) limit 1",
        {"company": company_id, "name": name, "locales": list(locales)},
    )
    return (rows[0][0], rows[0][1:]) if rows else None


async def put_template(
    connection: Connection, company_id: int, name: str, locale: str, source: TemplateSource, actor: str
) -> None:
    """Create or replace a template.

    Raises:
        ValueError: The company does not exist.
    """
    try:
        await connection.execute(
            "insert into message_templates (company_id, name, locale, subject, html, text)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (company_id, name, locale) do update set"
            " (subject, html, text, updated_at) = (excluded.subject, excluded.html, excluded.text, now())",
            [company_id, name, locale, *source],
        )
    except ForeignKeyViolation:
        raise ValueError(f"there is no company {company_id}") from None
    await record(connection, company_id, actor, "template.put", f"template/{name}/{locale}", {})


async def delete_template(connection: Connection, company_id: int, name: str, locale: str, actor: str) -> bool:
    """Delete a template, so that the built-in one applies; False if the company had no template of its own."""
    cursor = await connection.execute(
        "delete from message_templates where company_id = %s and name = %s and locale = %s",
        [company_id, name, locale],
    )
    if not cursor.rowcount:
        return False
    await record(connection, company_id, actor, "template.remove", f"template/{name}/{locale}", {})
    return True
