"""Run a computation in a process of its own: its loops in Python would hold up the worker's workflows for seconds."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

NICENESS = 10  # of the process: workflows and activities go first

Argument = TypeVar("Argument")
Result = TypeVar("Result")


async def in_separate_process(compute: Callable[[Argument], Result], argument: Argument) -> Result:
    """Call a function of a module in another process and return its result, or raise its exception."""
    executor = ProcessPoolExecutor(1, get_context("spawn"), initializer=os.nice, initargs=(NICENESS,))
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, compute, argument)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
