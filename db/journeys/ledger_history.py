"""Find appointments in the ledger, and read all events of one journey, for facts that are computed anew."""

from typing import LiteralString

from db.connections import Pool, tenant_rows
from db.journeys.ledger_records import MOVE_COLUMNS, recorded_move
from journey.appointments import EVENT_PREFIX
from journey.events import Event, from_canonical
from journey.refold import RecordedMove

# Whether the ledger has an event about one of these appointments.
KNOWS_APPOINTMENTS = """
exists (select from journey_events e join customers u on u.company_id = e.company_id and u.id = e.customer_id
         where e.company_id = %(company)s and u.external_id = %(customer)s and e.outcome = 'applied'
           and (e.payload ->> 'appointment_id' = any(%(appointments)s::text[])
                or e.payload ->> 'replaces' = any(%(appointments)s::text[])
                or e.event_id = any(%(appointment_events)s::text[]))
           and not e.event_id = any(%(new_ids)s::text[]))
"""

# In the order in which the commits applied them.
_HISTORY = """
select e.payload from journey_events e join customers u on u.company_id = e.company_id and u.id = e.customer_id
 where e.company_id = %(company)s and u.external_id = %(customer)s and e.outcome = 'applied'
   and e.type <> 'customers.merged' and not e.event_id = any(%(except)s::text[])
 order by e.version, e.occurred_at, e.event_id
"""


_STAGES_SET: LiteralString = """
select COLUMNS from journey_transitions t
  join customer_relationships r on r.id = t.relationship_id join customers u on u.id = r.customer_id
 where t.company_id = %(company)s and u.company_id = %(company)s and u.external_id = %(customer)s
   and t.trigger_event = 'stage_set' and t.version <= %(version)s
 order by t.sequence
""".replace("COLUMNS", MOVE_COLUMNS)


async def applied_events(pool: Pool, company_id: int, customer_id: str, except_ids: list[str]) -> list[Event]:
    """Return every applied event of a journey, except those with the given ids."""
    parameters = {"company": company_id, "customer": customer_id, "except": except_ids}
    return [from_canonical(row[0]) for row in await tenant_rows(pool, company_id, _HISTORY, parameters)]


async def recorded_stages_set(pool: Pool, company_id: int, customer_id: str, version: int) -> list[RecordedMove]:
    """Return the transitions that users made, up to a commit's version, in order."""
    parameters = {"company": company_id, "customer": customer_id, "version": version}
    return [recorded_move(*row) for row in await tenant_rows(pool, company_id, _STAGES_SET, parameters)]


def appointment_parameters(appointment_ids: list[str]) -> dict[str, list[str]]:
    """Return the parameters by which a statement looks for appointments in the ledger."""
    events = [id_.removeprefix(EVENT_PREFIX) for id_ in appointment_ids if id_.startswith(EVENT_PREFIX)]
    return {"appointments": appointment_ids, "appointment_events": events}


async def knows_appointments(
    pool: Pool, company_id: int, customer_id: str, appointment_ids: list[str], new_ids: list[str]
) -> bool:
    """Whether a customer's ledger has an event, other than the new ones, about one of these appointments."""
    parameters = {"company": company_id, "customer": customer_id, "new_ids": new_ids}
    parameters |= appointment_parameters(appointment_ids)
    return bool((await tenant_rows(pool, company_id, f"select {KNOWS_APPOINTMENTS}", parameters))[0][0])
