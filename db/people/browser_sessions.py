"""Browser sessions and single-use sign-in links. Only the SHA-256 hashes of their secrets are stored.

A session acts as the API key with which it was opened: it has the key's scopes and ends when the key is revoked.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import sql

from db.connections import Connection, Pool, scoped_rows, tenant_rows, tenant_transaction
from db.people.api_keys import EMAIL_IDS, Credential
from db.people.secret_hash import secret_hash
from db.people.secret_lookup import company_of, find_by_hash
from journey.currency import DEFAULT_CURRENCY


@dataclass(frozen=True, slots=True)
class Session:
    """An open session. It ends at `expires_at` unless it is used before."""

    id: int
    credential: Credential
    key_name: str
    company_name: str
    currency: str
    expires_at: datetime


_SET_COMPANY = company_of("sessions", "secret_hash")
_FIND = sql.SQL(
    "select s.id, s.company_id, s.key_id, k.scopes, {email_ids}, k.name, c.name,"
    " coalesce(c.settings ->> 'currency', {currency}),"
    " least(s.expires_at, s.last_seen_at + %(idle)s)"
    " from sessions s join api_keys k on k.company_id = s.company_id and k.id = s.key_id and k.revoked_at is null"
    " join companies c on c.id = s.company_id"
    " where s.secret_hash = %(hash)s and s.expires_at > now() and s.last_seen_at + %(idle)s > now()"
).format(currency=sql.Literal(DEFAULT_CURRENCY), email_ids=EMAIL_IDS)
_TOUCH = sql.SQL("update sessions set last_seen_at = now() where company_id = %s and id = %s returning id")
_CREATE = sql.SQL(
    "insert into sessions (company_id, key_id, secret_hash, expires_at)"
    " select company_id, id, %(hash)s, now() + %(lifetime)s from api_keys"
    " where company_id = %(company)s and id = %(key)s and revoked_at is null returning id"
)
_DELETE = sql.SQL("delete from sessions where secret_hash = %s returning id")
_REDEEM = sql.SQL(
    "update sign_in_links set used_at = now() where token_hash = %s and used_at is null and expires_at > now()"
    " returning company_id, key_id"
)


async def create(pool: Pool, company_id: int, key_id: int, lifetime: timedelta) -> str | None:
    """Create a session of a key and return its secret, which cannot be retrieved again; None if the key is revoked.

    Also deletes the company's expired sessions.
    """
    secret = secrets.token_urlsafe(32)
    values = {"company": company_id, "key": key_id, "hash": secret_hash(secret), "lifetime": lifetime}
    async with tenant_transaction(pool, company_id) as connection:
        await connection.execute("delete from sessions where company_id = %s and expires_at < now()", [company_id])
        cursor = await connection.execute(_CREATE, values)
    return secret if cursor.rowcount == 1 else None


async def find(pool: Pool, secret: str, idle: timedelta) -> Session | None:
    """Look up a session in one round trip; None if it is unknown or over, or its key is revoked.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    hashed = secret_hash(secret)
    row = await find_by_hash(pool, _SET_COMPANY, hashed, _FIND, {"hash": hashed, "idle": idle})
    if row is None:
        return None
    session_id, company_id, key_id, scopes, email_ids, *profile = row
    credential = Credential(company_id, key_id, frozenset(scopes), from_session=True, email_ids=email_ids)
    return Session(session_id, credential, *profile)


async def touch(pool: Pool, session: Session) -> None:
    """Update the time of last use, which restarts the idle timeout."""
    await tenant_rows(pool, session.credential.company_id, _TOUCH, [session.credential.company_id, session.id])


async def delete(pool: Pool, secret: str) -> None:
    """Delete a session if it exists."""
    hashed = secret_hash(secret)
    await scoped_rows(pool, "app.key_hash", hashed.hex(), _DELETE, [hashed])


async def create_sign_in_link(connection: Connection, key_id: int, lifetime: timedelta) -> str:
    """Create a sign-in link that opens one session of a key within `lifetime`, on the owner's connection.

    Also deletes links that expired more than a day ago.

    Returns:
        The token of the link.

    Raises:
        ValueError: The key does not exist or is revoked.
    """
    token = secrets.token_urlsafe(32)
    await connection.execute("delete from sign_in_links where expires_at < now() - interval '1 day'")
    cursor = await connection.execute(
        "insert into sign_in_links (company_id, key_id, token_hash, expires_at)"
        " select company_id, id, %s, now() + %s from api_keys where id = %s and revoked_at is null",
        [secret_hash(token), lifetime, key_id],
    )
    if cursor.rowcount != 1:
        raise ValueError(f"key {key_id} does not exist or is revoked")
    return token


async def redeem_sign_in_link(pool: Pool, token: str) -> tuple[int, int] | None:
    """Redeem a sign-in link and return its (company id, key id); None if it is unknown, used or expired."""
    hashed = secret_hash(token)
    rows = await scoped_rows(pool, "app.key_hash", hashed.hex(), _REDEEM, [hashed])
    return (rows[0][0], rows[0][1]) if rows else None
