"""``journey companies`` and ``journey keys``: tenants and their credentials."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AnyCompany, AsJson, Company, Data, finish, settle

companies = typer.Typer(help="Tenants.", no_args_is_help=True)
keys = typer.Typer(help="API keys; a key is shown once.", no_args_is_help=True)


@companies.command("add")
def companies_add(name: str, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Make a company.

    Example: [bold]journey companies add "Salon Sophie"[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.add_company(read_settings(), name, as_json))


@companies.command("list")
def companies_list(data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Every company.

    Example: [bold]journey companies list[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.list_companies(read_settings(), as_json))


@keys.command("create")
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
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.create_key(read_settings(), company, scopes.split(","), name, as_json))


@keys.command("list")
def keys_list(company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Every key: what it may do, when it was used last, whether it is revoked.

    Example: [bold]journey keys list --company 1[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.list_keys(read_settings(), company, as_json))


@keys.command("revoke")
def keys_revoke(key_id: Annotated[int, typer.Argument(metavar="ID")], data: Data = Path(".journey")) -> None:
    """Make a key worthless.

    Example: [bold]journey keys revoke 3[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.revoke_key(read_settings(), key_id))
