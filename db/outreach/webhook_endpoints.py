"""Webhook endpoints as the company's own people keep them. A secret is read by nobody but the worker that signs."""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from db.connections import Connection
from db.people.audit_log import record

MOST = 10  # endpoints of one company: each is told of every transition
BY_HAND = "switched off by hand"

_SHOWN = sql.SQL(
    "json_build_object('id', e.id, 'url', e.url, 'is_active', e.is_active, 'rotating', e.previous_secret is not null,"
    " 'disabled_at', e.disabled_at, 'disabled_reason', e.disabled_reason, 'created_at', e.created_at)"
)


class Unsuitable(ValueError):
    """What cannot be done to endpoints as they stand; the text says why."""


async def listed(connection: Connection, company_id: int) -> list[dict[str, Any]]:
    """Every endpoint, oldest first, without its secrets."""
    statement = sql.SQL("select {} from webhook_endpoints e where company_id = %s order by id").format(_SHOWN)
    return [row[0] for row in await (await connection.execute(statement, [company_id])).fetchall()]


async def add(connection: Connection, company_id: int, url: str, secret: str, actor: str) -> dict[str, Any]:
    """A new endpoint, on. Raises Unsuitable for a URL that is there already or one too many, ValueError for no
    company."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"endpoints/{company_id}"])
    urls = [endpoint["url"] for endpoint in await listed(connection, company_id)]
    if url in urls:
        raise Unsuitable("another endpoint has this URL")
    if len(urls) >= MOST:
        raise Unsuitable(f"a company has at most {MOST} endpoints")
    statement = sql.SQL(
        "with e as (insert into webhook_endpoints (company_id, url, secret) values (%s, %s, %s) returning *)"
        " select {} from e"
    ).format(_SHOWN)
    try:
        row = await (await connection.execute(statement, [company_id, url, secret])).fetchone()
    except ForeignKeyViolation:
        raise ValueError(f"there is no company {company_id}") from None
    assert row is not None
    endpoint: dict[str, Any] = row[0]
    await record(connection, company_id, actor, "webhook.add", f"webhook/{endpoint['id']}", {})
    return endpoint


async def switch(
    connection: Connection, company_id: int, endpoint_id: int, *, on: bool, actor: str
) -> dict[str, Any] | None:
    """Switch an endpoint on or off; the endpoint afterwards, or None where there is none."""
    sets = sql.SQL(
        "is_active = %(on)s, disabled_at = case when %(on)s then null else coalesce(disabled_at, now()) end,"
        " disabled_reason = case when %(on)s then null else coalesce(disabled_reason, %(by_hand)s) end"
    )
    changed = await _change(connection, company_id, endpoint_id, sets, {"on": on, "by_hand": BY_HAND})
    if changed:
        verb = "webhook.enable" if on else "webhook.disable"
        await record(connection, company_id, actor, verb, f"webhook/{endpoint_id}", {})
    return changed


async def rotate(
    connection: Connection, company_id: int, endpoint_id: int, secret: str, actor: str
) -> dict[str, Any] | None:
    """Give an endpoint a new secret beside the old one, which signs too until `finish_rotation`.

    None where there is no such endpoint. Raises Unsuitable while a rotation is under way: a third secret would make
    one of the two that are in use worthless.
    """
    sets = sql.SQL("previous_secret = secret, secret = %(secret)s")
    only = sql.SQL("previous_secret is null")
    changed = await _change(connection, company_id, endpoint_id, sets, {"secret": secret}, only)
    if changed:
        await record(connection, company_id, actor, "webhook.rotate", f"webhook/{endpoint_id}", {})
    elif await find(connection, company_id, endpoint_id):
        raise Unsuitable("a rotation is under way: finish it first")
    return changed


async def finish_rotation(
    connection: Connection, company_id: int, endpoint_id: int, actor: str
) -> dict[str, Any] | None:
    """Forget the old secret. To do it twice is no error; None where there is no such endpoint."""
    changed = await _change(connection, company_id, endpoint_id, sql.SQL("previous_secret = null"), {})
    if changed:
        await record(connection, company_id, actor, "webhook.finish_rotation", f"webhook/{endpoint_id}", {})
    return changed


async def remove(connection: Connection, company_id: int, endpoint_id: int, actor: str) -> bool:
    """Forget an endpoint and its secrets; False where there is none."""
    deleted = await connection.execute(
        "delete from webhook_endpoints where company_id = %s and id = %s", [company_id, endpoint_id]
    )
    if not deleted.rowcount:
        return False
    await record(connection, company_id, actor, "webhook.remove", f"webhook/{endpoint_id}", {})
    return True


async def find(connection: Connection, company_id: int, endpoint_id: int) -> dict[str, Any] | None:
    """One endpoint without its secrets."""
    statement = sql.SQL("select {} from webhook_endpoints e where company_id = %s and id = %s").format(_SHOWN)
    row = await (await connection.execute(statement, [company_id, endpoint_id])).fetchone()
    return row[0] if row else None


async def _change(
    connection: Connection,
    company_id: int,
    endpoint_id: int,
    sets: sql.SQL,
    params: dict[str, Any],
    only: sql.SQL | None = None,
) -> dict[str, Any] | None:
    statement = sql.SQL(
        "with e as (update webhook_endpoints set {sets} where company_id = %(company)s and id = %(id)s and {only}"
        " returning *) select {shown} from e"
    ).format(sets=sets, only=only or sql.SQL("true"), shown=_SHOWN)
    row = await (await connection.execute(statement, {**params, "company": company_id, "id": endpoint_id})).fetchone()
    return row[0] if row else None
