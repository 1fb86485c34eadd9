"""Store each journey's return probability as of the last fit, so that lists can be ordered and filtered by it.

A stored probability is as of the day of the fit. A commit that changes the number of visits removes it until the next
fit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import LiteralString

from db.analytics.visit_history import VISITS_OF_CUSTOMER, visits_from
from db.connections import Pool, tenant_rows
from journey.visits import Visits

PAGE = 5_000  # journeys read and updated at once

_VISITS: LiteralString = """
select r.id, r.total_appointments, v.*
  from (select id, company_id, customer_id, total_appointments from customer_relationships
         where company_id = %(company)s and id > %(after)s order by id limit %(page)s) r
  left join lateral (VISITS) v(days, amounts, missed) on true
 order by r.id
""".replace("VISITS", VISITS_OF_CUSTOMER.replace("COMPANY", "r.company_id").replace("CUSTOMER", "r.customer_id"))
# A visit that was committed since the page was read has removed the probability, which must not come back.
_STORE: LiteralString = """
update customer_relationships r set return_probability = p.probability
  from unnest(%(ids)s::bigint[], %(visits)s::int[], %(probabilities)s::numeric(4,3)[]) as p(id, visits, probability)
 where r.company_id = %(company)s and r.id = p.id and r.total_appointments = p.visits
   and r.return_probability is distinct from p.probability
returning r.id
"""


async def store_return_probabilities(
    pool: Pool, company_id: int, until: date, probability: Callable[[Visits], float | None]
) -> None:
    """Compute and store the probabilities of all journeys of a company, page by page.

    Args:
        until: The last day of the visit histories.
        probability: Computes the probability of a visit history; None if there is no model.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    after = 0
    while True:
        parameters = {"company": company_id, "after": after, "page": PAGE, "until": until}
        rows = await tenant_rows(pool, company_id, _VISITS, parameters)
        if not rows:
            return
        probabilities = [None if days is None else probability(visits_from(days, *rest)) for _, _, days, *rest in rows]
        values = {
            "company": company_id,
            "ids": [row[0] for row in rows],
            "visits": [row[1] for row in rows],
            "probabilities": probabilities,
        }
        await tenant_rows(pool, company_id, _STORE, values)
        after = rows[-1][0]
