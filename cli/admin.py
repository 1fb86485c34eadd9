"""The operator's commands on the owner's connection: the schema, companies, keys."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from cli.output import console, print_json, print_rows
from db.connections import Connection, owner_connection
from db.people import api_keys, browser_sessions, companies
from local.first_run import KEY_FILE, sign_in_url
from settings import Settings

TEMPORAL_PATIENCE = 10.0  # seconds that `migrate` waits for a Temporal that need not be there


async def migrate(settings: Settings) -> int:
    """Apply what is missing of the schema; the exit code."""
    from db.schema.migrate import current, upgrade  # Alembic takes half a second, and no other command here needs it

    applied = await asyncio.to_thread(upgrade, settings.owner_url)
    at = await asyncio.to_thread(current, settings.owner_url)
    console.print(f"applied {', '.join(applied)}" if applied else f"nothing to do: the schema is at {at}")
    console.print(await _schedules())
    return 0


async def _schedules() -> str:
    """Make the schedules of maintenance, where Temporal is there to keep them; what was done, in words."""
    from temporalio.service import RPCError

    import connection
    from contracts.schedules import ensure_schedules

    try:
        client = await asyncio.wait_for(connection.connect(), TEMPORAL_PATIENCE)
        made = await ensure_schedules(client)
    except (RuntimeError, RPCError, TimeoutError) as error:
        reason = str(error).strip().splitlines()
        why = f" ({reason[0][:120]})" if reason else ""
        return f"schedules: Temporal does not answer{why}; a worker makes them when it starts"
    return "schedules: " + ", ".join(f"{name} {did}" for name, did in made.items())


async def add_company(settings: Settings, name: str, currency: str, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for a blank name or a code that is no currency's."""
    async with owner_connection(settings.owner_url) as connection:
        company_id = await companies.create(connection, name, currency)
    if as_json:
        print_json({"id": company_id, "name": name})
    else:
        console.print(f"company [bold]{company_id}[/bold]: {name}", markup=True)
        console.print(f"its first key: journey keys create --company {company_id} --scopes events:write,journeys:read")
    return 0


async def change_company(settings: Settings, company: int, name: str | None, currency: str | None) -> int:
    """1 for no such company. Raises ValueError (exit code 2) as `add_company`, and where nothing is to be changed."""
    if name is None and currency is None:
        raise ValueError("say what to change: --name or --currency")
    async with owner_connection(settings.owner_url) as connection:
        found = await companies.update(connection, company, name=name, currency=currency)
    console.print(f"company {company} is changed" if found else f"there is no company {company}")
    return 0 if found else 1


async def list_companies(settings: Settings, as_json: bool) -> int:
    async with owner_connection(settings.owner_url) as connection:
        rows = [asdict(company) for company in await companies.list_all(connection)]
    return _print(rows, as_json, "no company yet: journey companies add NAME")


async def create_key(settings: Settings, company: int, scopes: list[str], name: str, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for an unknown scope or company."""
    async with owner_connection(settings.owner_url) as connection:
        key_id, plaintext = await api_keys.create(connection, company, name, [scope.strip() for scope in scopes])
    if as_json:
        print_json({"id": key_id, "company_id": company, "key": plaintext})
    else:
        console.print(f"key {key_id} of company {company}, shown this once:")
        console.print(f"[bold]{plaintext}[/bold]", markup=True, soft_wrap=True)
    return 0


async def make_link(settings: Settings, data: Path, key_id: int | None, minutes: int, as_json: bool) -> int:
    """A link that signs in to the dashboard once. Raises ValueError (exit code 2) for a key that is none any more."""
    async with owner_connection(settings.owner_url) as connection:
        key_id = key_id or await _signing_key(connection, data)
        token = await browser_sessions.create_sign_in_link(connection, key_id, timedelta(minutes=minutes))
    url = sign_in_url(settings.public_url, token)
    if as_json:
        print_json({"url": url, "minutes": minutes})
    else:
        console.print(f"opens the dashboard once, within {minutes} minutes:")
        console.print(f"[bold]{url}[/bold]", markup=True, soft_wrap=True)
    return 0


async def _signing_key(connection: Connection, data: Path) -> int:
    """The key that `up` keeps, or else the only one there is."""
    kept = data / KEY_FILE
    if kept.exists() and (found := await api_keys.find_id(connection, kept.read_text().strip())):
        return found
    valid = [key.id for key in await api_keys.list_all(connection) if key.revoked_at is None]
    if len(valid) != 1:
        raise ValueError(f"say which key: --key ID ({len(valid)} are valid; journey keys list)")
    return valid[0]


async def list_keys(settings: Settings, company: int | None, as_json: bool) -> int:
    async with owner_connection(settings.owner_url) as connection:
        rows = [asdict(key) for key in await api_keys.list_all(connection, company)]
    for row in rows:
        row["scopes"] = ", ".join(row["scopes"]) if not as_json else row["scopes"]
    return _print(rows, as_json, "no key yet: journey keys create --company 1 --scopes events:write")


async def revoke_key(settings: Settings, key_id: int) -> int:
    """1 when there is no such key, or it was revoked before."""
    async with owner_connection(settings.owner_url) as connection:
        revoked = await api_keys.revoke(connection, key_id)
    console.print(f"key {key_id} is revoked" if revoked else f"no key {key_id} that is not revoked already")
    return 0 if revoked else 1


def _print(rows: list[dict[str, Any]], as_json: bool, empty: str) -> int:
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, empty)
    return 0
