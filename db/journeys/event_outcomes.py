"""Outcomes of events, for API calls that wait for them: the ledger rows and the transitions they caused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """A ledger row of one event: the hash of the received content and its outcome."""

    content_hash: bytes
    outcome: str
    reason: str | None


_OUTCOMES = """
select event_id, content_hash, outcome, reason from journey_events
where company_id = %s and event_id = any(%s)
"""

_CAUSED_TRANSITIONS = """
select t.event_id, json_agg(json_build_object(
    'from_stage', t.from_stage, 'to_stage', t.to_stage, 'transitioned_at', t.transitioned_at,
    'trigger_type', t.trigger_type, 'trigger_event', t.trigger_event) order by t.sequence)::text
from customers c
join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
join journey_transitions t on t.relationship_id = r.id
where c.company_id = %(company)s and t.event_id = any(%(events)s) and c.id = any(array(
    select coalesce(k.merged_into, k.id) from customers k
     where k.company_id = %(company)s and k.external_id = any(%(customers)s)))
group by t.event_id
"""


async def find_outcomes(pool: Pool, company_id: int, event_ids: Sequence[str]) -> dict[str, list[EventOutcome]]:
    """Return the ledger rows of these event ids, in one statement; unknown ids are absent."""
    outcomes: dict[str, list[EventOutcome]] = {}
    rows = await tenant_rows(pool, company_id, _OUTCOMES, [company_id, list(event_ids)])
    for event_id, content_hash, outcome, reason in rows:
        outcomes.setdefault(event_id, []).append(EventOutcome(bytes(content_hash), outcome, reason))
    return outcomes


async def find_caused_transitions(
    pool: Pool, company_id: int, customers: Sequence[str], event_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the transitions that these events of these customers caused, by event id, in order."""
    parameters = {"company": company_id, "customers": list(customers), "events": list(event_ids)}
    rows = await tenant_rows(pool, company_id, _CAUSED_TRANSITIONS, parameters)
    return {event_id: orjson.loads(text) for event_id, text in rows}
