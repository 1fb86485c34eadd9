"""Customer profiles: the only place where names and contact details are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb

from db.connections import Pool, tenant_rows, tenant_transaction
from db.journeys.projection import NEXT_APPOINTMENT
from db.outreach.contacts import CONTACT_UNWANTED_SINCE
from db.people.aliases import CUSTOMER_KEY
from db.people.audit_log import record
from db.people.consent_withdrawals import WITHDRAWN_CHANNELS, keep_withdrawn, restore, withdraw
from db.people.phone_numbers import E164_OF_U, read_number
from journey.channels import ChannelSpec

FIELDS = ("name", "email", "phone", "time_zone", "locale", "consent")

_AS_JSON = sql.SQL(
    "jsonb_build_object('customer_id', external_id, 'name', name, 'email', email, 'phone', phone,"
    " 'phone_e164', {e164}, 'time_zone', time_zone, 'locale', locale, 'consent', consent,"
    " 'consent_withdrawn', {withdrawn}, 'next_appointment_at', (select {next_appointment} from customer_relationships r"
    " where r.company_id = u.company_id and r.customer_id = u.id), 'do_not_contact_since', (select {unwanted_since}"
    " from (select u.company_id, u.id as customer_id) r), 'created_at', created_at, 'updated_at', updated_at)"
    " || (select jsonb_build_object('usual_interval', r.usual_interval, 'expected_at', r.expected_at) from (select) one"
    " left join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id)"
).format(
    withdrawn=WITHDRAWN_CHANNELS,
    e164=E164_OF_U,
    next_appointment=sql.SQL(NEXT_APPOINTMENT),
    unwanted_since=CONTACT_UNWANTED_SINCE,
)
_PUT = sql.SQL(
    "insert into customers as old (company_id, external_id, name, email, phone, phone_e164, phone_e164_of, time_zone,"
    " locale, consent) values (%(company_id)s, %(external_id)s, %(name)s, %(email)s, %(phone)s, %(phone_e164)s,"
    " %(phone)s, %(time_zone)s, %(locale)s, %(consent)s)"
    " on conflict (company_id, external_id) do update set"
    " (name, email, phone, phone_e164, phone_e164_of, time_zone, locale, consent, updated_at) ="
    " (excluded.name, excluded.email, excluded.phone, excluded.phone_e164, excluded.phone_e164_of,"
    " excluded.time_zone, excluded.locale, excluded.consent, now()) where old.merged_into is null"
)
_GET = sql.SQL("select {profile} from customers u where u.company_id = %(company)s and u.id = {key}").format(
    profile=_AS_JSON, key=sql.SQL(CUSTOMER_KEY)
)


async def put_profile(
    pool: Pool, company_id: int, external_id: str, profile: Mapping[str, Any], *, restored_by: str | None = None
) -> dict[str, Any]:
    """Create or replace a customer's profile.

    Consent to a channel from which the customer has unsubscribed stays false, unless a person of the staff restores it.

    Args:
        profile: name, email, phone, time_zone, locale (text or None) and consent ({channel: bool}); absent fields are
            cleared.
        restored_by: The person of the staff, for the audit log; None for a sync.

    Returns:
        The stored profile, with `customer_id`, `phone_e164`, `consent_withdrawn`, `created_at` and `updated_at`
        (ISO 8601 text).

    Raises:
        ValueError: A field is unknown.
        psycopg.errors.CheckViolation: The external id is not valid.
    """
    if unknown := sorted(profile.keys() - set(FIELDS)):
        raise ValueError(f"unknown field {', '.join(unknown)}; a profile has {', '.join(FIELDS)}")
    row: dict[str, Any] = {field: profile.get(field) for field in FIELDS}
    consent: Mapping[str, bool] = profile.get("consent") or {}
    row |= {"consent": Jsonb(consent), "company_id": company_id, "external_id": external_id}
    async with tenant_transaction(pool, company_id) as connection, connection.pipeline():
        row["phone_e164"] = await read_number(connection, company_id, row["phone"])
        # The first statement locks the customer, so that the others see every earlier withdrawal.
        await connection.execute(_PUT, row)
        if restored_by is not None:
            allowed = [channel for channel, granted in consent.items() if granted]
            await restore(connection, company_id, external_id, allowed, restored_by)
        await keep_withdrawn(connection, company_id, external_id)
        cursor = await connection.execute(_GET, {"company": company_id, "customer": external_id})
        found = await cursor.fetchone()
    assert found is not None
    stored: dict[str, Any] = found[0]
    if stored["customer_id"] != external_id:  # merged meanwhile: nothing was written
        return await put_profile(pool, company_id, stored["customer_id"], profile, restored_by=restored_by)
    return stored


async def get(pool: Pool, company_id: int, external_id: str) -> dict[str, Any] | None:
    """Find a customer's profile, in the shape that `put_profile` returns; None if there is no such customer."""
    rows = await tenant_rows(pool, company_id, _GET, {"company": company_id, "customer": external_id})
    return rows[0][0] if rows else None


async def unsubscribe(pool: Pool, company_id: int, external_id: str, channel: ChannelSpec, actor: str) -> bool:
    """Withdraw a customer's consent to a channel and record it in the audit log; False if nothing changed."""
    async with tenant_transaction(pool, company_id) as connection:
        if not await withdraw(connection, company_id, external_id, channel, actor):
            return False
        details = {"channel": channel.name}
        await record(connection, company_id, actor, "consent.end", f"customer/{external_id}", details)
    return True
