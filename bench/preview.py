"""Preview of changed rules over a large ledger. Floor: `bench.core`'s simulation of a log, in as many processes.

    python -m bench.preview LOG.jsonl.gz [--events 1000000] [--workers 2] [--rounds 3]

The ledger is the log, multiplied. Floor and preview take turns, both in all processes at once and with a low priority.
A preview simulates each life twice, decides the roll-out of each journey, and reads Postgres. Printed too: how much
memory a preview takes, and the 95th percentile of `POST /v1/events` with and without a preview. Targets: half of the
floor; memory that does not grow with the ledger; at most 1.5 times the latency.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import psycopg

from activities.separate_process import NICENESS
from bench.core import ours as simulate_log
from cli.events.event_log_file import read_log
from db.connections import owner_connection
from db.people import api_keys
from journey.events import Event
from journey.presets import DEFAULT_STAGES
from journey.simulate import Log
from journey.time import Micros
from local.services import Gateway
from tests.chaos.drill import Drill, Options, drill
from tests.support.journey_rows import insert_company

TARGET, LATENCY_TARGET = 0.5, 1.5
COMPANY = 50
COPY = 10_000  # distance between the ids of two copies of the log's customers
FLOOR_SECONDS = 8.0  # of one round, at least
INTAKE_PAUSE = 0.04  # seconds between two events
IDLE_SECONDS = 20.0

_COPIES = """
with copies as (select generate_series(1, %(copies)s) as n)
insert into customers (id, company_id, external_id)
select id + n * %(by)s, company_id, external_id || '-' || n from customers, copies where company_id = %(company)s;
with copies as (select generate_series(1, %(copies)s) as n)
insert into customer_relationships (id, company_id, customer_id, current_stage, stage_entered_at, lifetime_value,
    last_appointment_at, risk_score, engagement_score, next_deadline, next_stage, version, run_id, decided_at, state)
select id + n * %(by)s, company_id, customer_id + n * %(by)s, current_stage, stage_entered_at, lifetime_value,
    last_appointment_at, risk_score, engagement_score, next_deadline, next_stage, version, run_id, decided_at, state
  from customer_relationships, copies where company_id = %(company)s;
with copies as (select generate_series(1, %(copies)s) as n)
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
    version, rules_version)
select company_id, customer_id + n * %(by)s, event_id || '-' || n, content_hash, type, occurred_at,
    payload || jsonb_build_object('id', event_id || '-' || n, 'customer_id', payload ->> 'customer_id' || '-' || n),
    outcome, version, rules_version
  from journey_events, copies where company_id = %(company)s;
