"""Manage a company's webhook endpoints. Only the worker, which signs requests, reads their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql
from psycopg.errors import ForeignKeyViolation

from db.connections import Connection, Pool, tenant_rows
from db.people.audit_log import record

MAX_ENDPOINTS = 10  # per company: every transition is sent to each of them
DISABLED_MANUALLY = "disabled manually"

_AS_JSON = sql.SQL(
    "json_build_object('id', e.id, 'url', e.url, 'is_active', e.is_active, 'rotating', e.previous_secret is not null,"
    " 'disabled_at', e.disabled_at, 'disabled_reason', e.disabled_reason, 'created_at', e.created_at)"
)


class EndpointConflict(ValueError):
    """The change conflicts with the endpoint's current state; the message says why."""


async def list_all(connection: Connection, company_id: int) -> list[dict[str, Any]]:
    """List all endpoints, oldest first, without their secrets."""
    statement = sql.SQL("select {} from webhook_endpoints e where company_id = %s order by id").format(_AS_JSON)
    return [row[0] for row in await (await connection.execute(statement, [company_id])).fetchall()]


async def add(connection: Connection, company_id: int, url: str, secret: str, actor: str) -> dict[str, Any]:
    """Create an active endpoint.

    Raises:
        EndpointConflict: Another endpoint has this URL, or the company has MAX_ENDPOINTS already.
        ValueError: The company does not exist.
    """
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"endpoints/{company_id}"])
    urls = [endpoint["url"] for endpoint in await list_all(connection, company_id)]
    if url in urls:
        raise EndpointConflict("another endpoint has this URL")
    if len(urls) >= MAX_ENDPOINTS:
        raise EndpointConflict(f"a company has at most {MAX_ENDPOINTS} endpoints")
    statement = sql.SQL(
        "with e as (insert into webhook_endpoints (company_id, url, secret) values (%s, %s, %s) returning *)"
        " select {} from e"
    ).format(_AS_JSON)
    try:
        row = await (await connection.execute(statement, [company_id, url, secret])).fetchone()
    except ForeignKeyViolation:
        raise ValueError(f"there is no company {company_id}") from None
    assert row is not None
    endpoint: dict[str, Any] = row[0]
    await record(connection, company_id, actor, "webhook.add", f"webhook/{endpoint['id']}", {})
    return endpoint


async def set_active(
    connection: Connection, company_id: int, endpoint_id: int, *, active: bool, actor: str
) -> dict[str, Any] | None:
    """Enable or disable an endpoint; returns the endpoint, or None if there is no such endpoint."""
    assignments = sql.SQL(
        "is_active = %(active)s, disabled_at = case when %(active)s then null else coalesce(disabled_at, now()) end,"
        " disabled_reason = case when %(active)s then null else coalesce(disabled_reason, %(reason)s) end"
    )
    params = {"active": active, "reason": DISABLED_MANUALLY}
    endpoint = await _update(connection, company_id, endpoint_id, assignments, params)
    if endpoint:
        verb = "webhook.enable" if active else "webhook.disable"
        await record(connection, company_id, actor, verb, f"webhook/{endpoint_id}", {})
    return endpoint


async def rotate_secret(
    connection: Connection, company_id: int, endpoint_id: int, secret: str, actor: str
) -> dict[str, Any] | None:
    """Give an endpoint a new secret; the old one also signs until `finish_rotation`.

    Returns:
        The endpoint; None if there is no such endpoint.

    Raises:
        EndpointConflict: A rotation is in progress. A third secret would invalidate one of the two in use.
    """
    assignments = sql.SQL("previous_secret = secret, secret = %(secret)s")
    condition = sql.SQL("previous_secret is null")
    endpoint = await _update(connection, company_id, endpoint_id, assignments, {"secret": secret}, condition)
    if endpoint:
        await record(connection, company_id, actor, "webhook.rotate", f"webhook/{endpoint_id}", {})
    elif await find(connection, company_id, endpoint_id):
        raise EndpointConflict("a rotation is in progress: finish it first")
    return endpoint


async def finish_rotation(
    connection: Connection, company_id: int, endpoint_id: int, actor: str
) -> dict[str, Any] | None:
    """Delete the old secret. Idempotent; returns None if there is no such endpoint."""
    endpoint = await _update(connection, company_id, endpoint_id, sql.SQL("previous_secret = null"), {})
    if endpoint:
        await record(connection, company_id, actor, "webhook.finish_rotation", f"webhook/{endpoint_id}", {})
    return endpoint


async def delete(connection: Connection, company_id: int, endpoint_id: int, actor: str) -> bool:
    """Delete an endpoint and its secrets; False if there is no such endpoint."""
    cursor = await connection.execute(
        "delete from webhook_endpoints where company_id = %s and id = %s", [company_id, endpoint_id]
    )
    if not cursor.rowcount:
        return False
    await record(connection, company_id, actor, "webhook.remove", f"webhook/{endpoint_id}", {})
    return True


async def find(connection: Connection, company_id: int, endpoint_id: int) -> dict[str, Any] | None:
    """Find an endpoint, without its secrets."""
    statement = sql.SQL("select {} from webhook_endpoints e where company_id = %s and id = %s").format(_AS_JSON)
    row = await (await connection.execute(statement, [company_id, endpoint_id])).fetchone()
    return row[0] if row else None


async def _update(
    connection: Connection,
    company_id: int,
    endpoint_id: int,
    assignments: sql.SQL,
    params: dict[str, Any],
    condition: sql.SQL | None = None,
) -> dict[str, Any] | None:
    statement = sql.SQL(
        "with e as (update webhook_endpoints set {assignments}"
        " where company_id = %(company)s and id = %(id)s and {condition} returning *) select {endpoint} from e"
    ).format(assignments=assignments, condition=condition or sql.SQL("true"), endpoint=_AS_JSON)
    row = await (await connection.execute(statement, {**params, "company": company_id, "id": endpoint_id})).fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class SigningEndpoint:
    """An endpoint with its secrets; it has two while they are being rotated."""

    id: int
    url: str
    secret: str
    previous_secret: str | None


async def active_endpoints(pool: Pool, company_id: int) -> list[SigningEndpoint]:
    """Return the active endpoints with their secrets, oldest first."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select id, url, secret, previous_secret from webhook_endpoints"
        " where company_id = %s and is_active order by id",
        [company_id],
    )
    return [SigningEndpoint(*row) for row in rows]


async def disable(pool: Pool, company_id: int, endpoint_id: int, at: datetime, reason: str) -> None:
    """Disable an endpoint and store the reason."""
    await tenant_rows(
        pool,
        company_id,
        "update webhook_endpoints set is_active = false, disabled_at = %s, disabled_reason = %s"
        " where company_id = %s and id = %s and is_active returning id",
        [at, reason, company_id, endpoint_id],
    )
