"""Reads of the ledger for who waits: what it knows of some events, and which transitions they caused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from db.connections import Pool, tenant_rows


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What the ledger says of one event: the hash of the content that came, and the outcome of that."""

    content_hash: bytes
    outcome: str
    reason: str | None


_KNOWN = """
select event_id, content_hash, outcome, reason from journey_events
where company_id = %s and event_id = any(%s)
"""

_CAUSED = """
select t.event_id, json_agg(json_build_object(
    'from_stage', t.from_stage, 'to_stage', t.to_stage, 'transitioned_at', t.transitioned_at,
    'trigger_type', t.trigger_type, 'trigger_event', t.trigger_event) order by t.sequence)::text
from customers c
join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id
join journey_transitions t on t.relationship_id = r.id
where c.company_id = %s and c.external_id = any(%s) and t.event_id = any(%s)
group by t.event_id
"""


async def find_outcomes(pool: Pool, company_id: int, event_ids: Sequence[str]) -> dict[str, list[EventOutcome]]:
    """What the ledger holds under these ids, in one statement; ids that it does not know are absent."""
    found: dict[str, list[EventOutcome]] = {}
    rows = await tenant_rows(pool, company_id, _KNOWN, [company_id, list(event_ids)])
    for event_id, content_hash, outcome, reason in rows:
        found.setdefault(event_id, []).append(EventOutcome(bytes(content_hash), outcome, reason))
    return found


async def find_caused_transitions(
    pool: Pool, company_id: int, customers: Sequence[str], event_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """The transitions that these events of these customers caused, by event id, in their order."""
    rows = await tenant_rows(pool, company_id, _CAUSED, [company_id, list(customers), list(event_ids)])
    return {event_id: orjson.loads(text) for event_id, text in rows}
