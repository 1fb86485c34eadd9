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

app = command_app("API keys; a key is shown once.")


@app.command("create")
def keys_create(
    company: Company,
    scopes: Annotated[str, typer.Option(help="Comma-separated: events:write, journeys:read, journeys:write, admin.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make an API key; it is shown once and never again.

    Example: [bold]journey keys create --company 1 --scopes events:write,journeys:read --name booking[/bold]
    """
    run(data, lambda settings: create_key(settings, company, scopes.split(","), name, as_json))


@app.command("link")
def keys_link(
    key_id: Annotated[
        int | None, typer.Option("--key", metavar="ID", help="Whose; default: the one that up keeps.")
    ] = None,
    minutes: Annotated[int, typer.Option(help="How long it may lie unused.", min=1, max=1440)] = 15,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make a link that signs in to the dashboard once, with what the key may do.

    Example: [bold]journey keys link --key 1[/bold]
    """
    run(data, lambda settings: make_link(settings, data, key_id, minutes, as_json))


@app.command("list")
def keys_list(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Every key: what it may do, when it was used last, whether it is revoked.

    Example: [bold]journey keys list --company 1[/bold]
    """
    run(data, lambda settings: list_keys(settings, company, as_json))


@app.command("revoke")
def keys_revoke(key_id: Annotated[int, typer.Argument(metavar="ID")], data: Data = Path(".journey")) -> None:
    """Make a key worthless.

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
    return print_result(rows, as_json, "no key yet: journey keys create --company 1 --scopes events:write")


async def revoke_key(settings: Settings, key_id: int) -> int:
    """1 when there is no such key, or it was revoked before."""
    async with owner_connection(settings.owner_url) as connection:
        revoked = await api_keys.revoke(connection, key_id)
    console.print(f"key {key_id} is revoked" if revoked else f"no key {key_id} that is not revoked already")
    return 0 if revoked else 1