"""


def fill(url: str, log: Path, events: int) -> int:
    """Create a company whose ledger is the log as often as there are so many events; return how many there are.

    The last event happens now.
    """
    read = Log()
    for line in read_log(log):
        if line.event is not None:
            read.add(line.event)
    assert read.last_at is not None
    now = Micros(time.time_ns() // 1000)
    shift = timedelta(microseconds=now - read.last_at)
    insert_company(url, COMPANY, [_shifted(events, shift) for events in read.customers.values()], now)
    values = {"copies": str(max(0, -(-events // read.events) - 1)), "by": str(COPY), "company": str(COMPANY)}
    statements = _COPIES
    for name, value in values.items():
        statements = statements.replace(f"%({name})s", value)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # search terms are of no use here
        for statement in statements.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())
        connection.execute("delete from journey_unrolled")
        connection.execute("vacuum analyze")
        row = connection.execute("select count(*) from journey_events where company_id = 50").fetchone()
    assert row is not None
    return int(row[0])


def _shifted(events: list[Event], by: timedelta) -> list[Event]:
    return [msgspec.structs.replace(event, occurred_at=event.occurred_at + by) for event in events]


def _simulate_for(log: str) -> tuple[int, float]:
    """Simulate the log again and again; return the events, and the seconds that they took."""
    events, began = 0, time.perf_counter()
    while time.perf_counter() - began < FLOOR_SECONDS:
        events += simulate_log(Path(log))
    return events, time.perf_counter() - began


def floor(log: Path, workers: int) -> float:
    """Return the events per second of `bench.core` in so many processes at once."""
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=os.nice, initargs=(NICENESS,)) as pool:
        list(pool.map(time.sleep, [0.5] * workers))  # all are started
        return sum(events / seconds for events, seconds in pool.map(_simulate_for, [str(log)] * workers))


class Preview:
    """Previews on a running system."""

    def __init__(self, running: Drill, key: str) -> None:
        gateway = running.parts["gateway"]
        assert isinstance(gateway, Gateway)
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx2.AsyncClient(base_url=gateway.url, headers=headers, timeout=60, trust_env=False)
        self._workers = [part for name, part in running.parts.items() if name.startswith("worker")]

    async def run(self) -> tuple[float, list[int]]:
        """Preview a higher threshold; return the seconds, and the memory of the computing processes at each moment."""
        stages: list[dict[str, Any]] = deepcopy(DEFAULT_STAGES)
        stages[4]["auto_transition_rules"] = {"trigger": "lifetime_value", "conditions": {"value": ">=2000"}}
        began = time.perf_counter()
        path = f"/v1/stages/previews/{(await self._json('POST', '/v1/stages/preview', json={'stages': stages}))['id']}"
        memory: list[int] = []
        while (found := await self._json("GET", path))["status"] == "running":
            memory.append(self._memory())
            await asyncio.sleep(0.25)
        if found["status"] != "complete":
            raise RuntimeError(f"the preview has {found['status']}: {found['reason']}")
        took = time.perf_counter() - began
        await self.client.delete(path)
        return took, [each for each in memory if each]

    async def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = await self.client.request(method, path, **more)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def _memory(self) -> int:
        """Return the resident bytes of the largest process that computes a chunk."""
        pids = {part.process.pid for part in self._workers if part.running}
        sizes = [0]
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                is_computing = int(fields[1]) in pids and b"spawn_main" in (folder / "cmdline").read_bytes()
                sizes += [int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")] * is_computing
            except OSError:
                continue
        return max(sizes)

    async def intake(self, is_over: Callable[[], bool]) -> list[float]:
        """Send single events, at a steady pace, until it is over; return how long each took, in milliseconds."""
        took: list[float] = []
        number = 0
        while not is_over():
            number += 1
            event = {"id": uuid.uuid4().hex, "type": "call.received", "duration_seconds": 90}
            event |= {"customer_id": f"live-{number % 100}", "occurred_at": datetime.now(UTC).isoformat()}
            began = time.perf_counter()
            await self._json("POST", "/v1/events", json=event)
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(INTAKE_PAUSE)
        return took


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


async def main(log: Path, events: int, workers: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:
        async with drill(Path(folder), Options(workers=workers)) as running:
            began = time.perf_counter()
            count = await asyncio.to_thread(fill, running.database_url, log, events)
            async with owner_connection(running.database_url) as owner:
                key = (await api_keys.create(owner, COMPANY, "bench", api_keys.SCOPES))[1]
            print(f"{count:,} events written in {time.perf_counter() - began:.0f} s", flush=True)
            return await _measure(Preview(running, key), log, count, workers, rounds)


async def _measure(preview: Preview, log: Path, count: int, workers: int, rounds: int) -> int:
    ratios: list[float] = []
    for number in range(rounds):
        bare = await asyncio.to_thread(floor, log, workers)
        seconds, memory = await preview.run()
        ratios.append(count / seconds / bare)
        half = len(memory) // 2
        print(
            f"round {number + 1}: preview {count / seconds:,.0f} events/s ({seconds:.1f} s), floor {bare:,.0f}/s with"
            f" {workers} processes, ratio {ratios[-1]:.2f}; memory of a computing process at most"
            f" {max(memory[:half], default=0) / 2**20:.0f} MiB in the first half,"
            f" {max(memory[half:], default=0) / 2**20:.0f} MiB in the second",
            flush=True,
        )
    await preview.intake(_after(5))  # warms up
    idle = await preview.intake(_after(IDLE_SECONDS))
    task = asyncio.create_task(preview.run())
    busy = await preview.intake(task.done)
    await task
    idle += await preview.intake(_after(IDLE_SECONDS))  # before and after, because other load changes
    times = p95(busy) / p95(idle)
    print(
        f"intake: p95 {p95(idle):.1f} ms idle, {p95(busy):.1f} ms during a preview, ratio {times:.2f}"
        f" ({len(busy)} events; medians {statistics.median(idle):.1f} and {statistics.median(busy):.1f} ms)"
    )
    ratio = statistics.median(ratios)
    print(f"preview  ÷ floor {ratio:.2f} (target {TARGET}); intake {times:.2f} (target at most {LATENCY_TARGET})")
    return 0 if ratio >= TARGET and times <= LATENCY_TARGET else 1


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("log", type=Path, metavar="LOG")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    raise SystemExit(asyncio.run(main(options.log, options.events, options.workers, options.rounds)))
