"""Live traffic while every journey is being evaluated, against the same traffic without it.

Latency from sending one event until it stands in Postgres, one event after the other, in turns: quiet, with an
evaluation of all that has every journey to repair (the rules have changed), quiet again, …
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

# A new version of the same rules: every journey has to be evaluated by it once.
RULES = "update companies set rules_version = rules_version + 1, rules_changed_at = now() where id = 1"


async def latencies(system: System, seconds: float, base: int) -> list[float]:
    """Seconds from sending an event to its row in the ledger, for as long as given."""
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
    parser.add_argument("--rate", type=float, default=5.0, help="journeys a second that are asked to evaluate")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    parser.add_argument("--turns", type=int, default=4)
    options = parser.parse_args()
    async with system() as made, made.worker():
        customers = [f"c-{n}" for n in range(options.journeys)]
        await each(customers, lambda customer: send_events(made.client, 1, customer, [call(customer, 0)]))
        await made.projected([f"{customer}-0" for customer in customers], pause=0.5)
        quiet: list[float] = []
        beside: list[float] = []
        for turn in range(options.turns):
            quiet += await latencies(made, options.seconds, 20_000 * turn + 1)
            handle = await evaluation(made, options.rate)
            beside += await latencies(made, options.seconds, 20_000 * turn + 10_001)
            await handle.cancel()
            await asyncio.sleep(2)
        medians = [1000 * statistics.median(times) for times in (beside, quiet)]
        tails = [1000 * statistics.quantiles(times, n=20)[-1] for times in (beside, quiet)]
        print(f"pace: an event is in Postgres after {medians[0]:.1f} ms (95 %: {tails[0]:.1f}) beside an evaluation,")
        print(f"  {medians[1]:.1f} ms (95 %: {tails[1]:.1f}) without: {medians[0] / medians[1]:.2f} × ", end="")
        print(f"(95 %: {tails[0] / tails[1]:.2f} ×; {len(quiet)} and {len(beside)} events)")


if __name__ == "__main__":
    asyncio.run(main())
