"""``journey companies``: the companies (tenants) of this system."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Data, command_app, run
from cli.output import console, print_json, print_result
from db.connections import owner_connection
from db.people import companies
from settings import Settings

COUNTRY = "Country of phone numbers without a country code (ISO 3166, such as DE)."
EMAIL_IDS = typer.Option(
    "--email-ids/--no-email-ids",
    help="Allow or refuse e-mail addresses as ids of customers. Ids are visible in workflow ids and logs.",
)

app = command_app("Manage companies.")


@app.command("add")
def companies_add(
    name: str,
    currency: Annotated[str, typer.Option(help="Currency of its amounts (ISO 4217).")] = "EUR",
    country: Annotated[str | None, typer.Option(help=COUNTRY)] = None,
    email_ids: Annotated[bool, EMAIL_IDS] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Create a company.

    Example: [bold]journey companies add "Salon Sophie" --currency CHF[/bold]
    """
    run(data, lambda settings: add_company(settings, name, currency, country, email_ids, as_json))


@app.command("set")
def companies_set(
    company_id: Annotated[int, typer.Argument(metavar="ID")],
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    currency: Annotated[str | None, typer.Option(help="Currency of its amounts (ISO 4217).")] = None,
    country: Annotated[str | None, typer.Option(help=f"{COUNTRY} An empty text removes it.")] = None,
    email_ids: Annotated[bool | None, EMAIL_IDS] = None,
    data: Data = Path(".journey"),
) -> None:
    """Change a company.

    Amounts are not converted. Workers read the phone numbers without a country code again.

    Example: [bold]journey companies set 1 --currency CHF --country CH[/bold]
    """
    run(data, lambda settings: change_company(settings, company_id, name, currency, country, email_ids))


@app.command("list")
def companies_list(data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List all companies.

    Example: [bold]journey companies list[/bold]
    """
    run(data, lambda settings: list_companies(settings, as_json))


async def add_company(
    settings: Settings, name: str, currency: str, country: str | None, email_ids: bool, as_json: bool
) -> int:
    """Raises ValueError (exit code 2) for a blank name or an unknown code of a currency or country."""
    async with owner_connection(settings.owner_url) as connection:
        company_id = await companies.create(connection, name, currency, country, email_ids=email_ids)
    if as_json:
        print_json({"id": company_id, "name": name})
    else:
        console.print(f"Company [bold]{company_id}[/bold] created: {name}", markup=True)
        console.print(
            f"Create its first key with: journey keys create --company {company_id} --scopes events:write,journeys:read"
        )
    return 0


async def change_company(
    settings: Settings,
    company: int,
    name: str | None,
    currency: str | None,
    country: str | None,
    email_ids: bool | None,
) -> int:
    """Returns 1 for an unknown company. Raises ValueError (exit code 2) for invalid or missing options."""
    changes = {"name": name, "currency": currency, "country": country}
    if email_ids is None and not any(value is not None for value in changes.values()):
        raise ValueError("nothing to change; use --name, --currency, --country, --email-ids or --no-email-ids")
    async with owner_connection(settings.owner_url) as connection:
        changed = await companies.update(connection, company, **changes, email_ids=email_ids)
    console.print(f"Company {company} changed." if changed else f"There is no company {company}.")
    return 0 if changed else 1


async def list_companies(settings: Settings, as_json: bool) -> int:
    async with owner_connection(settings.owner_url) as connection:
        rows = [asdict(company) for company in await companies.list_all(connection)]
    return print_result(rows, as_json, "No companies yet. Create one with: journey companies add NAME")
