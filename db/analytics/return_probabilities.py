"""Store each journey's return probability as of the last fit, so that lists can be ordered and filtered by it.

Without visits a probability only decreases from day to day, so that a stored one is an upper bound. A commit that
changes the number of visits removes it until the next fit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import LiteralString

from db.analytics.visit_history import VISIT_DAYS, VisitSummary
from db.connections import Pool, tenant_rows

PAGE = 5_000  # journeys read and updated at once

_VISITS: LiteralString = """
select r.id, r.total_appointments, count(distinct day) - 1, max(day) - min(day), %(until)s::date - min(day)
  from (select id, company_id, customer_id, total_appointments from customer_relationships
         where company_id = %(company)s and id > %(after)s order by id limit %(page)s) r
  left join lateral (VISITS) v on true
 group by r.id, r.total_appointments order by r.id
""".replace("VISITS", VISIT_DAYS.replace("COMPANY", "r.company_id").replace("CUSTOMER", "r.customer_id"))
# A visit that was committed since the page was read has removed the probability, which must not come back.
_STORE: LiteralString = """
update customer_relationships r set return_probability = p.probability
  from unnest(%(ids)s::bigint[], %(visits)s::int[], %(probabilities)s::numeric(4,3)[]) as p(id, visits, probability)
 where r.company_id = %(company)s and r.id = p.id and r.total_appointments = p.visits
   and r.return_probability is distinct from p.probability
returning r.id
"""


async def store_return_probabilities(
    pool: Pool, company_id: int, until: date, probability: Callable[[VisitSummary], float | None]
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
        probabilities = [None if x < 0 else probability(VisitSummary(x, t_x, age)) for _, _, x, t_x, age in rows]
        values = {
            "company": company_id,
            "ids": [row[0] for row in rows],
            "visits": [row[1] for row in rows],
            "probabilities": probabilities,
        }
        await tenant_rows(pool, company_id, _STORE, values)
        after = rows[-1][0]
