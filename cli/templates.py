"""``journey templates``: the messages that there are, and a company's own words for them."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Company, Data, finish, settle

templates = typer.Typer(help="Messages, and a company's own words for them.", no_args_is_help=True)

Locale = Annotated[str, typer.Option(help="BCP 47, like de or de-AT; en is for everybody.")]


@templates.command("list")
def templates_list(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Every message, the variables that it knows, and in which locales the company has its own words for it.

    Example: [bold]journey templates list --company 1[/bold]
    """
    from cli import words
    from settings import read_settings

    settle(data)
    finish(words.list_templates(read_settings(), company, as_json))


@templates.command("show")
def templates_show(
    name: str, company: Company, locale: Locale = "en", data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """The company's own template of a message, and what a customer would get, with example values.

    Example: [bold]journey templates show welcome --locale de --company 1[/bold]
    """
    from cli import words
    from settings import read_settings

    settle(data)
    finish(words.show_template(read_settings(), company, name, locale, as_json))


@templates.command("set")
def templates_set(
    name: str,
    company: Company,
    text: Annotated[Path, typer.Option(help="A file with the text.")],
    locale: Locale = "en",
    subject: Annotated[str, typer.Option(help="The subject; an SMS has none.")] = "",
    html: Annotated[Path | None, typer.Option(help="A file with the HTML.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Say it in the company's own words. What could not be sent later is refused now.

    Example: [bold]journey templates set welcome --locale de --subject "Willkommen" --text w.txt --company 1[/bold]
    """
    from cli import words
    from settings import read_settings

    settle(data)
    finish(words.set_template(read_settings(), company, name, locale, subject, html, text, as_json))


@templates.command("remove")
def templates_remove(name: str, company: Company, locale: Locale = "en", data: Data = Path(".journey")) -> None:
    """Go back to the built-in words.

    Example: [bold]journey templates remove welcome --locale de --company 1[/bold]
    """
    from cli import words
    from settings import read_settings

    settle(data)
    finish(words.remove_template(read_settings(), company, name, locale))
