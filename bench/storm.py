"""Thousands of journeys started at once while every core is busy with other work. None may be lost."""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import time

from contracts.journey_client import send_events
from tests.support.rig import call, each, system


def burn() -> None:
    while True:
        sum(range(10_000))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journeys", type=int, default=2000)
    options = parser.parse_args()
    customers = [f"storm-{n}" for n in range(options.journeys)]
    async with system() as machine, machine.worker() as worker:
        pid = worker.process.pid
        burners = [multiprocessing.Process(target=burn, daemon=True) for _ in range(os.cpu_count() or 1)]
        for burner in burners:
            burner.start()
        begin = time.perf_counter()
        try:

            async def start(customer: str) -> None:
                await send_events(machine.client, 1, customer, [call(customer, 0)])

            await each(customers, start, 200)
            sent = time.perf_counter() - begin
            await asyncio.wait_for(machine.projected([f"{customer}-0" for customer in customers], 0.5), 1200)
        finally:
            for burner in burners:
                burner.terminate()
        assert worker.process.pid == pid
        assert worker.running
        print(
            f"storm    {options.journeys} journeys sent in {sent:.0f} s, all projected after"
            f" {time.perf_counter() - begin:.0f} s, the worker survived"
        )


if __name__ == "__main__":
    asyncio.run(main())
