"""``journey staff``: the people who work for a company."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from cli.database import ACTOR, pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import console, print_json, print_not_found, print_result
from db.connections import tenant_transaction
from db.people import staff
from settings import Settings

app = command_app("Manage a company's staff.")


class Role(StrEnum):
    sales = "sales"
    manager = "manager"


@app.command("add")
def staff_add(
    name: str,
    company: Company,
    role: Annotated[Role, typer.Option(help="Role of the person.")],
    email: Annotated[str | None, typer.Option(help="Address for notifications about customers at risk.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Add a staff member. They are assigned customers and tasks from now on.

    Example: [bold]journey staff add "Grace Example" --role manager --email grace@example.com --company 1[/bold]
    """
    run(data, lambda settings: add_person(settings, company, name, role.value, email, as_json))


@app.command("list")
def staff_list(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List all staff with their customers and open tasks.

    Example: [bold]journey staff list --company 1[/bold]
    """
    run(data, lambda settings: list_staff(settings, company, as_json))


@app.command("remove")
def staff_remove(
    staff_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)],
    company: Company,
    data: Data = Path(".journey"),
) -> None:
    """Deactivate a staff member. Their open tasks stay assigned to them until someone reassigns them.

    Example: [bold]journey staff remove 2 --company 1[/bold]
    """
    run(data, lambda settings: remove_person(settings, company, staff_id))


async def add_person(settings: Settings, company: int, name: str, role: str, email: str | None, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for an invalid name or email address."""
    from api.field_types import Email, PersonName  # the framework beneath it takes a moment

    name = _checked("name", PersonName, name)
    if email is not None:
        email = _checked("--email", Email, email)
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        person = await staff.add(connection, company, name=name, role=role, email=email, actor=ACTOR)
    if as_json:
        print_json(person)
    else:
        console.print(f"{escape(person['name'])} added as {role} with id {person['id']}.")
    return 0


def _checked(what: str, kind: Any, value: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    try:
        checked: str = TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{what}: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    return checked


async def list_staff(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        people = await staff.list_all(connection, company)
    return print_result(people, as_json, "No staff yet. Add someone with: journey staff add NAME --role manager")


async def remove_person(settings: Settings, company: int, staff_id: int) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        person = await staff.update(connection, company, staff_id, {"is_active": False}, ACTOR)
    if person is None:
        return print_not_found(f"Company {company} has no staff member {staff_id}")
    console.print(f"{escape(person['name'])} deactivated; {person['open_tasks']} open tasks need reassignment.")
    return 0
