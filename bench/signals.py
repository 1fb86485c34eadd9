"""Events to distinct journeys until they are in Postgres. Floor: the same signals to a workflow that only counts.

``signals``: one event to each of N existing journeys. ``bursts``: 20 events to each in one signal. ``apart``: the same,
with a floor that gets them one by one. ``starts``: N new journeys. Both take turns in short slices on the same server.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from datetime import timedelta

from contracts.journey_client import send_events
from settings import Settings
from tests.support.rig import FLOOR_QUEUE, System, call, counting_worker, each, system
from worker import build_worker


class Bench:
    """Measures ``slices`` turns of ``size`` journeys each."""

    def __init__(self, system: System, size: int, slices: int) -> None:
        self.system, self.size, self.slices = system, size, slices
        self.sent = 0

    async def floor(self, customers: Sequence[str], burst: int = 1, apart: bool = False) -> float:
        """Seconds until all are counted; the events of a burst are sent in one signal, or one by one if ``apart``."""
        client, begin = self.system.client, time.perf_counter()

        async def send(customer: str) -> None:
            events = [call(customer, n) for n in range(burst)]
            for signal in ([event] for event in events) if apart else [events]:
                await client.start_workflow(
                    "Counting",
                    id=f"floor/{customer}",
                    task_queue=FLOOR_QUEUE,
                    start_signal="events",
                    start_signal_args=[signal],
                )

        await each(customers, send)
        for customer in customers[-32:]:  # the queue is processed in order: when the last ones have counted, all have
            await client.get_workflow_handle(f"floor/{customer}").query("counted", rpc_timeout=timedelta(seconds=60))
        return time.perf_counter() - begin

    async def ours(self, customers: Sequence[str], burst: int = 1) -> float:
        """Seconds until all are in Postgres."""
        self.sent += 1
        base, begin = 100 * self.sent, time.perf_counter()

        async def send(customer: str) -> None:
            await send_events(self.system.client, 1, customer, [call(customer, base + n) for n in range(burst)])

        await each(customers, send)
        await self.system.projected([f"{customer}-{base}" for customer in customers])
        return time.perf_counter() - begin

    async def measure(self, name: str) -> float:
        """Print and return journeys per second of both and their ratio."""
        burst = 20 if name in ("bursts", "apart") else 1
        ours, floors = [], []
        for number in range(self.slices):
            customers = [f"{name}-{number}-{n}" for n in range(self.size)]
            if name != "starts":
                await self.floor(customers)
                await self.ours(customers)
            floors.append(await self.floor(customers, burst, name == "apart"))
            ours.append(await self.ours(customers, burst))
        ratios = [floor / our for floor, our in zip(floors, ours, strict=True)]
        print(
            f"{name:8} {self.size / statistics.median(ours):6.0f} journeys/s"
            f"   floor {self.size / statistics.median(floors):6.0f}/s   ours ÷ floor {statistics.median(ratios):.2f}"
            f"   ({min(ratios):.2f} to {max(ratios):.2f} in {self.slices})",
            flush=True,
        )
        return statistics.median(ratios)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["signals", "bursts", "apart", "starts"])
    parser.add_argument("--size", type=int, default=200, help="journeys per slice")
    parser.add_argument("--slices", type=int, default=7)
    options = parser.parse_args()
    async with system() as machine:
        settings = Settings()
        async with counting_worker(machine.client), build_worker(machine.client, machine.pool, settings):
            bench = Bench(machine, options.size, options.slices)
            for name in options.names:
                await bench.measure(name)


if __name__ == "__main__":
    asyncio.run(main())
