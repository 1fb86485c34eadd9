"""``journey migrate``: upgrade the database schema."""

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
    """Upgrade the database schema to the newest revision.

    Also creates the maintenance schedules in Temporal, if it is reachable. Safe to repeat.

    Example: [bold]DATABASE_URL=postgresql://owner@db/perdure journey migrate[/bold]
    """
    run(data, lambda settings: migrate(settings))


async def migrate(settings: Settings) -> int:
    """Apply the missing revisions and ensure the schedules; returns the exit code."""
    applied = await asyncio.to_thread(upgrade, settings.owner_url)
    revision = await asyncio.to_thread(current, settings.owner_url)
    console.print(f"Applied {', '.join(applied)}." if applied else f"The schema is up to date ({revision}).")
    console.print(await _schedules())
    return 0


async def _schedules() -> str:
    """Ensure the maintenance schedules if Temporal is reachable; returns a sentence about the result."""
    try:
        client = await asyncio.wait_for(connection.connect(), TEMPORAL_TIMEOUT)
        results = await ensure_schedules(client)
    except (RuntimeError, RPCError, TimeoutError) as error:
        reason = str(error).strip().splitlines()
        why = f" ({reason[0][:120]})" if reason else ""
        return f"Schedules: Temporal is not reachable{why}; a worker creates them when it starts."
    return "Schedules: " + ", ".join(f"{name} {result}" for name, result in results.items())
