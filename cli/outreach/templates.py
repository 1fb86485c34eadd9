"""``journey templates``: list the message templates and customise them for a company."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from activities.message_catalogue import TEMPLATES
from activities.previews import preview
from activities.rendering import CompanyTemplate, check_template, fallbacks
from cli.database import ACTOR, pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import console, print_json, print_rows
from db.connections import tenant_transaction
from db.outreach import message_templates, outreach_settings
from journey.locales import TEMPLATE_LOCALE
from settings import Settings

app = command_app("Customise a company's message templates.")

Locale = Annotated[str, typer.Option(help="BCP 47 language tag, like de or de-AT; en is the fallback.")]


@app.command("list")
def templates_list(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """List all messages with their variables, and the locales for which the company has its own template.

    Example: [bold]journey templates list --company 1[/bold]
    """
    run(data, lambda settings: list_templates(settings, company, as_json))


@app.command("show")
def templates_show(
    name: str, company: Company, locale: Locale = "en", data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Show the company's template of a message and a preview with example values.

    Example: [bold]journey templates show welcome --locale de --company 1[/bold]
    """
    run(data, lambda settings: show_template(settings, company, name, locale, as_json))


@app.command("set")
def templates_set(
    name: str,
    company: Company,
    text: Annotated[Path, typer.Option(help="File with the text.")],
    locale: Locale = "en",
    subject: Annotated[str, typer.Option(help="Subject; an SMS has none.")] = "",
    html: Annotated[Path | None, typer.Option(help="File with the HTML.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Set the company's template of a message. A template that could not be sent is refused.

    Example: [bold]journey templates set welcome --locale de --subject "Willkommen" --text w.txt --company 1[/bold]
    """
    run(data, lambda settings: set_template(settings, company, name, locale, subject, html, text, as_json))


@app.command("remove")
def templates_remove(name: str, company: Company, locale: Locale = "en", data: Data = Path(".journey")) -> None:
    """Remove the company's template, so that the built-in one is used again.

    Example: [bold]journey templates remove welcome --locale de --company 1[/bold]
    """
    run(data, lambda settings: remove_template(settings, company, name, locale))


async def list_templates(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        own = await message_templates.list_templates(connection, company)
    rows: list[dict[str, Any]] = [
        {
            "name": message.name,
            "channel": message.channel,
            "marketing": message.marketing,
            "variables": list(message.variables),
            "own": [locale for name, locale, _ in own if name == message.name],
        }
        for message in TEMPLATES.values()
    ]
    if as_json:
        print_json(rows)
    else:
        print_rows(
            [{**row, "variables": ", ".join(row["variables"]), "own": ", ".join(row["own"])} for row in rows], ""
        )
    return 0


async def show_template(settings: Settings, company: int, name: str, locale: str, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for an unknown message or an invalid locale."""
    _check(name, locale)
    async with pool_for(settings, company) as pool:
        async with tenant_transaction(pool, company) as connection:
            found = await outreach_settings.load(connection, company)
        best = await message_templates.find_best_template(pool, company, name, fallbacks(locale))
    assert found is not None
    own = CompanyTemplate(*best[1]) if best else None
    rendered = preview(name, locale, found[0], own)
    if as_json:
        source = (
            {"locale": best[0], "subject": own.subject, "html": own.html, "text": own.text} if best and own else None
        )
        shown = {"subject": rendered.subject, "html": rendered.html, "text": rendered.text}
        print_json({"name": name, "own": source, "preview": shown})
        return 0
    if own and best:
        console.print(f"[bold]Company template ({best[0]})[/bold]", markup=True)
        console.print("\n\n".join(filter(None, (own.subject, own.html, own.text))), markup=False)
    console.print(f"[bold]Preview{'' if own else ' (built-in template)'}[/bold]", markup=True)
    console.print("\n\n".join(filter(None, (rendered.subject, rendered.text))), markup=False)
    return 0


async def set_template(
    settings: Settings,
    company: int,
    name: str,
    locale: str,
    subject: str,
    html: Path | None,
    text: Path,
    as_json: bool,
) -> int:
    """Raises ValueError (exit code 2) for a template that could not be sent (InvalidTemplate is a ValueError)."""
    _check(name, locale)
    source = (subject, _read(html) if html else None, _read(text))
    check_template(name, *source)
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        await message_templates.put_template(connection, company, name, locale, source, ACTOR)
    if as_json:
        print_json({"name": name, "locale": locale, "subject": source[0], "html": source[1], "text": source[2]})
    else:
        console.print(f"{name} ({locale}) set; the next message uses it.")
    return 0


async def remove_template(settings: Settings, company: int, name: str, locale: str) -> int:
    _check(name, locale)
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        removed = await message_templates.delete_template(connection, company, name, locale, ACTOR)
    console.print(f"{name} ({locale}) removed." if removed else f"There is no template {name} ({locale}).")
    return 0 if removed else 1


def _check(name: str, locale: str) -> None:
    if name not in TEMPLATES:
        raise ValueError(f"there is no message {name!r}; messages: {', '.join(TEMPLATES)}")
    if not re.fullmatch(TEMPLATE_LOCALE, locale):
        raise ValueError(f"--locale {locale!r} is not a language tag like de or de-AT")


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{file}: {error}") from None
