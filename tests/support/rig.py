"""What the benchmarks share: a separate system on free ports, events, and the baseline workflow for comparison."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from db.connections import Pool, open_pool, tenant_rows
from db.people import companies
from db.schema.migrate import upgrade
from local import services
from local.embedded import Postgres, Temporal, free_port, running
from settings import Settings
from worker import STICKY_TIMEOUT

FLOOR_QUEUE = "floor"
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@workflow.defn(name="Counting")
class Counting:
    """The baseline: receives the same signals, decides nothing and writes nothing."""

    def __init__(self) -> None:
        self.count = 0

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.count < 0)

    @workflow.signal(dynamic=True)
    def take(self, name: str, arguments: Sequence[RawValue]) -> None:
        self.count += 1

    @workflow.query
    def counted(self) -> int:
        return self.count


def counting_worker(client: Client) -> Worker:
    """A worker of the baseline, with the production worker's limits."""
    settings = Settings()
    return Worker(
        client,
        task_queue=FLOOR_QUEUE,
        workflows=[Counting],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=settings.cached_journeys,
        max_concurrent_workflow_tasks=settings.workflow_slots,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
    )


@dataclass
class System:
    """An empty system with company 1. `environment` holds the variables with which a process connects to it."""

    client: Client
    pool: Pool
    environment: dict[str, str]
    key: str

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[services.Worker]:
        """A production worker in a separate process."""
        async with running(services.Worker(self.client, self.environment, lambda name, line: None)) as worker:
            yield worker

    async def projected(self, event_ids: Sequence[str], pause: float = 0.02) -> None:
        """Wait until the ledger has all these events."""
        statement = "select count(*) from journey_events where company_id = 1 and event_id = any(%s)"
        while (await tenant_rows(self.pool, 1, statement, [list(event_ids)]))[0][0] < len(event_ids):
            await asyncio.sleep(pause)


@asynccontextmanager
async def system() -> AsyncIterator[System]:
    """A separate Postgres and Temporal as `up` starts them, in temporary folders."""
    with tempfile.TemporaryDirectory(prefix="pb-") as one, tempfile.TemporaryDirectory(prefix="pb-") as two:
        async with running(Postgres(Path(one))) as postgres, running(Temporal(Path(two), port=free_port())) as temporal:
            upgrade(postgres.url)
            key = await companies.ensure_first(postgres.url)
            pool = await open_pool(postgres.url, min_size=2, max_size=8)
            client = await Client.connect(temporal.address)
            environment = {**os.environ, "DATABASE_URL": postgres.url, "TEMPORAL_ADDRESS": temporal.address}
            try:
                yield System(client, pool, environment, key or "")
            finally:
                await pool.close()


def call(customer: str, number: int) -> dict[str, Any]:
    """One event: a call in the last hour, too short to create a lead, so that no action follows."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600 + number % 3000))
    fields = {"id": f"{customer}-{number}", "type": "call.received", "customer_id": customer}
    return {**fields, "occurred_at": at, "duration_seconds": 30}


async def each(customers: Iterable[str], send: Callable[[str], Awaitable[Any]], concurrency: int = 32) -> None:
    """Call `send` for every customer, `concurrency` at a time."""
    left = iter(customers)

    async def lane() -> None:
        for customer in left:
            await send(customer)

    await asyncio.gather(*(lane() for _ in range(concurrency)))


def cpu_seconds(pid: int) -> float:
    """CPU that a process has used so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
