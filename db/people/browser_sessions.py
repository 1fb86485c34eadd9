"""Sessions of signed-in browsers, and the links that open one once. Only SHA-256 hashes of their secrets are kept.

A session acts as the key that it was opened with: it has the key's scopes and ends with it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from psycopg import sql

from db.connections import Connection, Pool, pooled_connection, scoped_rows, tenant_rows, tenant_transaction
from db.people.api_keys import Credential
from journey.currency import DEFAULT_CURRENCY


@dataclass(frozen=True, slots=True)
class Session:
    """An open session: what it may do, whose it is, and when it ends unless it is used (`expires_at`)."""

    id: int
    credential: Credential
    key_name: str
    company_name: str
    currency: str
    expires_at: datetime


_HASH = "select set_config('app.key_hash', %s, true)"
# The session says whose it is; from then on the company's own rows can be seen.
_COMPANY = sql.SQL(
    "select set_config('app.company_id',"
    " coalesce((select company_id::text from sessions where secret_hash = %s), ''), true)"
)
_FIND = sql.SQL(
    "select s.id, s.company_id, s.key_id, k.scopes, k.name, c.name, coalesce(c.settings ->> 'currency', {currency}),"
    " least(s.expires_at, s.last_seen_at + %(idle)s)"
    " from sessions s join api_keys k on k.company_id = s.company_id and k.id = s.key_id and k.revoked_at is null"
    " join companies c on c.id = s.company_id"
    " where s.secret_hash = %(hash)s and s.expires_at > now() and s.last_seen_at + %(idle)s > now()"
).format(currency=sql.Literal(DEFAULT_CURRENCY))
_TOUCH = sql.SQL("update sessions set last_seen_at = now() where company_id = %s and id = %s returning id")
_OPEN = sql.SQL(
    "insert into sessions (company_id, key_id, secret_hash, expires_at)"
    " select company_id, id, %(hash)s, now() + %(lifetime)s from api_keys"
    " where company_id = %(company)s and id = %(key)s and revoked_at is null returning id"
)
_CLOSE = sql.SQL("delete from sessions where secret_hash = %s returning id")
_REDEEM = sql.SQL(
    "update sign_in_links set used_at = now() where token_hash = %s and used_at is null and expires_at > now()"
    " returning company_id, key_id"
)


async def start(pool: Pool, company_id: int, key_id: int, lifetime: timedelta) -> str | None:
    """A new session of a key: its secret, which nobody can learn again. None where the key was revoked.

    The company's sessions that are over go with it.
    """
    secret = secrets.token_urlsafe(32)
    values = {"company": company_id, "key": key_id, "hash": _hash(secret), "lifetime": lifetime}
    async with tenant_transaction(pool, company_id) as connection:
        await connection.execute("delete from sessions where company_id = %s and expires_at < now()", [company_id])
        made = await connection.execute(_OPEN, values)
    return secret if made.rowcount == 1 else None


async def find(pool: Pool, secret: str, idle: timedelta) -> Session | None:
    """Whose session this is, in one round trip; None when it is nobody's, over, or its key was revoked.

    Raises psycopg.OperationalError when Postgres does not answer.
    """
    secret_hash = _hash(secret)
    async with pooled_connection(pool) as connection, connection.pipeline(), connection.cursor() as cursor:
        await connection.execute(_HASH, [secret_hash.hex()])
        await connection.execute(_COMPANY, [secret_hash])
        await cursor.execute(_FIND, {"hash": secret_hash, "idle": idle})
        row = await cursor.fetchone()
    if row is None:
        return None
    session_id, company_id, key_id, scopes, *shown = row
    return Session(session_id, Credential(company_id, key_id, frozenset(scopes)), *shown)


async def touch(pool: Pool, session: Session) -> None:
    """Note that the session is in use: from now on it may be idle as long again."""
    await tenant_rows(pool, session.credential.company_id, _TOUCH, [session.credential.company_id, session.id])


async def end(pool: Pool, secret: str) -> None:
    """End a session, whether or not there is one."""
    secret_hash = _hash(secret)
    await scoped_rows(pool, "app.key_hash", secret_hash.hex(), _CLOSE, [secret_hash])


async def new_link(connection: Connection, key_id: int, lifetime: timedelta) -> str:
    """A link's token on the owner's connection; it opens one session of the key, within `lifetime`.

    Links that are over go with it. Raises ValueError for a key that does not exist or was revoked.
    """
    token = secrets.token_urlsafe(32)
    await connection.execute("delete from sign_in_links where expires_at < now() - interval '1 day'")
    made = await connection.execute(
        "insert into sign_in_links (company_id, key_id, token_hash, expires_at)"
        " select company_id, id, %s, now() + %s from api_keys where id = %s and revoked_at is null",
        [_hash(token), lifetime, key_id],
    )
    if made.rowcount != 1:
        raise ValueError(f"there is no key {key_id} that is not revoked")
    return token


async def redeem(pool: Pool, token: str) -> tuple[int, int] | None:
    """Use a link up: (company, key) that it signs in as; None for one that is unknown, used or too old."""
    token_hash = _hash(token)
    rows = await scoped_rows(pool, "app.key_hash", token_hash.hex(), _REDEEM, [token_hash])
    return (rows[0][0], rows[0][1]) if rows else None


def _hash(secret: str) -> bytes:
    return sha256(secret.encode(errors="surrogatepass")).digest()
