"""Latency of live events while every journey is being evaluated. Floor: the latency without an evaluation.

Measures the time from sending an event until it is in Postgres, one event after the other. Turns alternate between no
evaluation and one that has to repair every journey, because the rules have changed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from typing import Any

from temporalio.client import WorkflowHandle

from contracts import names
from contracts.journey_client import send_events
from contracts.maintenance import EvaluateAllStart
from db.connections import owner_connection
from tests.support.rig import System, call, each, system

# A new version of the same rules: every journey has to be evaluated once.
RULES = "update companies set rules_version = rules_version + 1, rules_changed_at = now() where id = 1"


async def latencies(system: System, seconds: float, base: int) -> list[float]:
    """Seconds from sending each event to its row in the ledger, for `seconds`."""
    took: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        number = base + len(took)
        customer, begin = f"live-{number % 50}", time.perf_counter()
        await send_events(system.client, 1, customer, [call(customer, number)])
        await system.projected([f"{customer}-{number}"], pause=0.002)
        took.append(time.perf_counter() - begin)
        await asyncio.sleep(0.05)
    return took


async def evaluation(system: System, rate: float) -> WorkflowHandle[Any, Any]:
    async with owner_connection(system.environment["DATABASE_URL"]) as owner:
        await owner.execute(RULES)
    return await system.client.start_workflow(
        names.EVALUATE_ALL,
        EvaluateAllStart(company=1, rate=rate),
        id=names.evaluation_id(1),
        task_queue=names.TASK_QUEUE,
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journeys", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=5.0, help="journeys evaluated per second")
    parser.add_argument("--seconds", type=float, default=15.0, help="length of a turn")
    parser.add_argument("--turns", type=int, default=4)
    options = parser.parse_args()
    async with system() as machine, machine.worker():
        customers = [f"c-{n}" for n in range(options.journeys)]
        await each(customers, lambda customer: send_events(machine.client, 1, customer, [call(customer, 0)]))
        await machine.projected([f"{customer}-0" for customer in customers], pause=0.5)
        idle: list[float] = []
        evaluating: list[float] = []
        for turn in range(options.turns):
            idle += await latencies(machine, options.seconds, 20_000 * turn + 1)
            handle = await evaluation(machine, options.rate)
            evaluating += await latencies(machine, options.seconds, 20_000 * turn + 10_001)
            await handle.cancel()
            await asyncio.sleep(2)
        medians = [1000 * statistics.median(times) for times in (evaluating, idle)]
        tails = [1000 * statistics.quantiles(times, n=20)[-1] for times in (evaluating, idle)]
        print(f"pace: an event is in Postgres after {medians[0]:.1f} ms (95 %: {tails[0]:.1f}) during an evaluation,")
        print(f"  {medians[1]:.1f} ms (95 %: {tails[1]:.1f}) without: {medians[0] / medians[1]:.2f} × ", end="")
        print(f"(95 %: {tails[0] / tails[1]:.2f} ×; {len(idle)} and {len(evaluating)} events)")


if __name__ == "__main__":
    asyncio.run(main())
