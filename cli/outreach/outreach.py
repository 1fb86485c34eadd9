"""``journey outreach``: a company's outreach settings."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cli.database import ACTOR, pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import print_json, print_rows
from db.connections import tenant_transaction
from db.outreach import outreach_settings
from journey.outreach import outreach_from
from settings import Settings

app = command_app("Quiet hours, message limits, sender and retention campaign.")


@app.command("show")
def outreach_show(company: Company, data: Data = Path(".journey"), as_json: AsJson = False) -> None:
    """Show all settings, including defaults.

    Example: [bold]journey outreach show --company 1 --json > outreach.json[/bold]
    """
    run(data, lambda settings: show_outreach(settings, company, as_json))


@app.command("set")
def outreach_set(
    file: Annotated[Path, typer.Argument(help="JSON file with the settings, or - for standard input.")],
    company: Company,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Replace all settings; those missing from the file are reset to their defaults.

    Example: [bold]journey outreach set outreach.json --company 1[/bold]
    """
    run(data, lambda settings: set_outreach(settings, company, file, as_json))


async def show_outreach(settings: Settings, company: int, as_json: bool) -> int:
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        found = await outreach_settings.load(connection, company)
    assert found is not None
    return _outreach(found[1], as_json)


async def set_outreach(settings: Settings, company: int, file: Path, as_json: bool) -> int:
    """Raises ValueError (exit code 2) for invalid settings (InvalidOutreach is a ValueError)."""
    new_settings = _read(file)
    outreach_from(new_settings)
    async with pool_for(settings, company) as pool, tenant_transaction(pool, company) as connection:
        await outreach_settings.put(connection, company, new_settings or {}, ACTOR)
    return _outreach(new_settings, as_json)


def _read(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: {error}") from None


def _outreach(saved: Any, as_json: bool) -> int:
    shown = msgspec.to_builtins(outreach_from(saved))
    if as_json:
        print_json(shown)
        return 0
    shown["campaign"] = ", ".join(f"day {step['day']} {step['type']}" for step in shown["campaign"]) or "none"
    print_rows([{"setting": name, "value": value} for name, value in shown.items()], "")
    return 0
