"""POST /v1/events with 100 events of 100 customers. Floor: the same signal-with-start calls from a bare client.

Both send the same number of signals at the same concurrency to the same Temporal server, without a worker. With
``--fresh``, to customers without a journey.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from temporalio.client import Client

from bench.load import Server, load, post, serving
from db.people import companies
from db.schema.migrate import upgrade
from local.embedded import Postgres, Temporal, free_port, running

BATCH = 100
CONCURRENCY = 32


def event(customer: str, number: int) -> dict[str, Any]:
    return {
        "id": f"{customer}-{number}",
        "type": "appointment.completed",
        "customer_id": customer,
        "occurred_at": "2026-01-05T09:00:00Z",
        "amount": "49.90",
    }


class Bench:
    def __init__(self, client: Client, server: Server, key: str, options: argparse.Namespace) -> None:
        self.client, self.server, self.key, self.options = client, server, key, options
        self.numbers = count()

    def batches(self, name: str, number: int) -> Iterator[list[dict[str, Any]]]:
        """`options.requests` batches; ids of fresh customers contain the number of the round."""
        round_id = str(number) if self.options.fresh else ""
        for request in range(self.options.requests):
            yield [event(f"{name}{round_id}-{request}-{n}", next(self.numbers)) for n in range(BATCH)]

    async def floor(self, number: int) -> float:
        """Events per second of the bare client."""
        started = time.perf_counter()
        for batch in self.batches("floor", number):
            left = iter(batch)

            async def consume(left: Iterator[dict[str, Any]] = left) -> None:
                for fields in left:
                    await self.client.start_workflow(
                        "Floor",
                        id=fields["customer_id"],
                        task_queue="floor",
                        start_signal="events",
                        start_signal_args=[[fields]],
                    )

            await asyncio.gather(*(consume() for _ in range(CONCURRENCY)))
        return float(self.options.requests) * BATCH / (time.perf_counter() - started)

    async def ours(self, number: int) -> float:
        """Events per second through the gateway, one request at a time."""
        bodies = [orjson.dumps({"events": batch}) for batch in self.batches("c", number)]
        requests = iter([post("/v1/events", self.key, body) for body in bodies])
        return BATCH * await load(self.server.port, lambda: next(requests, None), 1, b"202")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10, help="requests of 100 events per round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fresh", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pb-") as one, tempfile.TemporaryDirectory(prefix="pb-") as two:
        async with running(Postgres(Path(one))) as postgres, running(Temporal(Path(two), port=free_port())) as temporal:
            upgrade(postgres.url)
            key = await companies.ensure_first(postgres.url)
            assert key is not None
            env = {"DATABASE_URL": postgres.url, "TEMPORAL_ADDRESS": temporal.address}
            server = Server("api.app:app_factory", {**env, "INTAKE_CONCURRENCY": str(CONCURRENCY)})
            async with serving(server):
                await measure(Bench(await Client.connect(temporal.address), server, key, options), options.rounds)


async def measure(bench: Bench, rounds: int) -> None:
    floors, ours = [], []
    for number in range(rounds + 1):
        floors.append(await bench.floor(number))
        ours.append(await bench.ours(number))
    floors, ours = floors[1:], ours[1:]  # the first round warms up and creates the journeys
    ratios = [mine / its for mine, its in zip(ours, floors, strict=True)]
    print(
        f"intake   {statistics.median(ours):8.0f} events/s   floor {statistics.median(floors):8.0f}/s"
        f"   ours ÷ floor {statistics.median(ratios):.2f}  (of {', '.join(f'{r:.2f}' for r in ratios)})"
    )


if __name__ == "__main__":
    asyncio.run(main())
