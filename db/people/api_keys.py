"""API keys: created and revoked by the operator, looked up by the API.

Only the SHA-256 of a key is stored; its plaintext is shown once, when it is created.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from db.connections import Connection, Pool, tenant_rows
from db.people.secret_hash import secret_hash
from db.people.secret_lookup import company_of, find_by_hash

EVENTS_WRITE = "events:write"
JOURNEYS_READ = "journeys:read"
JOURNEYS_WRITE = "journeys:write"
ADMIN = "admin"
#: What retractions need until users have roles: they can lead customers down the ladder, and cannot be undone.
RETRACT_EVENTS = ADMIN
SCOPES = (EVENTS_WRITE, JOURNEYS_READ, JOURNEYS_WRITE, ADMIN)

#: Whether the company `c` allows e-mail addresses as customers' ids.
EMAIL_IDS = sql.SQL("coalesce(c.settings -> 'email_ids' = 'true', false)")

_SET_COMPANY = company_of("api_keys", "key_hash")
_FIND = sql.SQL(
    "select k.company_id, k.id, k.scopes, {email_ids} from api_keys k join companies c on c.id = k.company_id"
    " where k.key_hash = %s and k.revoked_at is null"
).format(email_ids=EMAIL_IDS)
_TOUCH = sql.SQL(
    "update api_keys set last_used_at = now() where id = %s"
    " and (last_used_at is null or last_used_at < now() - interval '5 minutes') returning id"
)


@dataclass(frozen=True, slots=True)
class Credential:
    """The company of a key and its scopes. A key has exactly its scopes: `admin` does not imply the others.

    `from_session` is true for a person who is signed in with the key in a browser, and `email_ids` if the company
    allows e-mail addresses as customers' ids.
    """

    company_id: int
    key_id: int
    scopes: frozenset[str]
    from_session: bool = False
    email_ids: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as shown in lists; `prefix` is its first 8 characters."""

    id: int
    company_id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


async def create(connection: Connection, company_id: int, name: str, scopes: Iterable[str]) -> tuple[int, str]:
    """Create a key, on the owner's connection.

    Returns:
        The key's id and its plaintext, which cannot be retrieved again.

    Raises:
        ValueError: There are no scopes, a scope is not in SCOPES, or the company does not exist.
    """
    wanted = _validate_scopes(scopes)
    plaintext = "pk_" + secrets.token_urlsafe(32)
    cursor = await connection.execute(
        "insert into api_keys (company_id, name, key_hash, prefix, scopes)"
        " select id, %s, %s, %s, %s from companies where id = %s returning id",
        [name, secret_hash(plaintext), plaintext[:8], wanted, company_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise ValueError(f"there is no company {company_id}")
    return row[0], plaintext


async def list_all(connection: Connection, company_id: int | None = None) -> list[ApiKey]:
    """List the keys of one company or of all, including revoked ones, oldest first, on the owner's connection."""
    async with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(
            "select id, company_id, name, prefix, scopes, created_at, last_used_at, revoked_at from api_keys"
            " where %(company)s::bigint is null or company_id = %(company)s order by id",
            {"company": company_id},
        )
        return await cursor.fetchall()


async def find_id(connection: Connection, plaintext: str) -> int | None:
    """Find the id of a key that is not revoked, on the owner's connection."""
    cursor = await connection.execute(
        "select id from api_keys where key_hash = %s and revoked_at is null", [secret_hash(plaintext)]
    )
    row = await cursor.fetchone()
    return row[0] if row else None


async def revoke(connection: Connection, key_id: int) -> bool:
    """Revoke a key, on the owner's connection; False if there is no such key or it is already revoked."""
    cursor = await connection.execute(
        "update api_keys set revoked_at = now() where id = %s and revoked_at is null", [key_id]
    )
    return cursor.rowcount == 1


async def find(pool: Pool, plaintext: str) -> Credential | None:
    """Look up a key in one round trip; None if it is unknown or revoked.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    key_hash = secret_hash(plaintext)
    row = await find_by_hash(pool, _SET_COMPANY, key_hash, _FIND, [key_hash])
    if row is None:
        return None
    company_id, key_id, scopes, email_ids = row
    return Credential(company_id, key_id, frozenset(scopes), email_ids=email_ids)


async def touch(pool: Pool, credential: Credential) -> None:
    """Update the time of last use, at most every 5 minutes: a write for every request would cost too much."""
    await tenant_rows(pool, credential.company_id, _TOUCH, [credential.key_id])


def _validate_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(scopes))
    allowed = ", ".join(SCOPES)
    if not wanted:
        raise ValueError(f"a key needs at least one scope: {allowed}")
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise ValueError(f"unknown scope {', '.join(map(repr, unknown))}; allowed are {allowed}")
    return wanted
