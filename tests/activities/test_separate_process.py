"""Processes for computations: kept between them, replaced after their death, and never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from activities.separate_process import NICENESS, ProcessDied, SeparateProcess


def process_and_niceness(_: object) -> tuple[int, int]:
    return os.getpid(), os.nice(0)


def sleep(seconds: float) -> None:
    time.sleep(seconds)


async def test_a_process_is_kept_replaced_and_ended() -> None:
    process = SeparateProcess(idle=0.3)
    first, niceness = await process.run(process_and_niceness, None)
    assert (first != os.getpid(), niceness >= NICENESS) == (True, True)
    assert (await process.run(process_and_niceness, None))[0] == first
    sleeping = asyncio.create_task(process.run(sleep, 60.0))
    await asyncio.sleep(0.1)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ProcessDied):
        await sleeping
    second, _ = await process.run(process_and_niceness, None)
    assert second != first
    await gone(second)  # nothing to do for a while


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while is_running(pid):
            await asyncio.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


PARENT = """
import asyncio
from activities.separate_process import SeparateProcess
from tests.activities.test_separate_process import process_and_niceness, sleep

async def main():
    process = SeparateProcess()
    print((await process.run(process_and_niceness, None))[0], flush=True)
    await process.run(sleep, 60.0)

if __name__ == "__main__":
    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's death signal")
async def test_a_process_dies_with_its_killed_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(await asyncio.to_thread(parent.stdout.readline))
    await asyncio.sleep(0.1)
    assert is_running(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await gone(child)
