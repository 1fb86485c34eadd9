"""What the commands have in common: options, where the system is, how a command ends."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from local import data_folder

Data = Annotated[Path, typer.Option(help="The data folder of `up`.")]
Company = Annotated[int, typer.Option("--company", "-c", help="The company's id.", min=1)]
AnyCompany = Annotated[int | None, typer.Option("--company", "-c", help="Only this company.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settle(data: Path) -> None:
    """Point this process at the `up` that runs on ``data``, unless the environment points elsewhere."""
    for name, value in data_folder.environment(data).items():
        os.environ.setdefault(name, value)


def finish(work: Coroutine[Any, Any, int]) -> NoReturn:
    """Run a command; its number is the exit code. A part that does not answer is said in one line, code 1."""
    import psycopg

    try:
        code = asyncio.run(work)
    except (psycopg.OperationalError, RuntimeError) as error:
        Console(stderr=True, highlight=False).print(f"[red]error:[/red] {escape(str(error))}", markup=True)
        code = 1
    except ValueError as error:
        Console(stderr=True, highlight=False).print(f"[red]error:[/red] {escape(str(error))}", markup=True)
        code = 2
    # At the interpreter's own end a thread of Temporal's runtime may still be about to answer, which aborts the process
    # after all work is done (measured: one command in four that had waited for a workflow).
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
