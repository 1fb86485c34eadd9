"""Actions of a journey whose row was restored: what was sent stays sent, and what was lost is done again.

Messages have reached somebody, so they are never sent on suspicion: those that the workflow has finished are recorded
as finished. Tasks, assignments and campaigns exist in Postgres alone, so those that it lost are created again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from activities.stage_actions import REGISTRY, Delivered, Recorded
from contracts.journey_record import JourneyRecord
from contracts.requests import CommitRequest
from db.connections import Pool
from db.outreach import action_outcomes, campaigns
from db.outreach.action_context import ActionContext, load_action_contexts
from db.outreach.action_outcomes import Outcome
from journey.actions import CAMPAIGN, action_key
from journey.time import DAY, Micros, to_datetime

HAPPENED = ("succeeded", "failed", "suppressed")
FROM_HISTORY = "recorded in Temporal's history"
UNKNOWN = "may have been sent before the database was restored"

#: Reads what became of the steps of a campaign: takes company, customer and number (see ``JourneyHistories``).
ReadCampaign = Callable[[int, str, int], Awaitable[dict[str, str] | None]]


async def settle_actions(
    pool: Pool, read_campaign: ReadCampaign, request: CommitRequest, record: JourneyRecord
) -> list[str]:
    """Settle the unfinished actions of a journey.

    Returns:
        The ``action_ref`` of campaign steps that are to be done again, although their campaign has done them.
    """
    company_id, customer_id = request["company_id"], request["customer_id"]
    prefix = action_key(company_id, customer_id, "")
    unfinished = await action_outcomes.unfinished_actions(pool, company_id, customer_id)
    refs = [key.removeprefix(prefix) for key in unfinished]
    for context in await load_action_contexts(pool, company_id, customer_id, refs, request["now"]):
        if context.status not in ("pending", "waiting"):
            continue
        if context.action == CAMPAIGN:
            await _restore_campaign(pool, context, record)
        elif (message := _message(context)) is not None:
            status = record.outcomes.get(context.action_ref)
            # "cancelled" may only mean that an attempt after the restore did not find the action
            if status in HAPPENED or (status is None and context.action_ref not in record.agenda):
                await _finish(pool, context, message, status)
    return await _settle_campaigns(pool, read_campaign, request)


async def _restore_campaign(pool: Pool, context: ActionContext, record: JourneyRecord) -> None:
    """Record a campaign again that was started; one that was not is left to its action."""
    for campaign in record.campaigns:
        if campaign["entry"] == context.transition_number:
            await campaigns.start_campaign(pool, context, _plan(campaign["steps"]))


def _plan(steps: list[tuple[str, Micros]]) -> list[tuple[str, str, int, datetime]]:
    """Return the steps as ``start_campaign`` takes them, from ``action_ref`` and due time."""
    begin = min(due for _, due in steps) if steps else 0
    names = [(ref.partition(":")[2], due) for ref, due in steps]
    return [(name, name.removeprefix("campaign_"), (due - begin) // DAY, to_datetime(due)) for name, due in names]


async def _settle_campaigns(pool: Pool, read_campaign: ReadCampaign, request: CommitRequest) -> list[str]:
    """Settle the steps of running campaigns as their workflows know them; return those to be done again."""
    company_id, customer_id = request["company_id"], request["customer_id"]
    again: list[str] = []
    for number, refs in (await campaigns.running_campaigns(pool, company_id, customer_id)).items():
        outcomes = await read_campaign(company_id, customer_id, number)
        for context in await load_action_contexts(pool, company_id, customer_id, refs, request["now"]):
            status = None if outcomes is None else outcomes.get(context.action_ref)
            if context.status not in ("pending", "waiting") or (outcomes is not None and status is None):
                continue
            if (message := _message(context)) is not None:
                await _finish(pool, context, message, status)
            elif status == "succeeded":
                again.append(context.action_ref)
    return again


def _message(context: ActionContext) -> Delivered | None:
    """Return the message or webhook event of an action; None if its effect is in Postgres alone."""
    if context.name not in REGISTRY:
        return None
    effect = REGISTRY[context.name].effect(context)
    return None if isinstance(effect, Recorded) else effect


async def _finish(pool: Pool, context: ActionContext, message: Delivered, status: str | None) -> None:
    """Record what became of a message; without a known outcome, leave the decision to a person."""
    details: dict[str, Any] = {"channel": message.channel, "marketing": message.marketing}
    if status is None:
        outcome = Outcome(status="suppressed", reason=UNKNOWN, channel=message.channel)
    else:
        outcome = Outcome(status=status, reason=FROM_HISTORY, **details)
    await action_outcomes.finish(pool, context, outcome)
