"""``journey worker``: run one worker."""

from pathlib import Path

import typer

from cli.options import Data, command_app, use_data_folder
from worker import main

app = command_app()


@app.command()
def worker(data: Data = Path(".journey")) -> None:
    """Run one worker; SIGTERM drains it.

    Example: [bold]DATABASE_URL=… TEMPORAL_ADDRESS=… journey worker[/bold]
    """
    use_data_folder(data)
    raise typer.Exit(main())
