"""Actions, tried: whether each may be done now, its effect, and what became of it, written down.

The workflow names actions by their tails. What Postgres can do alone (tasks, assignments, campaigns) is done first, in
the order in which it was asked for; messages then go out side by side. A try may be repeated at any moment by a worker
that took over from a killed one: Postgres' part happens once, and a message that is sent again has the same id.
"""

import asyncio
import zlib
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import stage_actions
from activities.channels import NotDelivered
from activities.delivery import About, Delivery
from activities.rendering import InvalidTemplate
from activities.stage_actions import Assign, Campaign, Mail, Notice, Occasion, StaffMail, Task, Text
from contracts.requests import ActRequest, ActResult
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.outreach import actions, campaigns, tasks
from db.outreach.actions import ActionRow, Outcome, Surroundings
from journey.actions import action_key, parsed_tail, step_name
from journey.outreach import Hold, Profile, Suppress, consider, outreach_from
from journey.time import DAY, Micros, to_datetime, to_micros

SPREAD = 300_000_000  # µs over which what was held back goes out
BEAT = 3.0  # seconds between two signs of life
#: What makes no sense any more once the customer has left the stage that asked for it.
STAYS = (
    "create_quarterly_review",
    "create_retention_campaign",
    "campaign_email",
    "campaign_sms",
    "campaign_call",
    "campaign_offer",
)


class TryAgain(ApplicationError):
    """Temporal's way of trying again; its text stands in histories, so it says nothing of anybody."""


