"""``journey up``: run everything on this machine until Ctrl-C."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from cli.options import Data, command_app
from local import data_folder
from local.console import Console
from local.managed_process import StartFailed
from local.stack import run_stack
from local.supervisor import GaveUp
from settings import read_settings

app = command_app()


@app.command()
def up(
    data: Data = Path(".journey"),
    port: Annotated[int, typer.Option(help="Port of the gateway; if it is in use, the next free one.")] = 8000,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty system with a demo company.")] = False,
    dashboard: Annotated[bool, typer.Option(help="Build the dashboard if it is missing or outdated.")] = True,
) -> None:
    """Run everything on this machine until Ctrl-C.

    Starts Postgres, Temporal, a worker and the gateway with the dashboard. DATABASE_URL and TEMPORAL_ADDRESS, if set,
    are used instead of the embedded Postgres and Temporal. A second start continues with the same data.

    Example: [bold]journey up --demo --data /var/lib/journeys --port 9000[/bold]
    """
    console = Console()
    try:
        settings = read_settings()
        run = partial(
            run_stack,
            owner_url=settings.owner_url,
            dashboard=Path(settings.dashboard) if dashboard else None,
            demo=demo,
        )
        with data_folder.locked(data):
            anyio.run(run, data.resolve(), port, console)
    except* (data_folder.FolderInUseError, StartFailed, GaveUp, OSError) as group:
        console.error("\n".join(_messages(group)))
        raise SystemExit(1) from None


def _messages(group: BaseExceptionGroup[BaseException]) -> Iterable[str]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _messages(error)
        else:
            yield str(error)
