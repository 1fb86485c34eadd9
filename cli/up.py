"""``journey up``: run everything on this machine until Ctrl-C."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import anyio

from local import data_folder
from local.console import Console
from local.managed_process import StartFailed
from local.stack import run_stack
from local.supervisor import GaveUp
from settings import read_settings


def up_command(data: Path, port: int, *, dashboard: bool, demo: bool) -> None:
    """Run everything until Ctrl-C. Raises SystemExit(1), after printing the reason, when a service cannot run."""
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
