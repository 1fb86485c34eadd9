"""Read all events of one journey from the ledger, for facts that are computed anew."""

from db.connections import Pool, tenant_rows
from journey.events import Event, from_canonical

# In the order in which the commits applied them.
_HISTORY = """
select e.payload from journey_events e join customers u on u.company_id = e.company_id and u.id = e.customer_id
 where e.company_id = %(company)s and u.external_id = %(customer)s and e.outcome = 'applied'
   and not e.event_id = any(%(except)s::text[])
 order by e.version, e.occurred_at, e.event_id
"""


async def applied_events(pool: Pool, company_id: int, customer_id: str, except_ids: list[str]) -> list[Event]:
    """Return every applied event of a journey, except those with the given ids."""
    parameters = {"company": company_id, "customer": customer_id, "except": except_ids}
    return [from_canonical(row[0]) for row in await tenant_rows(pool, company_id, _HISTORY, parameters)]
