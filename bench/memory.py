"""Worker memory per cached journey, and history size per single event at several ages of a journey."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace

from contracts.journey_client import journey_handle, send_events
from tests.support.rig import System, call, each, resident_bytes, system

AGES = (1, 50, 200)


async def memory(machine: System, size: int) -> None:
    """Print the KiB by which a worker grows per cached journey, not counting the first 200."""
    machine = replace(machine, environment={**machine.environment, "CACHED_JOURNEYS": str(2 * size)})
    async with machine.worker() as worker:

        async def start(customer: str) -> None:
            await send_events(machine.client, 1, customer, [call(customer, 0)])

        sizes = []
        for name, count in (("first", 200), ("more", size)):
            customers = [f"{name}-{n}" for n in range(count)]
            await each(customers, start)
            await machine.projected([f"{customer}-0" for customer in customers])
            await asyncio.sleep(2)
            sizes.append(resident_bytes(worker.process.pid))
        print(f"memory   {(sizes[1] - sizes[0]) / size / 1024:.0f} KiB per cached journey ({size} journeys)")


async def history(machine: System) -> None:
    """Print history events, bytes and timers per single event at several ages."""
    async with machine.worker():
        number = 0
        for age in AGES:
            while number < age:
                await send_events(machine.client, 1, "aging", [call("aging", number)])
                await machine.projected([f"aging-{number}"], pause=0.005)
                number += 1
            handle = journey_handle(machine.client, 1, "aging")
            before = (await handle.describe()).run_id
            sizes = [event.ByteSize() for event in (await handle.fetch_history()).events]
            single = 0
            while single < 50:
                await send_events(machine.client, 1, "aging", [call("aging", number)])
                await machine.projected([f"aging-{number}"], pause=0.005)
                number, single = number + 1, single + 1
                if (await journey_handle(machine.client, 1, "aging").describe()).run_id != before:
                    break
            grown = machine.client.get_workflow_handle(handle.id, run_id=before)
            events = list((await grown.fetch_history()).events)[len(sizes) :]
            tail = 1 if single < 50 else 0  # the last event of a run is followed by its continue-as-new
            timers = sum(event.HasField("timer_started_event_attributes") for event in events)
            count, size = (
                (len(events) - tail) / single,
                sum(e.ByteSize() for e in events[: len(events) - tail]) / single,
            )
            print(f"history  at age {age}: {count:.1f} events, {size:.0f} bytes, {timers} timers of {single} events")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--journeys", type=int, default=1000)
    options = parser.parse_args()
    async with system() as machine:
        await history(machine)
        await memory(machine, options.journeys)


if __name__ == "__main__":
    asyncio.run(main())
