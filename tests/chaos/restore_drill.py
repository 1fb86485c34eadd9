"""The drill of a restore: one store is replaced by an older backup of itself, while the other one continues.

    python -m tests.chaos.drill --restore postgres [--journeys 60] [--seconds 20] [--seed 1]
    python -m tests.chaos.drill --restore temporal …

A first half of the events is sent, with stage actions on, and the store is backed up. After the second half, which has
manual moves too, the store is stopped and its backup put in its place. Then the upstream system sends a part of the
second half again, and the nightly reconciliation runs. Nothing that either store still has may be lost, nothing may
count twice, and no message may be sent twice.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from temporalio.client import Client

from contracts import names
from contracts.journey_client import CommandError, execute
from contracts.maintenance import FAULTS, SweepStart
from contracts.messages import SetStage
from contracts.names import journey_id
from local.embedded import Postgres, Temporal
from tests.chaos import acting_invariants, invariants
from tests.chaos.acted import Acted
from tests.chaos.acting_drill import Acting, acting, plan, report
from tests.chaos.acting_invariants import repeats
from tests.chaos.drill import Options
from tests.chaos.invariants import Finding
from tests.chaos.stream import Answers, Call

STORES = ("postgres", "temporal")
SENT_AGAIN = 0.5  # share of the second half that the upstream system sends again
IDLE = 30.0  # seconds until the system is idle
MOVED = 10  # one customer in this many is moved manually in the second half
ONCE_SENT = "after the restore, no mail, text or webhook arrives that had arrived before"
MANUAL = "every manual move of the second half is on record once, and its reason"
REPAIRED = "the reconciliation finds lost journeys, repairs each, and finds none afterwards"


@dataclass
class RestoreDrill:
    """A system whose store `store` is restored; what was done before."""

    done: Acting
    store: str
    folder: Path
    answers: Answers = field(default_factory=Answers)
    moves: list[tuple[int, str, str]] = field(default_factory=list)  # company, customer, reason
    findings: list[Finding] = field(default_factory=list)

    @property
    def client(self) -> Client:
        return self.done.drill.client

    async def run(self) -> None:
        """Send, back up, send more, restore, send again, reconcile."""
        drill, options = self.done.drill, self.done.drill.options
        chance = random.Random(options.seed)
        now = time.time_ns() // 1000
        calls = plan(chance, list(drill.company_keys), options.journeys, now, options.seconds)
        first, second = calls[: len(calls) // 2], calls[len(calls) // 2 :]
        await self._live(first)
        await self._idle()
        await self._with_store_stopped(lambda: copy(self._data, self._backup))
        await self._live(second)
        await self._move_manually(first)
        await self._idle()
        before = await self.done.look()
        await self._with_store_stopped(lambda: copy(self._backup, self._data))
        again = [replace(call, again=True) for call in second if chance.random() < SENT_AGAIN]
        await self._live(again)
        await self._reconcile()
        await self._idle()
        self._check_sent(before, await self.done.look())
        self._check_moves()

    @property
    def _data(self) -> Path:
        part = self.done.drill.parts[self.store]
        assert isinstance(part, Postgres | Temporal)
        return part.cluster if isinstance(part, Postgres) else part.folder

    @property
    def _backup(self) -> Path:
        return self.folder / f"backup of {self.store}"

    async def _live(self, calls: list[Call]) -> None:
        await self.done.drill.live(calls)
        own, answers = self.answers, self.done.drill.answers
        own.sent |= answers.sent
        own.acknowledged |= answers.acknowledged
        own.numbers.update(answers.numbers)
        own.refusals += answers.refusals
        self.done.drill.answers = own

    async def _idle(self) -> None:
        """Wait until nothing is in progress; what is still wrong then is found again at the end."""
        found, _ = await self._look()
        for finding in found[:5]:
            print(f"not idle: {finding}")

    async def _look(self) -> tuple[list[Finding], Acted]:
        """Every violation once the system is idle; what events cannot explain is not expected of manual moves."""
        moved = {journey_id(company, customer) for company, customer, _ in self.moves}
        until = time.monotonic() + IDLE
        while True:
            found, acted = await self.done.check(patience=0)
            found = [finding for finding in found if not self._is_expected(finding, moved)]
            if not found or time.monotonic() > until:
                return found, acted
            await asyncio.sleep(1.0)

    def _is_expected(self, finding: Finding, moved: set[str]) -> bool:
        """Whether events cannot explain a journey that was moved manually, or a campaign ended that Temporal lost."""
        if finding.invariant == acting_invariants.RUNS and self.store == "temporal":
            return finding.subject.endswith(" COMPLETED")
        return finding.invariant == invariants.FOLD and finding.subject in moved

    async def _with_store_stopped(self, work: Any) -> None:
        """Stop everything, do the work, and start everything again, as an operator does for a restore."""
        parts = self.done.drill.parts
        store = parts[self.store]
        others = [part for name, part in parts.items() if name not in STORES]
        for part in (*reversed(others), store):
            await part.stop()
        await asyncio.to_thread(work)
        for part in (store, *others):
            await part.start()

    async def _move_manually(self, calls: list[Call]) -> None:
        """Set the stage of some customers of the first half, in a commit of its own without any event."""
        customers = sorted({(call.company, str(call.events[0]["customer_id"])) for call in calls})
        for number, (company, customer) in enumerate(customers[::MOVED]):
            reason = f"moved manually {number}"
            command = SetStage("regular" if number % 2 else "lead", reason)
            try:
                await execute(self.client, company, customer, command, timeout=30)
            except CommandError as error:
                self.findings.append(Finding(MANUAL, journey_id(company, customer), str(error)))
            else:
                self.moves.append((company, customer, reason))

    async def _reconcile(self) -> None:
        """Reconcile until nothing is found; everything that is found must have been repaired."""
        totals: Counter[str] = Counter()
        found = 0
        for _ in range(5):
            result = await self.client.execute_workflow(
                names.RECONCILIATION,
                SweepStart(look_again=0),
                id=f"restore-{uuid4().hex}",
                task_queue=names.TASK_QUEUE,
            )
            found = sum(result[fault] for fault in FAULTS)
            totals.update({fault: result[fault] for fault in (*FAULTS, "repaired")})
            if not found:
                break
            await asyncio.sleep(1.0)
        print(f"reconciled: {dict(totals)}")
        expected = "ahead" if self.store == "postgres" else "behind"
        if found or not totals[expected]:
            self.findings.append(Finding(REPAIRED, self.store, f"{dict(totals)}, {found} in the last run"))

    def _check_sent(self, before: Acted, after: Acted) -> None:
        for name in ("mails", "texts", "hooks"):
            old, new = getattr(before, name), getattr(after, name)
            if (more := repeats(new) - repeats(old)) > 0:
                ids = {one.id for one in old}
                arrived = [one for one in new[len(old) :] if one.id in ids]
                self.findings.append(Finding(ONCE_SENT, name, f"{more} arrived again: {arrived[:5]}"))

    def _check_moves(self) -> None:
        statement = (
            "select c.company_id, c.external_id, t.notes, count(*) from journey_transitions t"
            " join customer_relationships r on r.id = t.relationship_id join customers c on c.id = r.customer_id"
            " where t.trigger_type = 'manual' group by 1, 2, 3"
        )
        with psycopg.connect(self.done.drill.database_url) as connection:
            recorded = {row[:3]: row[3] for row in connection.execute(statement).fetchall()}
        for move in self.moves:
            if recorded.get(move) != 1:
                problem = f"{move[2]!r} is on record {recorded.get(move, 0)} times"
                self.findings.append(Finding(MANUAL, journey_id(move[0], move[1]), problem))

    async def check(self) -> tuple[list[Finding], Acted]:
        """Every violation, at the end."""
        found, acted = await self._look()
        return sorted([*self.findings, *found]), acted


def copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners, in place of the target."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


async def main(options: Options, data: Path) -> int:
    """Run the drill; return 1 if an invariant is violated."""
    async with acting(data, options) as done:
        drill = RestoreDrill(done, options.restore, data)
        await drill.run()
        findings, acted = await drill.check()
        report(done, acted, findings, (ONCE_SENT, MANUAL, REPAIRED))
    return 1 if findings else 0
