"""Withdrawals of consent: a customer's own "no", which outweighs a sync and holds for everyone in the same mailbox."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, LiteralString

from psycopg import sql

from db.connections import Connection
from db.people.audit_log import record
from db.people.phone_numbers import E164_OF_U
from journey.channels import ChannelSpec
from journey.mailboxes import normalized_address

# Postgres cannot compute the normal form of an address. It finds candidates by a part of the address that does not
# depend on how the address is written; `unsubscribed_channels` then compares normal forms.
_KEYS = {
    "email": sql.SQL("lower(split_part(email, '@', 1))"),
    # without an extension
    "phone": sql.SQL("right(regexp_replace(substring(phone from '^[^[:alpha:]#]*'), '[^0-9]', '', 'g'), 6)"),
}

#: Withdrawals that may concern the customer of the relationship ``r``, for the statement that loads actions.
WITHDRAWALS = sql.SQL("""
       (select coalesce(json_agg(json_build_object('channel', w.channel, 'address', w.address,
                                                   'own', w.customer_id = r.customer_id)), '[]')
          from consent_withdrawals w
         where w.company_id = %(company)s and w.lifted_at is null
           and (w.customer_id = r.customer_id
                or w.address_key in ({email}, {phone})))""").format(**_KEYS)
#: The channels from which the customer ``u`` has unsubscribed, as a JSON array.
WITHDRAWN_CHANNELS = sql.SQL(
    "(select coalesce(jsonb_agg(distinct w.channel order by w.channel), '[]') from consent_withdrawals w"
    " where w.company_id = u.company_id and w.customer_id = u.id and w.lifted_at is null)"
)
_LOCK = sql.SQL(
    "select u.id, u.email, coalesce({e164}, u.phone), u.merged_into from customers u"
    " where u.company_id = %(company)s and (u.external_id = %(customer)s or u.id = %(key)s) for no key update"
).format(e164=E164_OF_U)
_INSERT = sql.SQL(
    "insert into consent_withdrawals (company_id, customer_id, channel, address, address_key, source)"
    " select u.company_id, u.id, %(channel)s, %(address)s, {key}, %(source)s from customers u"
    " where u.company_id = %(company)s and u.id = %(id)s on conflict do nothing"
)
_END: LiteralString = (
    "update customers set consent = consent || jsonb_build_object(%(channel)s::text, false), updated_at = now()"
    " where company_id = %(company)s and id = %(id)s and consent -> %(channel)s is distinct from 'false'"
)
_KEEP: LiteralString = (
    "update customers u set consent = u.consent || w.ended from ("
    "    select w.customer_id, jsonb_object_agg(w.channel, false) as ended"
    "      from consent_withdrawals w join customers c on c.company_id = w.company_id and c.id = w.customer_id"
    "     where c.company_id = %(company)s and c.external_id = %(customer)s and w.lifted_at is null"
    "       and c.consent -> w.channel = 'true' group by w.customer_id) w"
    " where u.company_id = %(company)s and u.id = w.customer_id"
)
_LIFT: LiteralString = (
    "update consent_withdrawals w set lifted_at = now(), lifted_by = %(actor)s from customers u"
    " where u.company_id = %(company)s and u.external_id = %(customer)s and w.company_id = u.company_id"
    " and w.customer_id = u.id and w.channel = any(%(channels)s) and w.lifted_at is null returning w.channel"
)


async def withdraw(connection: Connection, company_id: int, external_id: str, channel: ChannelSpec, by: str) -> bool:
    """Store that the customer has unsubscribed from a channel with their current address; False if nothing changed.

    After a merge, also one that has just ended, this is the customer who remains.
    """
    wanted: dict[str, Any] = {"company": company_id, "customer": external_id, "key": None}
    row = await (await connection.execute(_LOCK, wanted)).fetchone()
    while row is not None and row[3] is not None:
        wanted |= {"customer": None, "key": row[3]}
        row = await (await connection.execute(_LOCK, wanted)).fetchone()
    if row is None:
        return False
    customer_id, email, phone, _ = row
    field = channel.address_field
    address = normalized_address({"email": email, "phone": phone}[field]) if field else None
    key = _KEYS[field] if field and address else sql.SQL("''")
    values = {"company": company_id, "id": customer_id, "channel": channel.name, "address": address or "", "source": by}
    inserted = await connection.execute(_INSERT.format(key=key), values)
    ended = await connection.execute(_END, values)
    return bool(inserted.rowcount or ended.rowcount)


async def keep_withdrawn(connection: Connection, company_id: int, external_id: str) -> None:
    """Reset consent to the channels from which the customer has unsubscribed."""
    await connection.execute(_KEEP, {"company": company_id, "customer": external_id})


async def restore(
    connection: Connection, company_id: int, external_id: str, channels: Iterable[str], actor: str
) -> None:
    """Lift the customer's withdrawals for these channels, and record it in the audit log."""
    values = {"company": company_id, "customer": external_id, "channels": list(channels), "actor": actor}
    cursor = await connection.execute(_LIFT, values)
    for channel in sorted({channel for (channel,) in await cursor.fetchall()}):
        details = {"channel": channel, "by": "staff"}
        await record(connection, company_id, actor, "consent.restore", f"customer/{external_id}", details)


def unsubscribed_channels(addresses: Iterable[str | None], withdrawals: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the channels of the withdrawals that are the customer's own, or of one of their addresses.

    Args:
        addresses: The customer's e-mail address, and their phone number as given and in E.164.
        withdrawals: The rows of `WITHDRAWALS`.
    """
    candidates = list(withdrawals)
    if not candidates:
        return frozenset()
    normal = {normalized_address(address) for address in addresses} - {None}
    return frozenset(
        row["channel"]
        for row in candidates
        # Earlier versions stored some addresses in another form.
        if row["own"] or not normal.isdisjoint((row["address"], normalized_address(row["address"])))
    )
