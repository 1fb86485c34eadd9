"""Keeps started parts alive, and stops them in reverse order."""

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic

import anyio
from anyio.abc import TaskGroup

from local.managed_process import Child, StartFailed

MOST_QUICK_ENDS = 5
QUICK = 30.0  # seconds; a part that lived longer than this starts with a clean record
FIRST_PAUSE = 0.5  # seconds; doubled with each quick end


class GaveUp(RuntimeError):
    """A part kept ending; the message holds its last lines."""


class Supervisor:
    """The parts of one `up`. `say` gets a line for people whenever something happens to one."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.parts: list[Child] = []
        self._group: TaskGroup | None = None

    async def add(self, part: Child) -> None:
        """Start `part`, return when it answers, and keep it alive from then on. Raises StartFailed."""
        assert self._group is not None
        self.parts.append(part)
        await part.start()
        self._group.start_soon(self._keep, part)

    async def _keep(self, part: Child) -> None:
        ends = 0
        while True:
            began = monotonic()
            code = await part.exited()
            ends = 1 if monotonic() - began > QUICK else ends + 1
            problem = f"{part.name} ended by itself ({_meaning(code)})"
            while True:
                if ends >= MOST_QUICK_ENDS:
                    raise GaveUp("\n  ".join([f"{problem}, for the {ends}th time; its last lines:", *part.tail]))
                pause = FIRST_PAUSE * 2 ** (ends - 1)
                self.say(f"{problem}; starting it again in {pause:g} s")
                await anyio.sleep(pause)
                try:
                    await part.start()
                except StartFailed as error:
                    ends += 1
                    problem = str(error).split(";", 1)[0]
                else:
                    self.say(f"{part.name} is back")
                    break

    async def _stop(self) -> None:
        with anyio.CancelScope(shield=True):
            for part in reversed(self.parts):
                if part.running:
                    self.say(f"stopping {part.name}")
                await part.stop()

    async def _listen(self, scope: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as received:
            async for _ in received:
                if not scope.cancel_called:
                    scope.cancel()
                    continue
                self.say("killing what still runs")
                for part in self.parts:
                    part.kill()


@asynccontextmanager
async def supervised(say: Callable[[str], None]) -> AsyncIterator[Supervisor]:
    """A supervisor whose block ends at Ctrl-C, SIGTERM or SIGHUP, or when a part is given up (GaveUp, in a group).

    However the block ends, the parts are stopped, the last one started first; a second Ctrl-C kills them.
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


def _meaning(code: int) -> str:
    return f"code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
