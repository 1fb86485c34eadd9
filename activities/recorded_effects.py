"""Tasks, assignments and campaigns: effects that Postgres records in the transaction that finishes their action."""

from datetime import datetime

from activities.stage_actions import REGISTRY, Assign, Recorded, StartCampaign, Task
from contracts.requests import ActResult
from db.connections import Pool
from db.outreach import action_outcomes, campaigns, tasks
from db.outreach.action_context import ActionContext
from journey.actions import CAMPAIGN, step_name
from journey.time import DAY, Micros, to_datetime, to_micros


async def record_effect(pool: Pool, context: ActionContext, effect: Recorded, result: ActResult) -> None:
    """Create a task, an assignment or a campaign, once, and add to ``result`` what the workflow has to know."""
    if isinstance(effect, Assign):
        created = await tasks.assign(pool, context, effect.role, effect.title)
    elif isinstance(effect, Task):
        created = await _create_task(pool, context, effect, result)
    else:
        created = await _start_campaign(pool, context, result)
    # otherwise another attempt has finished it, or the customer's return has cancelled it
    status = "succeeded" if created else await action_outcomes.current_status(pool, context)
    result["done"][context.action_ref] = status
    if created:
        _describe(context, effect, result)


async def restore_result(pool: Pool, context: ActionContext, result: ActResult) -> None:
    """Repeat what an earlier attempt, whose result was lost, had to tell the workflow."""
    if context.action == CAMPAIGN and context.detail.get("campaign"):
        dues = await campaigns.step_dues(pool, context)
        _add_campaign(context, context.detail["campaign"], [(name, to_micros(due_at)) for name, due_at in dues], result)
    if context.status == "succeeded" and context.name in REGISTRY:
        effect = REGISTRY[context.name].effect(context)
        if isinstance(effect, Task):
            _add_repetition(context, effect, result)
        if isinstance(effect, Recorded):
            _describe(context, effect, result)


def _describe(context: ActionContext, effect: Recorded, result: ActResult) -> None:
    """Describe work that has only begun, for the Temporal UI: the workflow does not learn when it is done."""
    if isinstance(effect, Task):
        result["created"][context.action_ref] = "task created, open until somebody closes it"
    elif isinstance(effect, StartCampaign):
        result["created"][context.action_ref] = "campaign started"


async def _create_task(pool: Pool, context: ActionContext, effect: Task, result: ActResult) -> bool:
    task = tasks.NewTask(
        effect.kind,
        effect.title,
        effect.role,
        to_datetime(context.now) + effect.due_in,
        effect.reason,
        context.detail.get("note"),
        followed_by=_add_repetition(context, effect, result),
    )
    return await tasks.create_task(pool, context, task)


def _add_repetition(context: ActionContext, effect: Task, result: ActResult) -> tuple[str, datetime] | None:
    """Schedule the next step of a repeated task: its name and due time."""
    if effect.repeat_days is None:
        return None
    following, due = step_name(context.name, int(context.step) + 1), Micros(context.now + effect.repeat_days * DAY)
    result["until"][f"{context.transition_number}:{following}"] = due
    return following, to_datetime(due)


async def _start_campaign(pool: Pool, context: ActionContext, result: ActResult) -> bool:
    plan = [
        (f"campaign_{step.type}", step.type, step.day, to_datetime(Micros(context.now + step.day * DAY)))
        for step in context.outreach.campaign
    ]
    number = await campaigns.start_campaign(pool, context, plan)
    if number is None:
        return False
    _add_campaign(context, number, [(name, to_micros(due_at)) for name, _, _, due_at in plan], result)
    return True


def _add_campaign(context: ActionContext, number: int, steps: list[tuple[str, Micros]], result: ActResult) -> None:
    entry = context.transition_number
    result["campaign"] = {"n": number, "entry": entry, "steps": [[f"{entry}:{name}", due] for name, due in steps]}
