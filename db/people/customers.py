"""Customers' profiles: the one place where names and contact details stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from db.connections import Pool, tenant_rows, tenant_transaction
from db.people.audit_log import record

FIELDS = ("name", "email", "phone", "time_zone", "locale", "consent")

_SHOWN = sql.SQL(
    "jsonb_build_object('customer_id', external_id, 'name', name, 'email', email, 'phone', phone,"
    " 'time_zone', time_zone, 'locale', locale, 'consent', consent, 'created_at', created_at, 'updated_at', updated_at)"
)
_PUT = sql.SQL(
    "insert into customers as old (company_id, external_id, name, email, phone, time_zone, locale, consent)"
    " values (%(company_id)s, %(external_id)s, %(name)s, %(email)s, %(phone)s, %(time_zone)s, %(locale)s, %(consent)s)"
    " on conflict (company_id, external_id) do update set"
    " (name, email, phone, time_zone, locale, consent, updated_at) ="
    " (excluded.name, excluded.email, excluded.phone, excluded.time_zone, excluded.locale, excluded.consent, now())"
    " returning {shown}"
).format(shown=_SHOWN)
_GET = sql.SQL("select {shown} from customers where company_id = %s and external_id = %s").format(shown=_SHOWN)


async def put_profile(pool: Pool, company_id: int, external_id: str, profile: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a customer's profile, making the customer when new; the profile as stored.

    `profile`: name, email, phone, time_zone, locale (text or None) and consent ({channel: bool}); what is absent is
    emptied. Stored: those, `customer_id`, `created_at` and `updated_at` (ISO 8601 text). Raises ValueError for an
    unknown field, psycopg.errors.CheckViolation for an id that is no customer's id.
    """
    if unknown := sorted(profile.keys() - set(FIELDS)):
        raise ValueError(f"unknown field {', '.join(unknown)}; a profile has {', '.join(FIELDS)}")
    row: dict[str, Any] = {field: profile.get(field) for field in FIELDS}
    row["consent"] = Jsonb(profile.get("consent") or {})
    rows = await tenant_rows(pool, company_id, _PUT, {"company_id": company_id, "external_id": external_id, **row})
    stored: dict[str, Any] = rows[0][0]
    return stored


async def get(pool: Pool, company_id: int, external_id: str) -> dict[str, Any] | None:
    """A customer's profile in the shape of `put_profile`; None when the company has no such customer."""
    rows = await tenant_rows(pool, company_id, _GET, [company_id, external_id])
    return rows[0][0] if rows else None


async def unsubscribe(pool: Pool, company_id: int, external_id: str, channel: str, actor: str) -> bool:
    """End a customer's consent to a channel, which is put on record. False where there was none to end."""
    async with tenant_transaction(pool, company_id) as connection:
        changed = await connection.execute(
            "update customers set consent = consent || jsonb_build_object(%(channel)s::text, false), updated_at = now()"
            " where company_id = %(company)s and external_id = %(customer)s"
            " and consent -> %(channel)s is distinct from 'false'",
            {"channel": channel, "company": company_id, "customer": external_id},
        )
        if not changed.rowcount:
            return False
        await record(connection, company_id, actor, "consent.end", f"customer/{external_id}", {"channel": channel})
    return True
