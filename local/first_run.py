"""What the first start creates and keeps in the data folder: the admin key, and secrets."""

import base64
import secrets
from datetime import timedelta
from pathlib import Path

from contracts.encryption import KEY_BYTES
from db.connections import open_pool, owner_connection
from db.people import api_keys, browser_sessions, companies
from local.data_folder import write_private

KEY_FILE = "admin.key"
LINK_FILE = "link.secret"
ENCRYPTION_FILE = "encryption.key"
LINK_LIFETIME = timedelta(minutes=15)


async def admin_key(data: Path, owner_url: str, *, may_create: bool) -> str | None:
    """Return the key in `DATA/admin.key`; in a new system, create it together with company 1.

    A lost or revoked key is replaced only if `may_create`: in an external database nobody asked for new keys, and the
    result is None.
    """
    file = data / KEY_FILE
    new_key = await companies.ensure_first(owner_url)
    if new_key is None:
        if file.exists() and await _valid(owner_url, stored := file.read_text().strip()):
            return stored
        if not may_create:
            return None
        async with owner_connection(owner_url) as connection:
            first = (await companies.list_all(connection))[0]
            _, new_key = await api_keys.create(connection, first.id, "made by up", api_keys.SCOPES)
    write_private(file, new_key + "\n")
    return new_key


async def sign_in_token(owner_url: str, key: str) -> str | None:
    """Create a one-time sign-in token for the key; None when the key is no longer valid."""
    async with owner_connection(owner_url) as connection:
        key_id = await api_keys.find_id(connection, key)
        return None if key_id is None else await browser_sessions.create_sign_in_link(connection, key_id, LINK_LIFETIME)


def sign_in_url(public_url: str, token: str) -> str:
    """The dashboard's sign-in link. The token is in the fragment, so that no server log, proxy or Referer gets it."""
    return f"{public_url.rstrip('/')}/sign-in#token={token}"


def link_secret(data: Path) -> str:
    """The secret that signs the links in emails. It must stay the same, or the links in old emails stop working."""
    file = data / LINK_FILE
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32) + "\n")
    return file.read_text().strip()


def encryption_key(data: Path) -> str:
    """The value of `ENCRYPTION_KEYS`. Without it, journeys that are in Temporal cannot be read any more."""
    file = data / ENCRYPTION_FILE
    if not file.exists():
        write_private(file, base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
    return file.read_text().strip()


async def _valid(owner_url: str, key: str) -> bool:
    pool = await open_pool(owner_url, min_size=1, max_size=1)
    try:
        return await api_keys.find(pool, key) is not None
    finally:
        await pool.close()
