"""Retention campaigns: recorded once, at most one running per customer."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from db.connections import Pool, tenant_rows, tenant_transaction
from db.outreach.action_context import ActionContext
from db.outreach.action_outcomes import Outcome, claim, finish_in, schedule_action


async def start_campaign(
    pool: Pool, context: ActionContext, steps: Sequence[tuple[str, str, int, datetime]]
) -> int | None:
    """Record a campaign with its steps, and the action as done.

    Args:
        pool: The pool of the application's role.
        context: The action that starts the campaign.
        steps: Action, type, day and due time of each step.

    Returns:
        The number of the campaign for this customer, the same again if it has already been recorded. None if another
        campaign is running.
    """
    planned = [
        {"action": action, "type": step_type, "day": day, "due_at": due_at.isoformat(), "status": "pending"}
        for action, step_type, day, due_at in steps
    ]
    async with tenant_transaction(pool, context.company_id) as connection:
        if not await claim(connection, context):
            rows = await connection.execute(
                "select detail -> 'campaign' from journey_actions where id = %s", [context.action_id]
            )
            recorded = await rows.fetchone()
            return recorded[0] if recorded else None
        inserted = await connection.execute(
            """
            insert into retention_campaigns (company_id, relationship_id, customer_id, type, n, status,
                                             scheduled_actions, created_at, entry)
            select r.company_id, r.id, r.customer_id, 'retention',
                   1 + (select count(*) from retention_campaigns where relationship_id = r.id), 'running', %s, %s, %s
              from customer_relationships r where r.id = %s
            on conflict do nothing returning n
            """,
            [orjson.dumps(planned).decode(), context.at, context.transition_number, context.relationship_id],
        )
        row = await inserted.fetchone()
        if row is None:
            reason = "another campaign is running for this customer"
            await finish_in(connection, context, Outcome(status="suppressed", reason=reason))
            return None
        number: int = row[0]
        for action, _, _, due_at in steps:
            await schedule_action(connection, context, action, due_at)
        await finish_in(connection, context, Outcome(status="succeeded", detail={"campaign": number}))
        return number


async def running_campaigns(pool: Pool, company_id: int, customer_id: str) -> dict[int, list[str]]:
    """Return a customer's running campaigns by number, each with the ``action_ref`` of its steps."""
    statement = """
        select c.n, jsonb_agg(c.entry || ':' || (s ->> 'action'))
          from customers u join retention_campaigns c on c.company_id = u.company_id and c.customer_id = u.id
          cross join jsonb_array_elements(c.scheduled_actions) s
         where u.company_id = %s and u.external_id = %s and c.status = 'running' group by c.n
    """
    return dict(await tenant_rows(pool, company_id, statement, [company_id, customer_id]))


async def step_dues(pool: Pool, context: ActionContext) -> list[tuple[str, datetime]]:
    """Return the steps of the campaign that an action started: action and due time, in order."""
    statement = (
        "select action, due_at from journey_actions where company_id = %s and relationship_id = %s and entry = %s"
        " and action like 'campaign\\_%%' order by id"
    )
    parameters = [context.company_id, context.relationship_id, context.transition_number]
    return [(row[0], row[1]) for row in await tenant_rows(pool, context.company_id, statement, parameters)]
