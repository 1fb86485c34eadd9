"""A company's own words and ways: its templates of messages, and its outreach settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg.errors import ForeignKeyViolation
from psycopg.types.json import Jsonb

from db.connections import Connection
from db.people.audit_log import record

Source = tuple[str, str | None, str]  # subject, HTML, text


async def templates(connection: Connection, company_id: int) -> list[tuple[str, str, str]]:
    """Which templates of its own a company has: (name, locale, changed when as RFC 3339), in order of both."""
    found = await connection.execute(
        "select name, locale, to_json(updated_at) #>> '{}' from message_templates where company_id = %s"
        " order by name, locale",
        [company_id],
    )
    return [(row[0], row[1], row[2]) for row in await found.fetchall()]


async def template(connection: Connection, company_id: int, name: str, locale: str) -> Source | None:
    """The company's own template of exactly this message and locale."""
    found = await connection.execute(
        "select subject, html, text from message_templates where company_id = %s and name = %s and locale = %s",
        [company_id, name, locale],
    )
    row = await found.fetchone()
    return (row[0], row[1], row[2]) if row else None


async def best_template(
    connection: Connection, company_id: int, name: str, locales: list[str]
) -> tuple[str, Source] | None:
    """The company's own template in the first of these locales that it has, with that locale."""
    found = await connection.execute(
        "select locale, subject, html, text from message_templates"
        " where company_id = %(company)s and name = %(name)s and locale = any(%(locales)s)"
        " order by array_position(%(locales)s::text[], locale) limit 1",
        {"company": company_id, "name": name, "locales": locales},
    )
    row = await found.fetchone()
    return (row[0], (row[1], row[2], row[3])) if row else None


async def put_template(
    connection: Connection, company_id: int, name: str, locale: str, source: Source, actor: str
) -> None:
    """Keep a template, instead of the one before. Raises ValueError for a company that does not exist."""
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


async def remove_template(connection: Connection, company_id: int, name: str, locale: str, actor: str) -> bool:
    """Go back to the built-in words; False where the company had none of its own."""
    deleted = await connection.execute(
        "delete from message_templates where company_id = %s and name = %s and locale = %s",
        [company_id, name, locale],
    )
    if not deleted.rowcount:
        return False
    await record(connection, company_id, actor, "template.remove", f"template/{name}/{locale}", {})
    return True


async def company(connection: Connection, company_id: int) -> tuple[str, Any] | None:
    """The company's name, and its outreach settings as saved (None: all defaults). None for no such company."""
    found = await connection.execute("select name, settings -> 'outreach' from companies where id = %s", [company_id])
    row = await found.fetchone()
    return (row[0], row[1]) if row else None


async def put_outreach(connection: Connection, company_id: int, settings: Mapping[str, Any], actor: str) -> None:
    """Replace the outreach settings. Raises ValueError for a company that does not exist."""
    changed = await connection.execute(
        "update companies set settings = settings || jsonb_build_object('outreach', %s::jsonb) where id = %s",
        [Jsonb(dict(settings)), company_id],
    )
    if not changed.rowcount:
        raise ValueError(f"there is no company {company_id}")
    await record(connection, company_id, actor, "outreach.put", f"company/{company_id}", {"fields": sorted(settings)})
