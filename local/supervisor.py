"""Restart services that end unexpectedly, and stop all of them in reverse order."""

import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import anyio
from anyio.abc import TaskGroup

from local.managed_process import ManagedProcess, StartFailed

MAX_QUICK_EXITS = 5
QUICK = 30.0  # seconds; a service that ran longer than this starts with a clean record
FIRST_RESTART_DELAY = 0.5  # seconds; doubled with each quick exit


class GaveUp(RuntimeError):
    """A service kept exiting; the message holds its last lines of output."""


class Supervisor:
    """The running services of one `up`. `say` receives a readable line whenever one of them exits or restarts."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.services: list[ManagedProcess] = []
        self._group: TaskGroup | None = None

    async def add(self, service: ManagedProcess) -> None:
        """Start a service, return when it is ready, and restart it from then on when it ends. Raises StartFailed."""
        assert self._group is not None
        self.services.append(service)
        await service.start()
        self._group.start_soon(self._keep_running, service)

    def run(self, serve: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a function of this process beside the services, until they are stopped."""
        assert self._group is not None
        self._group.start_soon(serve)

    async def _keep_running(self, service: ManagedProcess) -> None:
        exits = 0
        while True:
            began = monotonic()
            code = await service.exited()
            exits = 1 if monotonic() - began > QUICK else exits + 1
            problem = f"{service.name} exited unexpectedly ({_describe_exit(code)})"
            while True:
                if exits >= MAX_QUICK_EXITS:
                    lines = [f"{problem}, for the {exits}th time; last output:", *service.last_output()]
                    raise GaveUp("\n  ".join(lines))
                delay = FIRST_RESTART_DELAY * 2 ** (exits - 1)
                self.say(f"{problem}; restarting in {delay:g} s")
                await anyio.sleep(delay)
                try:
                    await service.start()
                except StartFailed as error:
                    exits += 1
                    problem = str(error).split(";", 1)[0]
                else:
                    self.say(f"{service.name} is running again")
                    break

    async def _stop(self) -> None:
        with anyio.CancelScope(shield=True):
            for service in reversed(self.services):
                if service.running:
                    self.say(f"stopping {service.name}")
                await service.stop()

    async def _listen(self, scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
            async for _ in received:
                if not scope.cancel_called:
                    scope.cancel()
                    continue
                self.say("killing the services that are still running")
                for service in self.services:
                    service.kill()


@asynccontextmanager
async def supervised(say: Callable[[str], None]) -> AsyncIterator[Supervisor]:
    """Yield a supervisor; the block ends at Ctrl-C, SIGTERM or SIGHUP, or with GaveUp, in a group.

    However the block ends, the services are stopped in reverse order; a second Ctrl-C kills them.
    """
    supervisor = Supervisor(say)
    async with anyio.create_task_group() as listeners:
        try:
            async with anyio.create_task_group() as group:
                supervisor._group = group
                listeners.start_soon(supervisor._listen, group.cancel_scope)
                yield supervisor
                group.cancel_scope.cancel()
        finally:
            await supervisor._stop()
            listeners.cancel_scope.cancel()


def _describe_exit(code: int) -> str:
    return f"code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
