"""Look up the feedback request behind a customer's signed link."""

from __future__ import annotations

from dataclasses import dataclass

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class FeedbackRequest:
    """A request for feedback.

    Attributes:
        company_name: The name of the company that asks; None if it has none.
        exists: The action that sent the request is in the database.
        is_answered: Feedback was already received for it.
    """

    company_name: str | None
    exists: bool
    is_answered: bool


async def find_feedback_request(pool: Pool, company_id: int, action_key: str, event_id: str) -> FeedbackRequest | None:
    """Find a request by the key of its action and the id of the event that answers it; None for an unknown company."""
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
    return FeedbackRequest(*rows[0]) if rows else None
