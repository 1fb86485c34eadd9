"""Record the histories that every later version must replay.

    python -m tests.replay.record VERSION [LIFE …]    # v1, v2, …: writes tests/replay/histories/VERSION/*.json

Run it once per released version, with the code of that version. It starts its own Postgres, and its own Temporal whose
workflows may skip time. All data in the histories is invented here.

Over 300 lines, because the recorded lives belong together.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from temporalio.client import Client, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from contracts import names, timeouts
from contracts.journey_client import announce_profile_change
from contracts.maintenance import EvaluateAllStart, SweepStart
from contracts.messages import FinishTask, ReassignTask, Release, RequestAction, RetryAction, SetStage
from db.connections import open_pool
from db.schema.migrate import upgrade
from journey.time import to_micros
from local.embedded import Postgres, Temporal, free_port, running
from settings import Settings
from tests.replay import fingerprint
from tests.replay.replaying import HISTORIES
from tests.support.outside import MailBehaviour, SmtpServer
from tests.support.workflow_acting import SECRET, actions, attempts, execute, known, staff, statuses, tasks
from tests.support.workflow_life import Life, at, new_company
from tests.support.workflow_poison import SIGNALS, size
from worker import build_worker

DAY = timedelta(days=1)


class Recorder:
    """The servers of one recording, and the folder to which it writes."""

    def __init__(self, skipper: TimeSkipper, postgres: Postgres, smtp: SmtpServer, folder: Path) -> None:
        self.skipper, self.postgres, self.smtp, self.folder = skipper, postgres, smtp, folder

    def life(self, customer: str) -> Life:
        return Life(self.skipper.client, self.postgres.url, new_company(self.postgres.url), customer)

    async def forward(self, life: Life, time: timedelta) -> datetime:
        """Let time pass for one journey; return its time then."""
        await life.settled()
        while time:
            # In steps: the server skips all that is left of one before a new run has started its timer.
            step = min(time, 10 * DAY)
            time -= step
            passing = asyncio.create_task(self.skipper.fast_forward(life.handle, step))
            while not passing.done():
                await self._live_campaigns(life)
                await asyncio.sleep(0.1)
            assert await passing
            await life.settled()
        return (await self.skipper.get_current_time(life.handle)).replace(microsecond=0)

    async def _live_campaigns(self, life: Life) -> None:
        """Skip the time of the campaigns first: a workflow whose child is running cannot skip time."""
        for row in life.rows("select n from retention_campaigns where company_id = %(company)s and status = 'running'"):
            campaign = life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, row["n"]))
            with suppress(RPCError):
                await self.skipper.fast_forward(campaign)

    async def save(self, life: Life, name: str, first_run: str | None = None) -> None:
        """Write the histories of all runs of a journey, from its first one."""
        await self._save_runs(life.handle.id, first_run or life.row()["run_id"], name)

    async def _save_runs(self, workflow_id: str, run: str, name: str) -> None:
        number = 0
        while run:
            number += 1
            history = await self.skipper.client.get_workflow_handle(workflow_id, run_id=run).fetch_history()
            await self._write(f"{name}-{number}", history)
            run = history.events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id

    async def _write(self, name: str, history: WorkflowHistory) -> None:
        text = json.dumps(_without_traces(json.loads(history.to_json())), indent=1, sort_keys=True)
        await asyncio.to_thread((self.folder / f"{name}.json").write_text, text + "\n", encoding="utf-8")

    # -- the lives ----------------------------------------------------------------------------------------------------

    async def long_life(self) -> None:
        """Up to vip, held and released, lapsed twice, returned, held again until a given time; many runs."""
        life = self.life("long")
        await life.start(continue_after=6, spread=60)
        await life.lived(life.call(seconds=5), life.call(seconds=300))
        for days, amount in ((10, "100.00"), (20, "120.50"), (45, "80.00"), (12, "900.00")):
            now = await self.forward(life, timedelta(days=days))
            await life.lived(life.visit(amount=amount, occurred_at=at(0, now=now)))
        await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("regular", "asked for it", hold=True))
        now = await self.forward(life, 2 * DAY)
        await life.lived(
            life.event("support_ticket.opened", ticket_id="t-1", occurred_at=at(0, now=now)),
            life.visit(amount="10.00", occurred_at=at(0, now=now)),
        )
        for change in (SetStage("nowhere", "a mistake"), SetStage("vip", "a mistake", hold_until=at(-1))):
            try:
                await life.handle.execute_update(names.SET_STAGE_UPDATE, change)
            except WorkflowUpdateFailedError:
                continue
            raise AssertionError("it was to be refused")
        await life.handle.execute_update(names.RELEASE_UPDATE, Release(performed_by=1))
        await self.forward(life, 91 * DAY)
        assert life.stages()[-1] == "at_risk"
        now = await self.forward(life, 95 * DAY)
        assert life.stages()[-1] == "churned"
        await life.lived(life.visit(amount="20.00", occurred_at=at(0, now=now)))
        change = SetStage("customer", "begins anew", hold_until=at(5, now=now))
        await life.handle.execute_update(names.SET_STAGE_UPDATE, change)
        now = await self.forward(life, 6 * DAY)
        assert life.stages()[-1] == "vip"
        for _ in range(8):
            await life.lived(life.event("feedback.received", rating=4, occurred_at=at(0, now=now)))
        await self.forward(life, 100 * DAY)
        assert life.stages()[-1] == "at_risk"
        await self.save(life, "long-life")

    async def outage(self) -> None:
        """Two outages of Postgres: during a single event, and during several with a command."""
        life = self.life("outage")
        await life.lived(life.call())
        for _ in range(2):
            self.postgres.kill()
            await life.send(life.visit())
            await asyncio.sleep(3)
            await life.send(life.visit())
            change = SetStage("vip", "asked in the outage")
            update = asyncio.create_task(life.handle.execute_update(names.SET_STAGE_UPDATE, change))
            await asyncio.sleep(1)
            await self.postgres.start()
            await update
            await life.settled()
            await life.lived(life.visit())
        await self.save(life, "outage")

    async def quarantine(self) -> None:
        """All kinds of invalid messages between valid events."""
        life = self.life("quarantine")
        await life.start(continue_after=10)
        for number, (signal, arguments) in enumerate(SIGNALS.values()):
            if size(arguments) < 2000:
                await life.handle.signal(signal, args=list(arguments))
            if number % 5 == 0:
                await life.lived(life.event("feedback.received", rating=3))
        await life.settled()
        await self.save(life, "quarantine")

    async def take_over(self) -> None:
        """Terminated by an operator and restarted by the next event, and a company that does not exist."""
        life = self.life("take-over")
        await life.lived(life.call(-3), life.visit(-2))
        first = life.row()["run_id"]
        await life.end("by an operator")
        await life.lived(life.visit(-1), life.visit())
        await self.save(life, "take-over-before", first)
        await self.save(life, "take-over-after")
        stranger = Life(life.client, life.database_url, life.company + 1, "stranger")
        await stranger.send(stranger.visit())
        await stranger.state()
        first = (await stranger.handle.describe()).run_id
        await self.save(stranger, "take-over-no-company", first)

    async def storm(self) -> None:
        """Signals and commands at full speed, over several runs."""
        life = self.life("storm")
        await life.start(continue_after=4)
        await life.lived(life.call())

        async def commands() -> None:
            for number in range(4):
                stage = ("lead", "customer")[number % 2]
                await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage(stage, f"change {number}"))

        for wave in range(1, 4):
            events = [life.event("feedback.received", rating=5) for _ in range(20)]
            await asyncio.gather(commands(), *(life.send(event) for event in events))
            await life.until(lambda wave=wave: len(life.applied()) == 1 + 20 * wave)  # type: ignore[misc]  # bound
            await life.settled()
        await self.save(life, "storm")

    async def imported(self) -> None:
        """An import in several parts, all but the last with more to follow."""
        life = self.life("import")
        await life.start(continue_after=2)
        for days in (-400, -300, -290, -200):
            until = to_micros(datetime.now(UTC) + timedelta(days=days + 9))
            await life.send(life.visit(days), life.visit(days + 8), until=until)
            await life.settled()
        await life.lived(life.visit(-100))
        await self.save(life, "import")

    async def acting(self) -> None:
        """Immediate actions; one retried during an outage of the mail server; one that fails; staff requests."""
        life = self.life("acting")
        known(life)
        staff(life, "sales", "Ben")
        self.smtp.refuse()
        await life.start(continue_after=3)
        await life.lived(life.call())
        await life.until(lambda: len(attempts(life, "send_welcome_email")) > 1)
        for _ in range(5):
            await life.lived(life.call(seconds=5))
        self.smtp.listen()
        await life.until(lambda: statuses(life)["send_welcome_email"] == "succeeded", 60)
        limit, timeouts.ACTION_TIMEOUT = timeouts.ACTION_TIMEOUT, timedelta(seconds=2)
        self.smtp.refuse()
        ask = RequestAction("offer", note="a note", performed_by=1)
        await life.handle.execute_update(names.REQUEST_ACTION_UPDATE, ask)
        await life.until(lambda: "failed" in statuses(life).values(), 60)
        timeouts.ACTION_TIMEOUT = limit
        self.smtp.listen()
        [failed] = [row["id"] for row in actions(life).values() if row["status"] == "failed"]
        await life.handle.execute_update(names.RETRY_ACTION_UPDATE, RetryAction(failed))
        await life.until(lambda: "failed" not in statuses(life).values() and "pending" not in statuses(life).values())
        task = tasks(life)[0]["id"]
        await life.handle.execute_update(names.REASSIGN_TASK_UPDATE, ReassignTask(task))
        await life.handle.execute_update(names.FINISH_TASK_UPDATE, FinishTask(task, "done"))
        await life.settled()
        await self.save(life, "acting")

    async def campaign(self) -> None:
        """At risk and returned during the campaign; at risk again, with a complete campaign."""
        life = self.life("campaign")
        known(life)
        await life.lived(life.visit(-100))
        await life.handle.signal(names.ACT_SIGNAL)
        await life.until(lambda: statuses(life).get("campaign_email") == "succeeded")
        await life.lived(life.visit())
        first = life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, 1))
        await first.result()
        await life.handle.execute_update(names.SET_STAGE_UPDATE, SetStage("at_risk", "said so"))
        await life.until(lambda: len(life.rows("select from retention_campaigns where company_id = %(company)s")) == 2)
        await asyncio.sleep(2)  # until the workflow has started it
        second = life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, 2))
        await self.skipper.fast_forward(second)
        await life.settled()
        await self.save(life, "campaign")
        for n, handle in ((1, first), (2, second)):
            await self._write(f"campaign-child-{n}", await handle.fetch_history())

    async def profile(self) -> None:
        """A campaign that continues while a step waits for the profile; an action that is retried while it is tried."""
        life = self.life("profile")
        known(life, email=None)
        execute(
            life,
            "update companies set settings = jsonb_set(settings, '{outreach,campaign}', %s) where id = %s",
            '[{"type": "email", "day": 0}, {"type": "sms", "day": 0}, {"type": "call", "day": 0}]',
            life.company,
        )
        await life.lived(life.visit(-100))
        await life.handle.signal(names.ACT_SIGNAL)
        await life.until(lambda: statuses(life).get("campaign_call") == "succeeded")
        assert statuses(life)["campaign_email"] == "waiting"
        execute(life, "update customers set email = 'ada@example.com' where company_id = %s", life.company)
        await announce_profile_change(life.client, life.company, life.customer, journey=True, campaigns=[1])
        campaign = life.client.get_workflow_handle(names.campaign_id(life.company, life.customer, 1))
        await campaign.result()
        self.smtp.behaviour = MailBehaviour(delay=3)
        await life.handle.execute_update(names.REQUEST_ACTION_UPDATE, RequestAction("email"))
        [asked] = [row["id"] for row in actions(life).values() if row["action"].startswith("centre_email")]
        await life.handle.execute_update(names.RETRY_ACTION_UPDATE, RetryAction(asked))
        await life.until(lambda: "pending" not in statuses(life).values())
        self.smtp.behaviour = MailBehaviour()
        await asyncio.sleep(2)  # until the workflow has repeated the attempt
        await life.settled()
        await self.save(life, "profile")
        await self._write("profile-campaign-1", await campaign.fetch_history())

    async def maintenance(self) -> None:
        """Sweeps over several companies, one of which fails; overdue journeys; an evaluation that finds drift."""
        lapsing = [self.life(f"lapsing-{n}") for n in range(3)]
        for life in lapsing:
            await life.start(spread=10**7)
            await life.lived(life.visit(occurred_at=at(-90, now=datetime.now(UTC) + timedelta(seconds=1))))
        broken = self.life("broken")
        with psycopg.connect(self.postgres.url) as connection:
            settings = '{"scoring": {"recency_days": "never"}}'
            connection.execute("update companies set settings = %s where id = %s", [settings, broken.company])
        began = (datetime.now(UTC) + timedelta(minutes=10)).isoformat()
        timeouts.FIT_RETRY, retry = RetryPolicy(maximum_attempts=1), timeouts.FIT_RETRY
        for workflow, start in (
            (names.STAGE_METRICS, SweepStart(page=2)),
            (names.FIT_RETURN_MODELS, SweepStart(page=2)),
            (names.RECONCILIATION, SweepStart(page=2, began=began, look_again=-597)),
            (names.EVALUATE_ALL, EvaluateAllStart(chunk=1, rate=100, chunks=2)),
        ):
            handle = await self.skipper.client.start_workflow(workflow, start, id=workflow, task_queue=names.TASK_QUEUE)
            await handle.result()
            assert handle.first_execution_run_id is not None
            await self._save_runs(workflow, handle.first_execution_run_id, workflow)
        timeouts.FIT_RETRY = retry


def _without_traces(value: Any) -> Any:
    """Remove stack traces: they reveal paths of the recording machine, and no replay reads them."""
    if isinstance(value, dict):
        return {name: "" if name == "stackTrace" else _without_traces(part) for name, part in value.items()}
    return [_without_traces(part) for part in value] if isinstance(value, list) else value


LIVES = (
    "acting", "campaign", "long_life", "quarantine", "take_over", "storm", "imported", "outage", "profile",
    "maintenance",
)  # fmt: skip


async def main(version: str, lives: Sequence[str]) -> None:
    folder = HISTORIES / version
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    dynamic = {"frontend.WorkflowTimeSkippingEnabled": True}
    with tempfile.TemporaryDirectory(prefix="perdure-") as data, tempfile.TemporaryDirectory(prefix="perdure-") as more:
        async with (
            running(Postgres(Path(data), settings={"fsync": "off"})) as postgres,
            running(Temporal(Path(more), port=free_port(), dynamic=dynamic)) as temporal,
        ):
            upgrade(postgres.url)
            client = await Client.connect(temporal.address, identity="recorder")
            pool = await open_pool(postgres.url, min_size=1, max_size=4, timeout=1.0)
            skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False))
            smtp = SmtpServer()
            recorder = Recorder(skipper, postgres, smtp, folder)
            settings = Settings(smtp_url=smtp.url, link_secret=SECRET, outbox=more)
            with smtp:
                async with build_worker(client, pool, settings):
                    for life in lives:
                        await getattr(recorder, life)()
            await pool.close()
    fingerprint.record()
    for file in sorted(folder.glob("*.json")):
        print(f"{file.stat().st_size:>9,} bytes  {file.relative_to(HISTORIES)}")


if __name__ == "__main__":
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(LIVES):
        raise SystemExit(f"usage: python -m tests.replay.record VERSION [LIFE …]; lives: {', '.join(LIVES)}")
    asyncio.run(main(sys.argv[1], sys.argv[2:] or LIVES))
