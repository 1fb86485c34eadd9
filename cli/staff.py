"""``journey staff``: who works for a company."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Company, Data, finish, settle

staff = typer.Typer(help="Who works for a company, and gets its tasks and customers.", no_args_is_help=True)


class Role(StrEnum):
    sales = "sales"
    manager = "manager"


@staff.command("add")
def staff_add(
    name: str,
    company: Company,
    role: Annotated[Role, typer.Option(help="What the person does.")],
    email: Annotated[str | None, typer.Option(help="Where news of customers at risk go.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Add a person, who gets customers and tasks from now on.

    Example: [bold]journey staff add "Grace Example" --role manager --email grace@example.com --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.add_person(read_settings(), company, name, role.value, email, as_json))


@staff.command("list")
def staff_list(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Everybody, with their customers and open tasks.

    Example: [bold]journey staff list --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.list_staff(read_settings(), company, as_json))


@staff.command("remove")
def staff_remove(
    staff_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)],
    company: Company,
    data: Data = Path(".journey"),
) -> None:
    """Make a person inactive. Open tasks stay with the person until they are assigned anew.

    Example: [bold]journey staff remove 2 --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.remove_person(read_settings(), company, staff_id))
