"""``journey companies`` and ``journey keys``: tenants and their credentials."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AnyCompany, AsJson, Company, Data, finish, settle

companies = typer.Typer(help="Tenants.", no_args_is_help=True)
keys = typer.Typer(help="API keys; a key is shown once.", no_args_is_help=True)


@companies.command("add")
def companies_add(
    name: str,
    currency: Annotated[str, typer.Option(help="What its amounts are in (ISO 4217).")] = "EUR",
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make a company.

    Example: [bold]journey companies add "Salon Sophie" --currency CHF[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.add_company(read_settings(), name, currency, as_json))


@companies.command("set")
def companies_set(
    company_id: Annotated[int, typer.Argument(metavar="ID")],
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    currency: Annotated[str | None, typer.Option(help="What its amounts are in (ISO 4217).")] = None,
    data: Data = Path(".journey"),
) -> None:
    """Give a company another name, or another currency (amounts are not converted).

    Example: [bold]journey companies set 1 --currency CHF[/bold]
    """
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.change_company(read_settings(), company_id, name, currency))


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


@keys.command("link")
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
    from cli import admin
    from settings import read_settings

    settle(data)
    finish(admin.make_link(read_settings(), data, key_id, minutes, as_json))


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
