"""``journey migrate``: bring the database schema to the newest revision."""

import asyncio
from pathlib import Path

from temporalio.service import RPCError

import connection
from cli.options import Data, command_app, run
from cli.output import console
from contracts.schedules import ensure_schedules
from db.schema.migrate import current, upgrade
from settings import Settings

TEMPORAL_TIMEOUT = 10.0  # seconds; migrating does not need Temporal

app = command_app()


@app.command()
def migrate_command(data: Data = Path(".journey")) -> None:
    """Bring the database's schema to the newest revision; safe to repeat.

    Example: [bold]DATABASE_URL=postgresql://owner@db/perdure journey migrate[/bold]
    """
    run(data, lambda settings: migrate(settings))


async def migrate(settings: Settings) -> int:
    """Apply what is missing of the schema; the exit code."""
    applied = await asyncio.to_thread(upgrade, settings.owner_url)
    at = await asyncio.to_thread(current, settings.owner_url)
    console.print(f"applied {', '.join(applied)}" if applied else f"nothing to do: the schema is at {at}")
    console.print(await _schedules())
    return 0


async def _schedules() -> str:
    """Make the schedules of maintenance, where Temporal is there to keep them; what was done, in words."""
    try:
        client = await asyncio.wait_for(connection.connect(), TEMPORAL_TIMEOUT)
        made = await ensure_schedules(client)
    except (RuntimeError, RPCError, TimeoutError) as error:
        reason = str(error).strip().splitlines()
        why = f" ({reason[0][:120]})" if reason else ""
        return f"schedules: Temporal does not answer{why}; a worker makes them when it starts"
    return "schedules: " + ", ".join(f"{name} {did}" for name, did in made.items())
