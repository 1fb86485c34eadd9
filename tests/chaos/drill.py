"""The drill: journeys process a stream of events while every part of the system is killed repeatedly.

    python -m tests.chaos.drill [--journeys 300] [--events 3000] [--kills 5] [--freezes 2] [--seconds 120] [--seed 1]
    python -m tests.chaos.drill --actions [--journeys 500] [--kills 20] …
    python -m tests.chaos.drill --restore postgres [--journeys 500] …

Worker, gateway, Postgres and Temporal get SIGKILL at random times, also while another one is down or starting, and are
restarted after a random pause. A frozen worker (SIGSTOP, later SIGCONT) is considered dead by all others and then
continues where it was. Meanwhile, pairs of customers are merged. When the stream has ended and all are up,
`invariants.check` compares the responses, the ledger, the projection and the workflows. The exit code is 1 if an
invariant is violated. With `--actions`, only workers are killed, while stage actions run (see `acting_drill.py`). With
`--restore`, nothing is killed; Postgres or Temporal is restored from an older backup (see `restore_drill.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.client import Client

import connection
from contracts.journey_client import CommandError, merge_customers
from contracts.requests import MergeRequest
from db.connections import owner_connection
from db.people import api_keys, companies
from db.schema.migrate import upgrade
from local.embedded import Postgres, Temporal, free_port
from local.managed_process import ManagedProcess, StartFailed
from local.services import Gateway, Worker
from tests.chaos.invariants import Finding, check
from tests.chaos.report import report
from tests.chaos.stream import Answers, Call, Stream, plan

COMPANIES = 3
PAUSES = (0.0, 3.0)  # seconds before a killed part is restarted
LONG_PAUSE = 7.0  # seconds: every second outage of Postgres outlasts a local commit
FREEZE = 13.0  # seconds: longer than a workflow task waits for its worker
PATIENCE = 120.0  # seconds until the system is idle: an activity retry waits up to 30


class OneOfSeveral(Worker):
    """One of several workers. Temporal may list only the pollers of others, so its own log shows when it is ready."""

    async def answers(self) -> bool:
        return any("worker is polling" in line for line in list(self.tail))


@dataclass(frozen=True)
class Options:
    """Size of a drill.

    Attributes:
        kills: Number of kills of each part (each worker is one); with `actions`, of all workers together.
        freezes: Number of freezes of workers; ignored with `actions`, like `events`.
        merges: Number of merges of two customers each.
        restore: The store that is restored from a backup, `postgres` or `temporal`; then nothing is killed.
        seconds: Length of the stream.
    """

    journeys: int = 300
    events: int = 3000
    kills: int = 5
    freezes: int = 2
    merges: int = 6
    seconds: float = 120.0
    workers: int = 2
    seed: int = 1
    actions: bool = False
    restore: str = ""


@dataclass
class Drill:
    """The parts, which are kept running, and what was done to them. `down`: milliseconds for which each was down."""

    options: Options
    parts: dict[str, ManagedProcess]
    client: Client
    database_url: str
    company_keys: dict[int, str]
    kills: Counter[str] = field(default_factory=Counter)
    freezes: Counter[str] = field(default_factory=Counter)
    own_ends: Counter[str] = field(default_factory=Counter)
    failed_starts: Counter[str] = field(default_factory=Counter)
    down: Counter[str] = field(default_factory=Counter)
    away_until: dict[str, float] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    merges: int = 0

    async def run(self) -> None:
        """Run the stream and the kills; return when every call is answered and every part is up again."""
        options, seed = self.options, self.options.seed
        companies, now = list(self.company_keys), time.time_ns() // 1000
        calls = plan(random.Random(seed), companies, options.journeys, options.events, now, options.seconds)
        attacks = [self.strike([name], random.Random(f"{seed} {name}")) for name in self.parts]
        merges = self._merge_customers(calls, random.Random(f"{seed} merges"))
        await self.live(calls, self._freeze(random.Random(f"{seed} ice")), merges, *attacks)

    async def live(self, calls: list[Call], *attacks: Coroutine[Any, Any, None]) -> None:
        """Make these calls during these kills; return when every call is answered and every part is up again."""
        gateway = self.parts["gateway"]
        assert isinstance(gateway, Gateway)
        stream = Stream(gateway.url, self.company_keys, calls, self.options.seconds)
        self.answers = stream.answers
        keepers = [asyncio.create_task(self._keep(name)) for name in self.parts]
        try:
            async with asyncio.timeout(self.options.seconds + 300):
                await asyncio.gather(stream.run(), *attacks)
                while not self._all_up():
                    await asyncio.sleep(0.2)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)

    def _all_up(self) -> bool:
        return not self.away_until and all(part.running for part in self.parts.values())

    async def strike(self, names: Sequence[str], chance: random.Random) -> None:
        """Kill one of these parts that is running, at random times within the stream."""
        span = self.options.seconds
        instants = sorted(chance.uniform(0.03 * span, 0.95 * span) for _ in range(self.options.kills))
        begin = time.monotonic()
        for number, instant in enumerate(instants):
            await asyncio.sleep(max(0.0, begin + instant - time.monotonic()))
            while not (up := [name for name in names if self.parts[name].running]):  # nothing is running yet
                await asyncio.sleep(0.05)
            name = chance.choice(up)
            pause = LONG_PAUSE if name == "postgres" and number % 2 else chance.uniform(*PAUSES)
            self.away_until[name] = time.monotonic() + pause
            self.parts[name].kill()
            self.kills[name] += 1

    async def _freeze(self, chance: random.Random) -> None:
        """Freeze a worker, and let it continue when all others have given up waiting for it."""
        for _ in range(self.options.freezes):
            await asyncio.sleep(chance.uniform(0.05, 0.8) * self.options.seconds / self.options.freezes)
            name = chance.choice([name for name in self.parts if name.startswith("worker")])
            while not self.parts[name].running:
                await asyncio.sleep(0.05)
            process = self.parts[name].process
            os.killpg(process.pid, signal.SIGSTOP)
            self.freezes[name] += 1
            thawed = time.monotonic() + FREEZE
            while time.monotonic() < thawed and process.poll() is None:
                await asyncio.sleep(0.1)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)

    async def _merge_customers(self, calls: list[Call], chance: random.Random) -> None:
        """Merge pairs of customers while their events arrive, each until it is answered."""
        customers = sorted({(call.company, event["customer_id"]) for call in calls for event in call.events})
        chance.shuffle(customers)
        begin, waiting = time.monotonic(), []
        for company in self.company_keys:
            own = [customer for of_company, customer in customers if of_company == company]
            waiting += [(company, *pair) for pair in zip(own[::2], own[1::2], strict=False)]
        chance.shuffle(waiting)
        for number, (company, merged, into) in enumerate(waiting[: self.options.merges], 1):
            instant = 0.9 * self.options.seconds * number / self.options.merges
            await asyncio.sleep(max(0.0, begin + instant - time.monotonic()))
            self.merges += await self._merge(company, merged, into)

    async def _merge(self, company: int, merged: str, into: str) -> bool:
        """Merge two customers; False if one of them is unknown so far."""
        request: MergeRequest = {"company_id": company, "customer_id": merged, "into": into, "actor": "drill"}
        while True:
            try:
                result = await merge_customers(self.client, request, timeout=30)
            except CommandError:  # not answered: Temporal is down, or the merge is still running
                await asyncio.sleep(0.5)
                continue
            # The answer to an earlier attempt was lost.
            return "refused" not in result or "already" in result["refused"][1]

    async def _keep(self, name: str) -> None:
        """Restart a part whenever it exits, as a supervisor does."""
        part = self.parts[name]
        while True:
            if part.running:
                await asyncio.sleep(0.05)
                continue
            gone = time.monotonic()
            self.own_ends[name] += name not in self.away_until
            while not part.running or name in self.away_until:
                self.away_until.setdefault(name, gone)
                await asyncio.sleep(max(0.0, self.away_until[name] - time.monotonic()))
                try:
                    await part.start()
                except StartFailed:  # killed while starting, or it needs a part that is down
                    self.failed_starts[name] += 1
                    await asyncio.sleep(0.2)
                else:
                    del self.away_until[name]
            self.down[name] += round(1000 * (time.monotonic() - gone))

    async def check(self, patience: float = PATIENCE) -> list[Finding]:
        """Every violated invariant, once the system is idle."""
        return await check(self.database_url, self.client, self.answers, patience)


@asynccontextmanager
async def drill(data: Path, options: Options, settings: Mapping[str, str] | None = None) -> AsyncIterator[Drill]:
    """A separate system in `data`, with companies and keys and all parts up; stopped at the end.

    `settings` are additional environment variables of worker and gateway.
    """
    log = (data / "parts.log").open("a")

    def sink(name: str, line: str) -> None:
        log.write(f"{time.strftime('%H:%M:%S')} {name}: {line}\n")

    postgres, temporal = Postgres(data, sink=sink), Temporal(data, port=free_port(), sink=sink)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    environment |= {"DATABASE_URL": postgres.url, "TEMPORAL_ADDRESS": temporal.address}
    environment |= {"TEMPORAL_CONFIG_FILE": os.devnull, "RATE_LIMIT": "1000000/minute", "LOG_FORMAT": "json"}
    environment |= settings or {}
    started: list[ManagedProcess] = []
    parts: dict[str, ManagedProcess] = {"postgres": postgres, "temporal": temporal}
    try:
        for part in parts.values():
            started.append(part)
            await part.start()
        await asyncio.to_thread(upgrade, postgres.url)
        company_keys = {}
        async with owner_connection(postgres.url) as owner:
            for number in range(COMPANIES):
                company = await companies.create(owner, f"Company {number}")
                scopes = [api_keys.EVENTS_WRITE, api_keys.RETRACT_EVENTS]
                company_keys[company] = (await api_keys.create(owner, company, "drill", scopes))[1]
        client = await Client.connect(temporal.address, data_converter=connection.converter(None))
        for number in range(options.workers):
            parts[f"worker {number + 1}"] = OneOfSeveral(client, environment, sink)
        parts["gateway"] = Gateway(free_port(), environment, sink)
        for part in list(parts.values())[2:]:
            started.append(part)
            await part.start()
        yield Drill(options, parts, client, postgres.url, company_keys)
    finally:
        for part in reversed(started):
            await part.stop()
        log.close()


async def main(options: Options, data: Path) -> int:
    if options.restore:
        from tests.chaos.restore_drill import main as with_restore  # it imports this module

        return await with_restore(options, data)
    if options.actions:
        from tests.chaos.acting_drill import (
            main as with_actions,  # it imports this module and the test packages
        )

        return await with_actions(options, data)
    async with drill(data, options) as running:
        began = time.monotonic()
        await running.run()
        lived = time.monotonic() - began
        findings = await running.check()
        report(running, findings)
        print(f"{lived:.0f} s of stream, at rest and checked {time.monotonic() - began - lived:.0f} s later")
    return 1 if findings else 0


def read_options() -> tuple[Options, Path | None]:
    parser = argparse.ArgumentParser(description="Kill every part under load, then check the invariants.")
    for name, default in vars(Options()).items():
        if isinstance(default, bool):
            parser.add_argument(f"--{name}", action="store_true", help="run stage actions, and kill only workers")
        elif name == "restore":
            parser.add_argument("--restore", choices=("postgres", "temporal"), default="", help="restore this store")
        else:
            parser.add_argument(f"--{name}", type=type(default), default=default, help=f"default {default}")
    parser.add_argument("--data", type=Path, help="an empty folder to keep; default: a temporary one")
    given = vars(parser.parse_args())
    data = given.pop("data")
    return Options(**given), data


if __name__ == "__main__":
    chosen, kept = read_options()
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        sys.exit(asyncio.run(main(chosen, kept)))
    with tempfile.TemporaryDirectory(prefix="perdure-chaos-") as folder:
        sys.exit(asyncio.run(main(chosen, Path(folder))))
