"""What a system on one machine makes once and keeps in its data folder: the admin key, the secret of its links."""

import secrets
from datetime import timedelta
from pathlib import Path

from db.connections import open_pool, owner_connection
from db.people import api_keys, browser_sessions, companies
from local.data_folder import write_private

FILE = "admin.key"
LINK_FILE = "link.secret"
LINK_LIFETIME = timedelta(minutes=15)


async def admin_key(data: Path, owner_url: str, *, ours: bool) -> str | None:
    """The key in `DATA/admin.key`, in a new system made together with company 1.

    Where the file is lost or its key no longer valid, a new one is made, but only in a database that is `ours`: nobody
    asked for keys in another one, and the answer there is None.
    """
    file = data / FILE
    made = await companies.ensure_first(owner_url)
    if made is None:
        if file.exists() and await _valid(owner_url, kept := file.read_text().strip()):
            return kept
        if not ours:
            return None
        async with owner_connection(owner_url) as connection:
            first = (await companies.list_all(connection))[0]
            _, made = await api_keys.create(connection, first.id, "made by up", api_keys.SCOPES)
    write_private(file, made + "\n")
    return made


async def sign_in_token(owner_url: str, key: str) -> str | None:
    """A token that signs in once as the key; None where it is none any more."""
    async with owner_connection(owner_url) as connection:
        key_id = await api_keys.id_of(connection, key)
        return None if key_id is None else await browser_sessions.new_link(connection, key_id, LINK_LIFETIME)


def link_secret(data: Path) -> str:
    """What signs the links in mails: it stays the same, or the links in old mails would lead nowhere."""
    file = data / LINK_FILE
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32) + "\n")
    return file.read_text().strip()


async def _valid(owner_url: str, key: str) -> bool:
    pool = await open_pool(owner_url, min_size=1, max_size=1)
    try:
        return await api_keys.find(pool, key) is not None
    finally:
        await pool.close()
