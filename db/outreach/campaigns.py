"""Retention campaigns: put on record once, one at a time for each customer."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from db.connections import Pool, tenant_transaction
from db.outreach.actions import ActionRow, Outcome, claim, finish_on, put_later


async def start_campaign(
    pool: Pool, company_id: int, row: ActionRow, at: datetime, steps: Sequence[tuple[str, str, int, datetime]]
) -> int | None:
    """Put a campaign with its steps (action, type, day, due) on record, once: its number in the customer's life.

    None where another one is still running for this customer: there is never more than one.
    """
    planned = [
        {"action": action, "type": kind, "day": day, "due_at": due_at.isoformat(), "status": "pending"}
        for action, kind, day, due_at in steps
    ]
    async with tenant_transaction(pool, company_id) as connection:
        relationship = await claim(connection, company_id, row)
        if relationship is None:
            rows = await connection.execute("select detail -> 'campaign' from journey_actions where id = %s", [row.id])
            found = await rows.fetchone()
            return found[0] if found else None
        made = await connection.execute(
            """
            insert into retention_campaigns (company_id, relationship_id, customer_id, type, n, status,
                                             scheduled_actions, created_at, entry)
            select r.company_id, r.id, r.customer_id, 'retention',
                   1 + (select count(*) from retention_campaigns where relationship_id = r.id), 'running', %s, %s, %s
              from customer_relationships r where r.id = %s
            on conflict do nothing returning n
            """,
            [orjson.dumps(planned).decode(), at, row.entry, relationship],
        )
        number = await made.fetchone()
        if number is None:
            outcome = Outcome(status="suppressed", reason="a campaign is running for this customer")
            await finish_on(connection, company_id, row.id, at, outcome)
            return None
        for action, _, _, due_at in steps:
            await put_later(connection, row, action, due_at)
        outcome = Outcome(status="succeeded", detail={"campaign": number[0]})
        await finish_on(connection, company_id, row.id, at, outcome)
        n: int = number[0]
        return n