class Acts:
    """The ``act`` activity with its dependencies: the pool of the application's role, and the ways out."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool, self._delivery = pool, delivery
        self._rulebooks = RulebookCache()

    @activity.defn(name="act")
    async def act(self, request: ActRequest) -> ActResult:
        """Try actions of one customer, each once; a patient one says when it is to be tried again by raising.

        Raises psycopg.OperationalError while Postgres does not answer: to be tried again for as long as it takes.
        """
        beating = asyncio.create_task(_beat())
        try:
            return await self._act(request)
        finally:
            beating.cancel()

    async def _act(self, request: ActRequest) -> ActResult:
        company_id, customer_id = request["company_id"], request["customer_id"]
        info = activity.info()
        now = Micros(request["now"] + (info.started_time - info.scheduled_time) // timedelta(microseconds=1))
        keys = {action_key(company_id, customer_id, tail): tail for tail in request["tails"]}
        found = await actions.load(self._pool, company_id, customer_id, list(keys), to_datetime(now))
        if found is None:
            return {"done": dict.fromkeys(request["tails"], "cancelled")}
        answer: ActResult = {"done": {}, "until": {}, "again": {}}
        rows = {keys[row.action_key]: row for row in found.actions}
        answer["done"] |= {tail: "cancelled" for tail in request["tails"] if tail not in rows}
        attempt = Attempt(self, request, found, now, answer)
        going: list[tuple[str, ActionRow, Mail | Text | StaffMail | Notice]] = []
        for tail, row in rows.items():
            if row.status not in ("pending", "waiting"):
                answer["done"][tail] = row.status
                attempt.recall(tail, row)
            elif request.get("given_up"):
                await attempt.finish(tail, row, Outcome(status="failed", error=request["given_up"]))
            elif parsed_tail(tail)[1] not in stage_actions.ACTIONS:  # an older or newer version's
                await attempt.finish(tail, row, Outcome(status="failed", error="this version knows no such action"))
            elif (reason := request.get("cancelled") or await attempt.moot(row)) is not None:
                await attempt.finish(tail, row, Outcome(status="cancelled", reason=reason))
            else:
                effect = stage_actions.ACTIONS[parsed_tail(tail)[1]](attempt.occasion(tail, row))
                if isinstance(effect, Task | Assign | Campaign):
                    await attempt.make(tail, row, effect)
                else:
                    going.append((tail, row, effect))
        await asyncio.gather(*(attempt.send(*each) for each in going))
        return {name: value for name, value in answer.items() if value}  # type: ignore[return-value]


class Attempt:
    """One call of ``act``: what it knows and what it answers."""

    def __init__(self, acts: Acts, request: ActRequest, found: Surroundings, now: Micros, answer: ActResult) -> None:
        self.request, self.found, self.now, self.answer = request, found, now, answer
        self.pool, self.delivery, self.rulebooks = acts._pool, acts._delivery, acts._rulebooks
        self.company_id = request["company_id"]
        self.at = to_datetime(now)
        self.outreach = outreach_from(found.outreach)
        self.profile = Profile(**found.profile)

    def occasion(self, tail: str, row: ActionRow) -> Occasion:
        facts = row.move if row.action == stage_actions.stage_changed.__name__ else self.found.standing
        return Occasion(
            customer_id=self.request["customer_id"],
            stage=row.stage,
            step=parsed_tail(tail)[2],
            note=row.detail.get("note"),
            facts=facts,
        )

    async def moot(self, row: ActionRow) -> str | None:
        """Why an action that is due later than its transition makes no sense any more."""
        _, action, step = parsed_tail(f"{row.entry}:{row.action}")
        if action in STAYS and self.found.entry != row.entry:
            return "left the stage"
        if action == "send_onboarding_sequence" and step != "1":
            rulebook = await self.rulebooks.get(self.pool, self.company_id, self.found.rules_version)
            stage = rulebook.by_key.get(self.found.stage)
            if stage is not None and not stage.is_growth:
                return f"in {self.found.stage} by now"
        return None

    async def finish(self, tail: str, row: ActionRow, outcome: Outcome) -> None:
        await actions.finish(self.pool, self.company_id, row.id, self.at, outcome)
        if outcome.status == "waiting":
            assert outcome.due_at is not None
            self.answer["until"][tail] = to_micros(outcome.due_at)
        else:
            self.answer["done"][tail] = outcome.status

    def recall(self, tail: str, row: ActionRow) -> None:
        """What an earlier try put on record for later; its answer was lost."""
        if row.detail.get("campaign") and row.action == "create_retention_campaign":
            self.campaign(row, row.detail["campaign"])
        known = stage_actions.ACTIONS.get(parsed_tail(tail)[1])
        effect = known(self.occasion(tail, row)) if known else None
        if row.status == "succeeded" and isinstance(effect, Task):
            self._following(tail, effect)

    # -- what Postgres does ----------------------------------------------------------------------------------------

    async def make(self, tail: str, row: ActionRow, effect: Task | Assign | Campaign) -> None:
        if isinstance(effect, Assign):
            made = await tasks.assign(self.pool, self.company_id, row, self.at, effect.role, effect.title)
        elif isinstance(effect, Task):
            made = await self._task(tail, row, effect)
        else:
            made = await self._campaign(row)
        # what was not made was finished otherwise: by another try, or by the customer's return
        self.answer["done"][tail] = "succeeded" if made else await actions.status(self.pool, self.company_id, row.id)

    async def _task(self, tail: str, row: ActionRow, effect: Task) -> bool:
        task = tasks.NewTask(effect.kind, effect.title, effect.role, self.at + effect.due, row.detail.get("note"))
        task = replace(task, again=self._following(tail, effect))
        return await tasks.make_task(self.pool, self.company_id, row, self.at, task)

    def _following(self, tail: str, effect: Task) -> tuple[str, datetime] | None:
        """The next step of a task that comes again, and when it is due."""
        if effect.again is None:
            return None
        entry, action, step = parsed_tail(tail)
        following, due = step_name(action, int(step) + 1), Micros(self.now + effect.again * DAY)
        self.answer["until"][f"{entry}:{following}"] = due
        return following, to_datetime(due)

    async def _campaign(self, row: ActionRow) -> bool:
        plan = self.outreach.campaign
        steps = [
            (f"campaign_{step.type}", step.type, step.day, to_datetime(Micros(self.now + step.day * DAY)))
            for step in plan
        ]
        n = await campaigns.start_campaign(self.pool, self.company_id, row, self.at, steps)
        if n is None:
            return False
        self.campaign(row, n)
        return True

    def campaign(self, row: ActionRow, n: int) -> None:
        begun = self.now
        steps = [[f"{row.entry}:campaign_{s.type}", begun + s.day * DAY] for s in self.outreach.campaign]
        self.answer["campaign"] = {"n": n, "entry": row.entry, "steps": steps}

    # -- what goes out ----------------------------------------------------------------------------------------------

    async def send(self, tail: str, row: ActionRow, effect: Mail | Text | StaffMail | Notice) -> None:
        """Send, if it may be sent now; what the world refuses is tried again, alone, or has failed."""
        channel = {Text: "sms", Notice: "webhook"}.get(type(effect), "email")
        marketing = isinstance(effect, Mail | Text) and effect.marketing
        if isinstance(effect, Mail | Text):
            verdict = consider(
                self.profile,
                channel="sms" if channel == "sms" else "email",
                marketing=marketing,
                now=self.now,
                outreach=self.outreach,
                marketing_sent=self.found.marketing_sent,
            )
            if isinstance(verdict, Suppress):
                await self.finish(tail, row, Outcome(status="suppressed", reason=verdict.reason, channel=channel))
                return
            if isinstance(verdict, Hold):
                # not everybody's in the same second of the morning
                due_at = to_datetime(Micros(verdict.until + zlib.crc32(row.action_key.encode()) % SPREAD))
                held = Outcome(status="waiting", reason=verdict.reason, channel=channel, due_at=due_at)
                await self.finish(tail, row, held)
                return
            if marketing:
                # what goes out in this very moment counts for the ones beside it
                self.found.marketing_sent.append(self.now)
        try:
            about = About(
                self.company_id, self.request["customer_id"], self.profile, self.outreach, self.found, self.at
            )
            outcome = await self.delivery.deliver(about, tail, row, effect)
        except NotDelivered as refusal:
            await self._refused(tail, row, channel, refusal)
        except InvalidTemplate as error:
            await self._refused(tail, row, channel, NotDelivered(f"template: {error}", final=True))
        else:
            await self.finish(tail, row, replace(outcome, channel=channel, marketing=marketing))

    async def _refused(self, tail: str, row: ActionRow, channel: str, refusal: NotDelivered) -> None:
        info = activity.info()
        patience, waited = self.request.get("patient"), (info.started_time - info.scheduled_time).total_seconds()
        pause = refusal.retry_after or min(2.0 ** min(info.attempt, 12), 1800.0)
        if refusal.final or (patience is not None and waited + pause > patience):
            await self.finish(tail, row, Outcome(status="failed", error=refusal.reason, channel=channel))
            return
        tried = Outcome(status="pending", error=refusal.reason, channel=channel)
        await actions.finish(self.pool, self.company_id, row.id, self.at, tried)
        if patience is None:
            self.answer["again"][tail] = refusal.reason
        else:
            raise TryAgain(refusal.reason, type="NotDelivered", next_retry_delay=timedelta(seconds=pause))


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT)
