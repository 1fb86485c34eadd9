"""Visit histories from the ledger, in the notation of the BG/NBD model in `journey/bgnbd.py`.

A visit is a UTC day with a completed appointment. `x` is the number of repeat visits (visits - 1), `t_x` the days from
the first to the last visit, and `age` the days from the first visit until a given day.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import LiteralString, NamedTuple

from db.connections import Pool, tenant_rows, tenant_transaction

FETCH_SIZE = 10_000  # rows fetched at once from the server-side cursor


class VisitSummary(NamedTuple):
    """The visits of one customer."""

    x: int
    t_x: int
    age: int


@dataclass(slots=True)
class VisitHistory:
    """The visits of all customers of a company up to the end of `until`, grouped by equal (x, t_x, age).

    `counts` holds the number of customers in each group.
    """

    until: date
    x: array[int] = field(default_factory=lambda: array("q"))
    t_x: array[int] = field(default_factory=lambda: array("q"))
    age: array[int] = field(default_factory=lambda: array("q"))
    counts: array[int] = field(default_factory=lambda: array("q"))

    @property
    def customers(self) -> int:
        return sum(self.counts)

    @property
    def returned(self) -> int:
        """The number of customers with a second visit."""
        return sum(count for x, count in zip(self.x, self.counts, strict=True) if x)

    @property
    def days(self) -> int:
        """The days since the first visit of any customer."""
        return max(self.age, default=0)

    @property
    def since(self) -> date | None:
        return self.until - timedelta(days=self.days) if self.counts else None


# Postgres sorts and groups, on disk if necessary; the result has fewer rows than there are customers.
_HISTORY: LiteralString = """
with visits as (
    select customer_id, (occurred_at at time zone 'UTC')::date as day from journey_events
     where company_id = %(company)s and outcome = 'applied' and type = 'appointment.completed'
       and occurred_at < (%(until)s::date + 1)::timestamp at time zone 'UTC'
), customers as (
    select count(distinct day) - 1 as x, max(day) - min(day) as t_x, %(until)s::date - min(day) as age
      from visits group by customer_id
)
select x, t_x, age, count(*) from customers group by x, t_x, age
"""

#: the days of the visits of one customer (`COMPANY`, `CUSTOMER`)
VISIT_DAYS: LiteralString = """
select (occurred_at at time zone 'UTC')::date as day from journey_events e
 where e.company_id = COMPANY and e.customer_id = CUSTOMER
   and outcome = 'applied' and type = 'appointment.completed'
   and occurred_at < (%(until)s::date + 1)::timestamp at time zone 'UTC'
"""
_SUMMARIES: LiteralString = """
select c.external_id, count(distinct day) - 1, max(day) - min(day), %(until)s::date - min(day)
  from customers c
  cross join lateral (VISITS) v
 where c.company_id = %(company)s and c.external_id = any(%(customers)s)
 group by c.external_id
""".replace("VISITS", VISIT_DAYS.replace("COMPANY", "c.company_id").replace("CUSTOMER", "c.id"))


async def load_visit_history(pool: Pool, company_id: int, until: date) -> VisitHistory:
    """Load the customers that a model is fitted on, in chunks.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    history = VisitHistory(until)
    async with tenant_transaction(pool, company_id) as connection, connection.cursor(name="history") as cursor:
        cursor.itersize = FETCH_SIZE
        await cursor.execute(_HISTORY, {"company": company_id, "until": until})
        async for x, t_x, age, count in cursor:
            history.x.append(x)
            history.t_x.append(t_x)
            history.age.append(age)
            history.counts.append(count)
    return history


async def visit_summaries(
    pool: Pool, company_id: int, customer_ids: Sequence[str], until: date
) -> dict[str, VisitSummary]:
    """Return the visits of these customers by external id; customers without a visit are absent."""
    parameters = {"company": company_id, "customers": list(customer_ids), "until": until}
    rows = await tenant_rows(pool, company_id, _SUMMARIES, parameters)
    return {row[0]: VisitSummary(*row[1:]) for row in rows}
