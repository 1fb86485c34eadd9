"""The drill of changed rules: previews and roll-outs while workers and the gateway are killed, and events arrive.

    python -m tests.chaos.rules_drill LOG.jsonl.gz [--kills 2] [--rate 500] [--pause 0.05] [--seed 1]

Imports the log, with all times shifted so that the last event happens now. Then come five edits, each from the rules of
the one before: a threshold up, a threshold down, a new stage between, a stage removed, lapse by the customers' rhythms.
Each is previewed and rolled out, while workers and the gateway get SIGKILL and events of random customers arrive, and
every journey is compared with the preview: those without an event since must be as it says, those with one as the core
decides it, and those that only time has moved are counted. At the end two changes are made in a row, whose roll-outs
overlap. The exit code is 1 if a journey differs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from db.connections import owner_connection
from db.people import api_keys
from local.services import JOURNEY, Gateway
from tests.chaos.drill import Drill, Options, drill
from tests.support.rollout_checks import Comparison, compare, rulebooks, stored_journeys
from tests.support.rule_edits import EDITS, edited

PATIENCE = 900.0  # seconds until a preview or a roll-out is complete
SETTLED = 60.0  # seconds until the last commits are written
WAITS = (0.3, 3.0)  # seconds before each kill
ATTEMPTS = 200  # of a request while the gateway is down


@dataclass
class RulesDrill:
    """A running system, its first company, and what was found."""

    running: Drill
    key: str
    company: int
    chance: random.Random
    pause: float
    kills: int
    waits: tuple[float, float] = WAITS
    found: list[tuple[str, Comparison, dict[str, Any]]] = field(default_factory=list)
    sent: int = 0
    problems: list[str] = field(default_factory=list)
    client: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=20, trust_env=False))

    @property
    def url(self) -> str:
        return self.running.database_url

    async def run(self, names: list[str], *, ends_in_a_row: bool) -> None:
        """Make the edits with these names, and then perhaps two changes in a row."""
        keepers = [asyncio.create_task(self.running._keep(name)) for name in self.running.parts]
        try:
            for name in names:
                await self._edit(name)
            if ends_in_a_row:
                await self._two_in_a_row()
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            await self.client.aclose()

    async def _edit(self, name: str) -> None:
        """Preview an edit, roll it out, and compare every journey."""
        rules = await self._request("GET", "/v1/stages")
        stages, version = edited(rules["stages"], name), rules["version"] + 1
        before = stored_journeys(self.url, self.company)
        began = time.monotonic()
        preview_id = (await self._request("POST", "/v1/stages/preview", json={"stages": stages}))["id"]
        path = f"/v1/stages/previews/{preview_id}"
        preview = await self._attacked(self._complete(path), f"{name}: preview")
        previewed = time.monotonic() - began
        if preview["status"] != "complete":
            self.problems.append(f"{name}: the preview has {preview['status']}: {preview['reason']}")
            return
        customers = [journey.customer for journey in before.values()]
        live = asyncio.create_task(self._live(customers))
        headers = {"If-Match": f'"{version - 1}"'}
        body = {"stages": stages, "preview_id": preview_id, "reason": name}
        await self._request("PUT", "/v1/stages", json=body, headers=headers, is_done=self._is_in_force(version))
        path = f"/v1/stages/rollouts/{version}"
        rollout = await self._attacked(self._complete(path), f"{name}: roll-out")
        live.cancel()
        await asyncio.gather(live, return_exceptions=True)
        compared = await self._settled(before, preview_id, version)
        seconds = time.monotonic() - began
        moved = sum(move["count"] for move in preview["moves"])
        print(
            f"{name:18} preview {previewed:5.1f} s, {moved:,} of {preview['customers']:,} to move; {seconds:.0f} s:"
            f" {dict(compared.counts)}, {len(compared.differences)} differences; report {rollout['report']}"[:400],
            flush=True,
        )
        if rollout["report"] and rollout["report"]["differing"].get("unknown"):
            self.problems.append(f"{name}: the report has unknown differences: {rollout['report']['differing']}")
        self.found.append((name, compared, rollout))

    async def _two_in_a_row(self) -> None:
        """Make two changes, the second one while the first one is rolled out: the second one counts for everybody."""
        rules = await self._request("GET", "/v1/stages")
        first = edited(rules["stages"], "threshold up")
        second = edited(first, "threshold down")
        for number, stages in enumerate((first, second), rules["version"] + 1):
            headers = {"If-Match": f'"{number - 1}"'}
            await self._request(
                "PUT", "/v1/stages", json={"stages": stages}, headers=headers, is_done=self._is_in_force(number)
            )
        last = rules["version"] + 2
        for number in (last, last - 1):
            rollout = await self._attacked(self._complete(f"/v1/stages/rollouts/{number}"), f"roll-out {number}")
            if rollout["status"] not in (("complete",) if number == last else ("replaced", "complete")):
                self.problems.append(f"roll-out {number} of two in a row is {rollout['status']}")
        until = time.monotonic() + SETTLED
        while behind := self._not_as_evaluated(last):
            if time.monotonic() > until:
                self.problems.append(f"{behind} journeys are not as version {last} evaluates them")
                break
            await asyncio.sleep(1)
        print(f"two in a row: version {last} counts for all journeys but {behind}", flush=True)

    def _not_as_evaluated(self, version: int) -> int:
        """Count the journeys whose stage an evaluation under a version would change."""
        from journey.drift import evaluation
        from journey.time import Micros

        book, now = rulebooks(self.url, self.company)[version], Micros(time.time_ns() // 1000)
        rows = stored_journeys(self.url, self.company).values()
        return sum(evaluation(row.state, book, now).state.stage != row.stage for row in rows)

    async def _settled(self, before: Any, preview_id: int, version: int) -> Comparison:
        """Compare until the last commits are written."""
        until = time.monotonic() + SETTLED
        while True:
            found = compare(self.url, self.company, before, preview_id, version)
            if not found.differences or time.monotonic() > until:
                self.problems += found.differences
                return found
            await asyncio.sleep(1)

    async def _attacked(self, work: Any, what: str) -> dict[str, Any]:
        """Kill workers and the gateway while something is in progress."""
        task = asyncio.ensure_future(work)
        names = [name for name in self.running.parts if name.startswith(("worker", "gateway"))]
        for _ in range(self.kills):
            await asyncio.sleep(self.chance.uniform(*self.waits))
            if task.done():
                break
            name = self.chance.choice([name for name in names if self.running.parts[name].running] or names)
            if self.running.parts[name].running:
                self.running.away_until[name] = time.monotonic() + self.chance.uniform(0, 1)
                self.running.parts[name].kill()
                self.running.kills[name] += 1
        result: dict[str, Any] = await asyncio.wait_for(task, PATIENCE)
        return result

    async def _complete(self, path: str) -> dict[str, Any]:
        while True:
            found = await self._request("GET", path)
            # a roll-out is without numbers while no worker answers
            if found["status"] not in ("running", "paused") and found["total"] is not None:
                return found
            await asyncio.sleep(0.2)

    async def _live(self, customers: list[str]) -> None:
        """Send visits of random customers until cancelled."""
        while True:
            event = {"id": uuid.uuid4().hex, "type": "appointment.completed", "amount": "150.00"}
            event |= {"customer_id": self.chance.choice(customers), "occurred_at": datetime.now(UTC).isoformat()}
            await self._request("POST", "/v1/events", json=event)
            self.sent += 1
            await asyncio.sleep(self.pause)

    def _is_in_force(self, version: int) -> Any:
        """Whether a change was made although its answer was lost."""

        def check() -> bool:
            with psycopg.connect(self.url) as connection:
                row = connection.execute("select rules_version from companies where id = %s", [self.company]).fetchone()
            return row is not None and row[0] == version

        return check

    async def _request(self, method: str, path: str, *, is_done: Any = None, **more: Any) -> dict[str, Any]:
        """Send a request until it is answered: the gateway may be killed at any time."""
        gateway = self.running.parts["gateway"]
        assert isinstance(gateway, Gateway)
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        for _ in range(ATTEMPTS):
            try:
                answer = await self.client.request(method, f"{gateway.url}{path}", headers=headers, **more)
                if answer.status_code < 300:
                    found: dict[str, Any] = answer.json()
                    return found
                if is_done is not None and is_done():
                    return {}
                if answer.status_code not in (404, 409, 503):
                    raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.3)
        raise RuntimeError(f"{method} {path} is not answered")


async def main(
    log: Path,
    data: Path,
    *,
    kills: int,
    rate: float,
    pause: float,
    seed: int,
    names: list[str] | None = None,
    workers: int = 2,
    waits: tuple[float, float] = WAITS,
) -> tuple[RulesDrill, Counter[str]]:
    """Run the drill on a separate system in a folder; return what it found, and the kills."""
    settings = {"ROLLOUT_RATE": str(rate)}
    async with drill(data, Options(workers=workers), settings) as running:
        company = min(running.company_keys)
        async with owner_connection(running.database_url) as owner:
            key = (await api_keys.create(owner, company, "rules", api_keys.SCOPES))[1]
        began = time.monotonic()
        await _import(running, log, company)
        print(f"imported in {time.monotonic() - began:.0f} s", flush=True)
        done = RulesDrill(running, key, company, random.Random(seed), pause, kills, waits)
        await done.run(list(EDITS) if names is None else names, ends_in_a_row=names is None)
        return done, running.kills


async def _import(running: Drill, log: Path, company: int) -> None:
    address = running.client.service_client.config.target_host
    environment = {**os.environ, "DATABASE_URL": running.database_url, "TEMPORAL_ADDRESS": address}
    command = (JOURNEY, "import", str(log), "--company", str(company), "--shift-to-now")
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    if await process.wait():
        raise RuntimeError("the import failed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("--kills", type=int, default=2, help="of workers and the gateway, in each preview and roll-out")
    parser.add_argument("--rate", type=float, default=500.0, help="journeys per second that a roll-out notifies")
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two events")
    parser.add_argument("--seed", type=int, default=1)
    options = vars(parser.parse_args())
    with tempfile.TemporaryDirectory(prefix="perdure-rules-") as folder:
        drilled, killed = asyncio.run(main(options.pop("log"), Path(folder), **options))
    print(f"{drilled.sent:,} events during the roll-outs; kills: {dict(killed)}")
    for problem in drilled.problems[:20]:
        print(problem)
    print("no journey differs" if not drilled.problems else f"{len(drilled.problems)} problems")
    sys.exit(1 if drilled.problems else 0)
