"""What the customers' pages ask: whose page it is, and whether the feedback that was asked for came already."""

from __future__ import annotations

from dataclasses import dataclass

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class Asked:
    """``company``: its name (None: not known); ``known``: the action that asked is on record; ``answered``: feedback
    came by its link."""

    company: str | None
    known: bool
    answered: bool


async def asked(pool: Pool, company_id: int, action_key: str, event_id: str) -> Asked | None:
    """What is known of a request for feedback; None for no such company."""
    rows = await tenant_rows(
        pool,
        company_id,
        """
        select c.name,
               exists (select from journey_actions where company_id = c.id and action_key = %s),
               exists (select from journey_events where company_id = c.id and event_id = %s and outcome = 'applied')
          from companies c where c.id = %s
        """,
        [action_key, event_id, company_id],
    )
    return Asked(*rows[0]) if rows else None


async def company_name(pool: Pool, company_id: int) -> str | None:
    """The company's name; None for no such company."""
    rows = await tenant_rows(pool, company_id, "select name from companies where id = %s", [company_id])
    return rows[0][0] if rows else None
