"""Read what a retraction needs to know of a journey, and record who made it."""

from dataclasses import dataclass

from db.connections import Pool, tenant_rows, tenant_transaction
from db.journeys import projection
from db.journeys.ledger_history import applied_events, recorded_stages_set
from db.people import audit_log
from journey.events import Event
from journey.refold import ManualMove, manual_moves
from journey.state import State, unpack

ACTION = "event.retract"
ALL_VERSIONS = 2**31 - 1

_CUSTOMER = """
select u.external_id from journey_events e join customers u on u.company_id = e.company_id and u.id = e.customer_id
 where e.company_id = %(company)s and e.event_id = %(event)s and e.outcome = 'applied'
"""


@dataclass(frozen=True, slots=True)
class JourneyPast:
    """A journey's state, all of its applied events, and its manual moves."""

    state: State
    history: list[Event]
    manual: list[ManualMove]


async def journey_past(pool: Pool, company_id: int, customer_id: str) -> JourneyPast | None:
    """Read a journey with its past; None if there is no such journey."""
    stored = await projection.packed_state(pool, company_id, customer_id)
    if stored is None:
        return None
    state = unpack(stored[0])
    history = await applied_events(pool, company_id, customer_id, [])
    stages_set = await recorded_stages_set(pool, company_id, customer_id, ALL_VERSIONS)
    return JourneyPast(state, history, manual_moves(stages_set, state))


async def customer_of_event(pool: Pool, company_id: int, event_id: str) -> str | None:
    """Return the id of the customer who has an applied event; None if there is no such event."""
    rows = await tenant_rows(pool, company_id, _CUSTOMER, {"company": company_id, "event": event_id})
    return rows[0][0] if rows else None


async def record_author(pool: Pool, company_id: int, retraction_id: str, actor: str) -> None:
    """Record who retracted an event, for the audit log and the timeline."""
    async with tenant_transaction(pool, company_id) as connection:
        await audit_log.record(connection, company_id, actor, ACTION, retraction_id, {})
