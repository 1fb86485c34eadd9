"""What encryption costs: CPU of an event from its signal until it is in Postgres, with and without `ENCRYPTION_KEYS`.

Both take turns on the same server, in this process, which is client and worker.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import statistics
import time

from temporalio.client import Client

import connection
from bench.signals import Bench
from settings import Settings
from tests.support.rig import System, system
from worker import build_worker

KEY = base64.b64encode(bytes(range(32))).decode()


async def slice_cpu(machine: System, keys: str | None, name: str, size: int) -> float:
    """Milliseconds of CPU per event to `size` journeys that exist and are cached."""
    client = await Client.connect(machine.environment["TEMPORAL_ADDRESS"], data_converter=connection.converter(keys))
    machine.client = client
    customers = [f"{name}-{number}" for number in range(size)]
    bench = Bench(machine, size, 1)
    async with build_worker(client, machine.pool, Settings()):
        await bench.ours(customers)
        begin = time.process_time()
        await bench.ours(customers)
        return (time.process_time() - begin) / size * 1000


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=300, help="journeys per slice")
    parser.add_argument("--slices", type=int, default=9)
    options = parser.parse_args()
    async with system() as machine:
        pairs = []
        for number in range(options.slices):
            plain = await slice_cpu(machine, None, f"plain-{number}", options.size)
            sealed = await slice_cpu(machine, KEY, f"sealed-{number}", options.size)
            pairs.append((plain, sealed))
    ratios = [sealed / plain for plain, sealed in pairs]
    without, with_keys = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"CPU per event: {without:.2f} ms without, {with_keys:.2f} ms with encryption,"
        f" ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)})"
    )


if __name__ == "__main__":
    asyncio.run(main())
