"""The ``act`` activity: decide whether each action may run now, run it, and record the attempt.

The workflow refers to actions by their ``action_ref``. Effects that Postgres records (tasks, assignments, campaigns)
come first, in the order in which their actions were recorded; messages are then sent concurrently. A worker that takes
over from a killed one repeats attempts: recorded effects happen once, and a repeated message has the same id.
"""

import asyncio
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.channels import NotDelivered
from activities.channels.registry import channel_spec
from activities.delivery import Delivery
from activities.heartbeats import heartbeats
from activities.recorded_effects import record_effect, restore_result
from activities.rendering import InvalidTemplate
from activities.stage_actions import REGISTRY, CustomerMessage, Delivered, Effect, Recorded, contacts_customer
from contracts import names
from contracts.requests import ActRequest, ActResult
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.outreach import action_outcomes
from db.outreach.action_context import ActionContext, load_action_contexts
from db.outreach.action_outcomes import Outcome
from journey.actions import ASK_ATTENDANCE
from journey.outreach import PROFILE_WAIT, Deferral, Incomplete, Suppress, consider
from journey.time import Micros, to_datetime, to_micros

JITTER = 300_000_000  # µs over which messages are spread that were deferred to the same time


_UNWANTED = Outcome(status="suppressed", reason="marked as do not contact")


class RetryLater(ApplicationError):
    """Make Temporal retry the activity. Its text is stored in histories and contains nothing personal."""


