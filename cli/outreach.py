"""``journey outreach``: how a company wants its outreach done."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Company, Data, finish, settle

outreach = typer.Typer(help="Quiet hours, the cap, the sender, the retention campaign.", no_args_is_help=True)


@outreach.command("show")
def outreach_show(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """All settings; what the company left out has its default.

    Example: [bold]journey outreach show --company 1 --json > outreach.json[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.show_outreach(read_settings(), company, as_json))


@outreach.command("set")
def outreach_set(
    file: Annotated[Path, typer.Argument(help="A JSON file with the settings; - for standard input.")],
    company: Company,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Replace the settings; what the file leaves out gets its default.

    Example: [bold]journey outreach set outreach.json --company 1[/bold]
    """
    from cli import keeping
    from settings import read_settings

    settle(data)
    finish(keeping.set_outreach(read_settings(), company, file, as_json))
