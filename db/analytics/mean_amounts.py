"""Store the mean amount of each customer's latest visits, which orders the call list.

A commit that changes a customer's visits or amounts removes the mean. Workers compute it soon after, from the ledger;
an index is the queue.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import LiteralString

from db.analytics.visit_history import VISITS_OF_CUSTOMER, visits_from
from db.connections import Pool, tenant_rows

BATCH = 500  # journeys read and updated at once

# The condition is that of the index `customer_relationships_without_mean_amount`.
_MISSING: LiteralString = """
select r.id, r.version, v.*
  from (select id, company_id, customer_id, version from customer_relationships
         where company_id = %(company)s and mean_amount is null and total_appointments > 0
           and id > %(after)s order by id limit %(batch)s) r
  left join lateral (VISITS) v(days, amounts, missed) on true
 order by r.id
""".replace("VISITS", VISITS_OF_CUSTOMER.replace("COMPANY", "r.company_id").replace("CUSTOMER", "r.customer_id"))
# A commit since the journeys were read may have changed the visits again.
_STORE: LiteralString = """
update customer_relationships r set mean_amount = m.amount
  from unnest(%(ids)s::bigint[], %(versions)s::int[], %(amounts)s::numeric(18,2)[]) as m(id, version, amount)
 where r.company_id = %(company)s and r.id = m.id and r.version = m.version
returning r.id
"""


async def store_mean_amounts(pool: Pool, company_id: int) -> None:
    """Compute and store the missing mean amounts of a company, batch by batch.

    Several processes may do this at once. What is interrupted is computed again.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    after, until = 0, datetime.now(UTC).date()
    while True:
        parameters = {"company": company_id, "after": after, "batch": BATCH, "until": until}
        rows = await tenant_rows(pool, company_id, _MISSING, parameters)
        if not rows:
            return
        known = [(row[0], row[1], visits_from(*row[2:]).mean_amount) for row in rows if row[2]]
        if known:
            ids, versions, amounts = (list(column) for column in zip(*known, strict=True))
            values = {"company": company_id, "ids": ids, "versions": versions, "amounts": amounts}
            await tenant_rows(pool, company_id, _STORE, values)
        after = rows[-1][0]
