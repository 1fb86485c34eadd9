"""Actions of a journey whose row was restored: what was sent stays sent, and what was lost is done again.

Messages have reached somebody, so they are never sent on suspicion: those that the workflow has finished are recorded
as finished. Tasks, assignments and campaigns exist in Postgres alone, so those that it lost are created again.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from activities.recorded_effects import record_effect
from activities.stage_actions import REGISTRY, Recorded
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
) -> None:
    """Settle the unfinished actions of a journey, and the steps of its running campaigns."""
    company_id, customer_id = request["company_id"], request["customer_id"]
    prefix = action_key(company_id, customer_id, "")
    unfinished = await action_outcomes.unfinished_actions(pool, company_id, customer_id)
    refs = [key.removeprefix(prefix) for key in unfinished]
    for context in await _open_contexts(pool, request, refs):
        outcome = record.outcomes.get(context.action_ref)
        if context.action == CAMPAIGN:
            await _restore_campaign(pool, context, record)
        elif outcome in HAPPENED or context.action_ref not in record.agenda:
            # "cancelled" may only mean that an attempt after the restore did not find the action
            await _settle(pool, context, outcome)
    for number, steps in (await campaigns.running_campaigns(pool, company_id, customer_id)).items():
        await _settle_campaign(pool, request, steps, await read_campaign(company_id, customer_id, number))


async def _open_contexts(pool: Pool, request: CommitRequest, refs: list[str]) -> list[ActionContext]:
    """Load those of these actions that are not finished."""
    contexts = await load_action_contexts(pool, request["company_id"], request["customer_id"], refs, request["now"])
    return [context for context in contexts if context.status in ("pending", "waiting")]


async def _restore_campaign(pool: Pool, context: ActionContext, record: JourneyRecord) -> None:
    """Record a campaign again that was started; one that was not is left to its action."""
    for campaign in record.campaigns:
        if campaign["entry"] == context.transition_number:
            await campaigns.start_campaign(pool, context, _plan(campaign["steps"]))


def _plan(steps: list[tuple[str, Micros]]) -> list[tuple[str, str, int, datetime]]:
    """Return the steps as ``start_campaign`` takes them, from ``action_ref`` and due time."""
    begin = min((due for _, due in steps), default=0)
    names = [(ref.partition(":")[2], due) for ref, due in steps]
    return [(name, name.removeprefix("campaign_"), (due - begin) // DAY, to_datetime(due)) for name, due in names]


async def _settle_campaign(
    pool: Pool, request: CommitRequest, steps: list[str], outcomes: dict[str, str] | None
) -> None:
    """Settle the steps of a campaign as its workflow knows them (None: it has expired)."""
    for context in await _open_contexts(pool, request, steps):
        outcome = None if outcomes is None else outcomes.get(context.action_ref)
        if outcome in HAPPENED or outcomes is None:
            await _settle(pool, context, outcome)
        elif context.current_transition_number != context.transition_number:
            await action_outcomes.finish(pool, context, Outcome(status="cancelled", reason="left the stage"))


async def _settle(pool: Pool, context: ActionContext, status: str | None) -> None:
    """Record what became of an action. Without a known outcome, a message is left to a person, and a task is due."""
    if context.name not in REGISTRY:
        return
    effect = REGISTRY[context.name].effect(context)
    if isinstance(effect, Recorded):
        if status == "succeeded":
            await record_effect(pool, context, effect, {"done": {}, "until": {}, "created": {}})
        return
    outcome = Outcome(status="suppressed", reason=UNKNOWN, channel=effect.channel)
    if status is not None:
        outcome = Outcome(status=status, reason=FROM_HISTORY, channel=effect.channel, marketing=effect.marketing)
    await action_outcomes.finish(pool, context, outcome)
