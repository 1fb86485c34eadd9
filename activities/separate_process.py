"""Run a computation in a process of its own: its loops in Python would hold up the worker's workflows for seconds."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

NICENESS = 10  # of the process: workflows and activities go first
IDLE = 60.0  # seconds after which a process that is kept ends
PR_SET_PDEATHSIG = 1

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class ProcessDied(Exception):
    """The process ended before its computation did: it was killed, perhaps because memory was short.

    Not the exception of `concurrent.futures`: the SDK takes that for its own executor's, and ends the whole worker.
    """


async def in_separate_process(compute: Callable[[Argument], Result], argument: Argument) -> Result:
    """Call a function of a module in another process and return its result, or raise its exception.

    Raises:
        ProcessDied: The process was killed.
    """
    executor = _executor()
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, compute, argument)
    except BrokenProcessPool as error:
        raise ProcessDied(str(error)) from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


class SeparateProcess:
    """A process for many computations, one at a time; it starts with the first and ends after a pause without any."""

    def __init__(self, idle: float = IDLE) -> None:
        self._idle = idle
        self._turn = asyncio.Lock()
        self._executor: ProcessPoolExecutor | None = None
        self._end: asyncio.TimerHandle | None = None

    async def run(self, compute: Callable[[Argument], Result], argument: Argument) -> Result:
        """Call a function of a module and return its result, or raise its exception.

        Raises:
            ProcessDied: The process was killed; the next call starts another one.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            if self._end is not None:
                self._end.cancel()
            if self._executor is None:
                self._executor = _executor()
            try:
                return await loop.run_in_executor(self._executor, compute, argument)
            except BrokenProcessPool as error:
                self.close()
                raise ProcessDied(str(error)) from None
            finally:
                self._end = loop.call_later(self._idle, self.close)

    def close(self) -> None:
        """End the process after its current computation."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def _executor() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin, initargs=(os.getpid(),))


def _begin(parent: int) -> None:
    """Let other processes go first, and die with the parent: a killed worker cannot end its computation."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the request
            os.kill(os.getpid(), signal.SIGKILL)
