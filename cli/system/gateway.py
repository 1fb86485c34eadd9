"""``journey gateway``: run the HTTP gateway."""

from pathlib import Path
from typing import Annotated

import typer

from api.app import create_app
from api.server import server_for
from cli.options import Data, command_app, use_data_folder
from logging_setup import configure_logs
from settings import read_settings

app = command_app()


@app.command()
def gateway(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    data: Data = Path(".journey"),
) -> None:
    """Run the HTTP gateway.

    Example: [bold]journey gateway --host 0.0.0.0 --port 8000[/bold]
    """
    use_data_folder(data)
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    server = server_for(
        create_app(settings),
        trusted_proxies=settings.trusted_proxies,
        connections_per_address=settings.connections_per_address,
        host=host,
        port=port,
        log_config=None,
        timeout_graceful_shutdown=20,
    )
    server.run()
    if not server.started:
        raise typer.Exit(3)
