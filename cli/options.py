"""What commands share: options, and running one against the system that the environment or `up` names."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from local import data_folder

if TYPE_CHECKING:
    from settings import Settings

Data = Annotated[Path, typer.Option(help="The data folder of `journey up`.")]
Company = Annotated[int, typer.Option("--company", "-c", help="The company's id.", min=1)]
AnyCompany = Annotated[int | None, typer.Option("--company", "-c", help="Limit to this company.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def command_app(help_text: str | None = None) -> typer.Typer:
    """The Typer app of one command's module; with `help_text`, it is a group of subcommands."""
    app = typer.Typer(help=help_text, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    if help_text is not None:
        app.callback()(lambda: None)  # a group even with a single subcommand
    return app


def use_data_folder(data: Path) -> None:
    """Set the environment variables of the `up` that runs on ``data``; variables that are set already win."""
    for name, value in data_folder.environment(data).items():
        os.environ.setdefault(name, value)


def run(data: Path, work: Callable[["Settings"], Coroutine[Any, Any, int]]) -> NoReturn:
    """Run a command's work; its result is the exit code.

    Args:
        data: the data folder, in case an `up` is running on it.
        work: called with the settings. ValueError is reported as wrong use (exit code 2), RuntimeError and
            psycopg.OperationalError as a service that is unavailable (exit code 1).
    """
    import psycopg

    from settings import read_settings

    use_data_folder(data)
    settings = read_settings()
    try:
        code = asyncio.run(work(settings))
    except (psycopg.OperationalError, RuntimeError) as error:
        code = _report(error, 1)
    except ValueError as error:
        code = _report(error, 2)
    # While the interpreter shuts down, a thread of Temporal's runtime may still deliver a result, which aborts the
    # process after all work is done (measured: one in four commands that had waited for a workflow).
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _report(error: Exception, code: int) -> int:
    Console(stderr=True, highlight=False).print(f"[red]error:[/red] {escape(str(error))}", markup=True)
    return code