class ActActivity:
    """The ``act`` activity with its dependencies: the pool of the application's role, and the channels."""

    def __init__(self, pool: Pool, delivery: Delivery) -> None:
        self._pool, self._delivery = pool, delivery
        self._rulebooks = RulebookCache()

    @activity.defn(name=names.ACT)
    async def act(self, request: ActRequest) -> ActResult:
        """Attempt actions of one customer, each once.

        Raises:
            RetryLater: The only action of a ``patient`` request is to be attempted again.
            psycopg.OperationalError: Postgres does not answer; to be retried without limit.
        """
        async with heartbeats():
            return await self._act(request)

    async def _act(self, request: ActRequest) -> ActResult:
        info = activity.info()
        now = Micros(request["now"] + (info.started_time - info.scheduled_time) // timedelta(microseconds=1))
        refs = request["tails"]
        contexts = await load_action_contexts(self._pool, request["company_id"], request["customer_id"], refs, now)
        result: ActResult = {"done": {}, "until": {}, "again": {}, "waiting": {}, "incomplete": [], "created": {}}
        known = {context.action_ref for context in contexts}
        result["done"] |= {ref: "cancelled" for ref in refs if ref not in known}
        deliveries: list[tuple[ActionContext, Delivered]] = []
        for context in contexts:
            effect = await self._effect(request, context, result)
            if isinstance(effect, Recorded):
                await record_effect(self._pool, context, effect, result)
            elif effect is not None:
                deliveries.append((context, effect))
        # An unexpected error fails the activity only after the outcomes of all other deliveries are recorded.
        errors = await asyncio.gather(
            *(self._deliver(request, *delivery, result) for delivery in deliveries), return_exceptions=True
        )
        for error in errors:
            if error is not None:
                raise error
        return {name: value for name, value in result.items() if value}  # type: ignore[return-value]

    async def _effect(self, request: ActRequest, context: ActionContext, result: ActResult) -> Effect | None:
        """Return what the action has to do, or finish it and return None."""
        if context.status not in ("pending", "waiting"):
            result["done"][context.action_ref] = context.status
            await restore_result(self._pool, context, result)
        elif request.get("given_up"):
            await self._finish(context, Outcome(status="failed", error=request["given_up"]), result)
        elif context.name not in REGISTRY:
            error = f"unknown action {context.name}: another version of the worker created it"
            await self._finish(context, Outcome(status="failed", error=error), result)
        elif reason := request.get("cancelled") or await self._cancellation_reason(context):
            await self._finish(context, Outcome(status="cancelled", reason=reason), result)
        elif REGISTRY[context.name].unless_booked and (booked := await self._booked_for(context)):
            await self._finish(context, Outcome(status="suppressed", reason=f"booked for {booked:%Y-%m-%d}"), result)
        else:
            effect = REGISTRY[context.name].effect(context)
            if not (context.do_not_contact and contacts_customer(effect)):
                return effect
            await self._finish(context, _UNWANTED, result)
        return None

    async def _booked_for(self, context: ActionContext) -> datetime | None:
        """Return the next booked time, or the latest one until its grace has ended; None without one."""
        if not context.booked_times:
            return None
        rulebook = await self._rulebooks.get(self._pool, context.company_id, context.rules_version)
        last = context.booked_times[-1]
        if last + rulebook.booking_grace < context.now:
            return None
        return to_datetime(next((booked for booked in context.booked_times if booked > context.now), last))

    async def _cancellation_reason(self, context: ActionContext) -> str | None:
        """Return why an action has become irrelevant since the transition that caused it."""
        if REGISTRY[context.name].needs_stage and context.current_transition_number != context.transition_number:
            return "left the stage"
        if context.name == ASK_ATTENDANCE:
            scheduled_for = to_micros(datetime.fromisoformat(context.detail["scheduled_for"]))
            return None if scheduled_for in context.booked_times else "the appointment has an outcome or another time"
        if context.name == "send_onboarding_sequence" and context.step != "1":
            rulebook = await self._rulebooks.get(self._pool, context.company_id, context.rules_version)
            stage = rulebook.by_key.get(context.current_stage)
            if stage is not None and not stage.is_growth:
                return f"the customer is now in the stage {context.current_stage}"
        return None

    async def _finish(self, context: ActionContext, outcome: Outcome, result: ActResult) -> None:
        await action_outcomes.finish(self._pool, context, outcome)
        if outcome.status == "waiting":
            assert outcome.due_at is not None
            result["until"][context.action_ref] = to_micros(outcome.due_at)
            result["waiting"][context.action_ref] = outcome.reason or ""
            if outcome.waits_for == "profile":
                result["incomplete"].append(context.action_ref)
        else:
            result["done"][context.action_ref] = outcome.status

    # -- messages and webhook events ----------------------------------------------------------------------------------

    async def _deliver(self, request: ActRequest, context: ActionContext, effect: Delivered, result: ActResult) -> None:
        """Deliver now if allowed. Transient failures are retried per action; permanent ones mark it failed."""
        if isinstance(effect, CustomerMessage):
            if outcome := withheld(context, effect):
                await self._finish(context, outcome, result)
                return
            if effect.marketing:
                # counts for the messages that are sent concurrently
                context.marketing_sent.append(context.now)
        try:
            outcome = await self._delivery.deliver(context, effect)
        except NotDelivered as error:
            await self._not_delivered(request, context, effect, error, result)
        except InvalidTemplate as error:
            failure = NotDelivered(f"template: {error}", final=True)
            await self._not_delivered(request, context, effect, failure, result)
        else:
            outcome = replace(outcome, channel=effect.channel, marketing=effect.marketing)
            await self._finish(context, outcome, result)

    async def _not_delivered(
        self, request: ActRequest, context: ActionContext, effect: Delivered, error: NotDelivered, result: ActResult
    ) -> None:
        info = activity.info()
        patience, waited = request.get("patient"), (info.started_time - info.scheduled_time).total_seconds()
        pause = error.retry_after or min(2.0 ** min(info.attempt, 12), 1800.0)
        if error.final or (patience is not None and waited + pause > patience):
            failed = Outcome(status="failed", error=error.reason, channel=effect.channel)
            await self._finish(context, failed, result)
            return
        # the dashboard shows when the next attempt is due; the first retry follows at once
        next_try = datetime.now(UTC) + timedelta(seconds=pause) if patience is not None else None
        attempted = Outcome(status="pending", error=error.reason, channel=effect.channel, due_at=next_try)
        await action_outcomes.finish(self._pool, context, attempted)
        if patience is not None:
            raise RetryLater(error.reason, type="NotDelivered", next_retry_delay=timedelta(seconds=pause))
        result["again"][context.action_ref] = error.reason


def withheld(context: ActionContext, effect: CustomerMessage) -> Outcome | None:
    """Return the outcome of a message that may not be sent now; None if it may."""
    if context.do_not_contact:
        return replace(_UNWANTED, channel=effect.channel)
    verdict = consider(
        context.profile,
        channel=channel_spec(effect.channel),
        marketing=effect.marketing,
        now=context.now,
        outreach=context.outreach,
        marketing_sent=context.marketing_sent,
        unsubscribed=effect.channel in context.unsubscribed,
    )
    if isinstance(verdict, Suppress):
        until = _profile_until(context) if verdict.by_profile else None
        return Outcome(status="suppressed", reason=verdict.reason, channel=effect.channel, profile_until=until)
    if isinstance(verdict, Incomplete):
        return _until_profile_is_complete(context, effect, verdict)
    if isinstance(verdict, Deferral):
        # Jitter, so that deferred messages are not all sent at once.
        due_at = to_datetime(Micros(verdict.until + zlib.crc32(context.action_key.encode()) % JITTER))
        return Outcome(
            status="waiting", reason=verdict.reason, channel=effect.channel, due_at=due_at, waits_for="quiet_hours"
        )
    return None


def _until_profile_is_complete(context: ActionContext, effect: CustomerMessage, verdict: Incomplete) -> Outcome:
    """Wait for the profile, which may still be on its way, for a limited time."""
    until = _profile_until(context)
    if context.now >= until:
        return Outcome(status="suppressed", reason=verdict.reason, channel=effect.channel)
    return Outcome(
        status="waiting",
        reason=verdict.reason,
        channel=effect.channel,
        due_at=to_datetime(until),
        waits_for="profile",
        profile_until=until,
    )


def _profile_until(context: ActionContext) -> Micros:
    """Return until when (µs) changes of the profile count: a limited time after the first attempt."""
    return Micros(context.detail.get("profile_until") or context.now + PROFILE_WAIT)
