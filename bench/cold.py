"""Worker CPU for a signal to an uncached journey with a long history. Floor: the same after one event.

Each round starts a new worker process, so that no journey is cached. The histories end at different positions between
two continue-as-news.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics

from contracts.journey_client import send_events
from tests.support.rig import System, call, cpu_seconds, each, system


async def send_history(machine: System, customers: list[str], lives: dict[str, int]) -> None:
    """Send every customer single events, one after the other, as many as `lives` says."""

    async def send(customer: str) -> None:
        for number in range(lives[customer]):
            await send_events(machine.client, 1, customer, [call(customer, number)])
            if number % 10 == 9:  # so that the journey does not commit all of them at once
                await machine.projected([f"{customer}-{number}"], pause=0.005)

    await each(customers, send, 4)


async def cold_cpu(machine: System, pid: int, customers: list[str], number: int) -> float:
    """CPU milliseconds of the worker per signal, one signal to each customer at a time."""
    before = cpu_seconds(pid)
    for customer in customers:
        await send_events(machine.client, 1, customer, [call(customer, number)])
        await machine.projected([f"{customer}-{number}"], pause=0.01)
    return 1000 * (cpu_seconds(pid) - before) / len(customers)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1000, help="events of a long history")
    parser.add_argument("--journeys", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    old = [f"old-{n}" for n in range(options.journeys)]
    young = [f"young-{n}" for n in range(options.journeys)]
    async with system() as machine:
        async with machine.worker():
            step = 20 // options.journeys or 1
            await send_history(machine, old, {customer: options.events + step * n for n, customer in enumerate(old)})
            await send_history(machine, young, dict.fromkeys(young, 1))
        ratios = []
        for number in range(options.rounds):
            async with machine.worker() as worker:
                pid = worker.process.pid
                warm = [f"warm-{number}-{n}" for n in range(10)]
                await cold_cpu(machine, pid, warm, 0)  # excludes the cost of a process's first commit
                floor = await cold_cpu(machine, pid, young, 10_000 + number)
                ours = await cold_cpu(machine, pid, old, 10_000 + number)
            ratios.append(ours / floor)
            print(f"cold: {ours:.1f} ms CPU after {options.events} events, {floor:.1f} ms after a few", flush=True)
        print(f"cold     ours ÷ floor {statistics.median(ratios):.2f} ({', '.join(f'{r:.2f}' for r in ratios)})")


if __name__ == "__main__":
    asyncio.run(main())
