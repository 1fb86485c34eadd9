"""``journey keys``: API keys, and sign-in links for the dashboard."""

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.options import AnyCompany, AsJson, Company, Data, command_app, run
from cli.output import console, print_json, print_result
from db.connections import Connection, owner_connection
from db.people import api_keys, browser_sessions
from local.first_run import KEY_FILE, sign_in_url
from settings import Settings

app = command_app("Manage API keys and sign-in links.")


@app.command("create")
def keys_create(
    company: Company,
    scopes: Annotated[str, typer.Option(help="Comma-separated: events:write, journeys:read, journeys:write, admin.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Create an API key. It is shown only once.

    Example: [bold]journey keys create --company 1 --scopes events:write,journeys:read --name booking[/bold]
    """
    run(data, lambda settings: create_key(settings, company, scopes.split(","), name, as_json))


@app.command("link")
def keys_link(
    key_id: Annotated[
        int | None, typer.Option("--key", metavar="ID", help="Id of the key; default: the one stored by `journey up`.")
    ] = None,
    minutes: Annotated[int, typer.Option(help="Minutes until the link expires.", min=1, max=1440)] = 15,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Create a one-time sign-in link for the dashboard, with the scopes of the key.

    Example: [bold]journey keys link --key 1[/bold]
    """
    run(data, lambda settings: make_link(settings, data, key_id, minutes, as_json))


@app.command("list")
def keys_list(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List all keys with their scopes and last use.

    Example: [bold]journey keys list --company 1[/bold]
    """
    run(data, lambda settings: list_keys(settings, company, as_json))


@app.command("revoke")
def keys_revoke(key_id: Annotated[int, typer.Argument(metavar="ID")], data: Data = Path(".journey")) -> None:
    """Revoke an API key.

    Example: [bold]journey keys revoke 3[/bold]
    """
    run(data, lambda settings: revoke_key(settings, key_id))


async def create_key(settings: Settings, company: int, scopes: list[str], name: str, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for an unknown scope or company."""
    async with owner_connection(settings.owner_url) as connection:
        key_id, plaintext = await api_keys.create(connection, company, name, [scope.strip() for scope in scopes])
    if as_json:
        print_json({"id": key_id, "company_id": company, "key": plaintext})
    else:
        console.print(f"Key {key_id} of company {company}, shown only once:")
        console.print(f"[bold]{plaintext}[/bold]", markup=True, soft_wrap=True)
    return 0


async def make_link(settings: Settings, data: Path, key_id: int | None, minutes: int, as_json: bool) -> int:
    """Print a one-time sign-in link. Raises ValueError (exit code 2) for an unknown or revoked key."""
    async with owner_connection(settings.owner_url) as connection:
        key_id = key_id or await _signing_key(connection, data)
        token = await browser_sessions.create_sign_in_link(connection, key_id, timedelta(minutes=minutes))
    url = sign_in_url(settings.public_url, token)
    if as_json:
        print_json({"url": url, "minutes": minutes})
    else:
        console.print(f"Signs in to the dashboard once, within {minutes} minutes:")
        console.print(f"[bold]{url}[/bold]", markup=True, soft_wrap=True)
    return 0


async def _signing_key(connection: Connection, data: Path) -> int:
    """The key stored by `up`, or else the only valid one."""
    key_file = data / KEY_FILE
    if key_file.exists() and (key_id := await api_keys.find_id(connection, key_file.read_text().strip())):
        return key_id
    valid = [key.id for key in await api_keys.list_all(connection) if key.revoked_at is None]
    if len(valid) != 1:
        raise ValueError(f"there are {len(valid)} valid keys; choose one with --key ID (see journey keys list)")
    return valid[0]


async def list_keys(settings: Settings, company: int | None, as_json: bool) -> int:
    async with owner_connection(settings.owner_url) as connection:
        rows = [asdict(key) for key in await api_keys.list_all(connection, company)]
    for row in rows:
        row["scopes"] = ", ".join(row["scopes"]) if not as_json else row["scopes"]
    return print_result(rows, as_json, "No keys yet. Create one with: journey keys create --company 1 --scopes admin")


async def revoke_key(settings: Settings, key_id: int) -> int:
    """Returns 1 for an unknown key or one that was revoked before."""
    async with owner_connection(settings.owner_url) as connection:
        revoked = await api_keys.revoke(connection, key_id)
    console.print(f"Key {key_id} revoked." if revoked else f"There is no valid key {key_id}.")
    return 0 if revoked else 1
