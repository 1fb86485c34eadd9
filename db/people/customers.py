"""Customer profiles: the only place where names and contact details are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from db.connections import Pool, tenant_rows, tenant_transaction
from db.people.audit_log import record

FIELDS = ("name", "email", "phone", "time_zone", "locale", "consent")

_AS_JSON = sql.SQL(
    "jsonb_build_object('customer_id', external_id, 'name', name, 'email', email, 'phone', phone,"
    " 'time_zone', time_zone, 'locale', locale, 'consent', consent, 'created_at', created_at, 'updated_at', updated_at)"
)
_PUT = sql.SQL(
    "insert into customers as old (company_id, external_id, name, email, phone, time_zone, locale, consent)"
    " values (%(company_id)s, %(external_id)s, %(name)s, %(email)s, %(phone)s, %(time_zone)s, %(locale)s, %(consent)s)"
    " on conflict (company_id, external_id) do update set"
    " (name, email, phone, time_zone, locale, consent, updated_at) ="
    " (excluded.name, excluded.email, excluded.phone, excluded.time_zone, excluded.locale, excluded.consent, now())"
    " returning {profile}"
).format(profile=_AS_JSON)
_GET = sql.SQL("select {profile} from customers where company_id = %s and external_id = %s").format(profile=_AS_JSON)


async def put_profile(pool: Pool, company_id: int, external_id: str, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Create or replace a customer's profile.

    Args:
        profile: name, email, phone, time_zone, locale (text or None) and consent ({channel: bool}); absent fields are
            cleared.

    Returns:
        The stored profile, with `customer_id`, `created_at` and `updated_at` (ISO 8601 text).

    Raises:
        ValueError: A field is unknown.
        psycopg.errors.CheckViolation: The external id is not valid.
    """
    if unknown := sorted(profile.keys() - set(FIELDS)):
        raise ValueError(f"unknown field {', '.join(unknown)}; a profile has {', '.join(FIELDS)}")
    row: dict[str, Any] = {field: profile.get(field) for field in FIELDS}
    row["consent"] = Jsonb(profile.get("consent") or {})
    rows = await tenant_rows(pool, company_id, _PUT, {"company_id": company_id, "external_id": external_id, **row})
    stored: dict[str, Any] = rows[0][0]
    return stored


async def get(pool: Pool, company_id: int, external_id: str) -> dict[str, Any] | None:
    """Find a customer's profile, in the shape that `put_profile` returns; None if there is no such customer."""
    rows = await tenant_rows(pool, company_id, _GET, [company_id, external_id])
    return rows[0][0] if rows else None


async def unsubscribe(pool: Pool, company_id: int, external_id: str, channel: str, actor: str) -> bool:
    """Withdraw a customer's consent to a channel and record it in the audit log; False if nothing changed."""
    async with tenant_transaction(pool, company_id) as connection:
        cursor = await connection.execute(
            "update customers set consent = consent || jsonb_build_object(%(channel)s::text, false), updated_at = now()"
            " where company_id = %(company)s and external_id = %(customer)s"
            " and consent -> %(channel)s is distinct from 'false'",
            {"channel": channel, "company": company_id, "customer": external_id},
        )
        if not cursor.rowcount:
            return False
        await record(connection, company_id, actor, "consent.end", f"customer/{external_id}", {"channel": channel})
    return True
