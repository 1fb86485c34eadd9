"""API keys: made and revoked by the operator, found by the gateway. Only a key's SHA-256 is kept; it is shown once.

A key is 256 random bits, so that a plain hash of it is as good as a slow one and costs the gateway nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from psycopg import sql
from psycopg.rows import class_row

from db.connections import Connection, Pool, scoped_rows, tenant_rows

EVENTS_WRITE = "events:write"
JOURNEYS_READ = "journeys:read"
JOURNEYS_WRITE = "journeys:write"
ADMIN = "admin"
SCOPES = (EVENTS_WRITE, JOURNEYS_READ, JOURNEYS_WRITE, ADMIN)

_FIND = sql.SQL("select company_id, id, scopes from api_keys where key_hash = %s and revoked_at is null")
_TOUCH = sql.SQL(
    "update api_keys set last_used_at = now() where id = %s"
    " and (last_used_at is null or last_used_at < now() - interval '5 minutes') returning id"
)


@dataclass(frozen=True, slots=True)
class Credential:
    """Whose key it is and what it may do. It may do exactly its scopes: `admin` does not imply the others."""

    company_id: int
    key_id: int
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as lists show it: `prefix` is its first 8 characters."""

    id: int
    company_id: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


async def create(connection: Connection, company_id: int, name: str, scopes: Iterable[str]) -> tuple[int, str]:
    """A new key on the owner's connection: (its id, its plaintext, which nobody can learn again).

    Raises ValueError for no scope at all, a scope that is not in SCOPES, or a company that does not exist.
    """
    wanted = _checked(scopes)
    plaintext = "pk_" + secrets.token_urlsafe(32)
    cursor = await connection.execute(
        "insert into api_keys (company_id, name, key_hash, prefix, scopes)"
        " select id, %s, %s, %s, %s from companies where id = %s returning id",
        [name, _hash(plaintext), plaintext[:8], wanted, company_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise ValueError(f"there is no company {company_id}")
    return row[0], plaintext


async def list_all(connection: Connection, company_id: int | None = None) -> list[ApiKey]:
    """The keys of one company or of all, revoked ones too, on the owner's connection; oldest first."""
    async with connection.cursor(row_factory=class_row(ApiKey)) as cursor:
        await cursor.execute(
            "select id, company_id, name, prefix, scopes, created_at, last_used_at, revoked_at from api_keys"
            " where %(company)s::bigint is null or company_id = %(company)s order by id",
            {"company": company_id},
        )
        return await cursor.fetchall()


async def id_of(connection: Connection, plaintext: str) -> int | None:
    """The id of a key that is not revoked, on the owner's connection."""
    found = await connection.execute(
        "select id from api_keys where key_hash = %s and revoked_at is null", [_hash(plaintext)]
    )
    row = await found.fetchone()
    return row[0] if row else None


async def revoke(connection: Connection, key_id: int) -> bool:
    """Make a key worthless, on the owner's connection. False when there is no such key or it was revoked before."""
    cursor = await connection.execute(
        "update api_keys set revoked_at = now() where id = %s and revoked_at is null", [key_id]
    )
    return cursor.rowcount == 1


async def find(pool: Pool, plaintext: str) -> Credential | None:
    """Whose key this is, in one round trip; None when nobody's or revoked.

    Raises psycopg.OperationalError when Postgres does not answer.
    """
    key_hash = _hash(plaintext)
    rows = await scoped_rows(pool, "app.key_hash", key_hash.hex(), _FIND, [key_hash])
    if not rows:
        return None
    company_id, key_id, scopes = rows[0]
    return Credential(company_id, key_id, frozenset(scopes))


async def touch(pool: Pool, credential: Credential) -> None:
    """Note that the key is in use, to within 5 minutes: a write at every request would cost more than it tells."""
    await tenant_rows(pool, credential.company_id, _TOUCH, [credential.key_id])


def _hash(plaintext: str) -> bytes:
    # A header may hold what is no text; it has a hash all the same, which no key has.
    return sha256(plaintext.encode(errors="surrogatepass")).digest()


def _checked(scopes: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(scopes))
    allowed = ", ".join(SCOPES)
    if not wanted:
        raise ValueError(f"a key needs at least one scope: {allowed}")
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise ValueError(f"unknown scope {', '.join(map(repr, unknown))}; allowed are {allowed}")
    return wanted
