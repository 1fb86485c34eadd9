"""What the ledger tells of who comes back: each customer's visits, as the model of `journey/bgnbd.py` knows them.

Visits are the UTC days with a completed appointment. Their number less one is `x`, the days from the first to the last
`t_x`, the days from the first until a given day the customer's `age`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import LiteralString, NamedTuple

from db.connections import Pool, tenant, tenant_rows

CHUNK = 10_000  # rows in memory as tuples


class Visits(NamedTuple):
    """One customer's."""

    x: int
    t_x: int
    age: int


@dataclass(slots=True)
class History:
    """All customers of a company who came until the end of `until`: like ones once, `counts` says how many."""

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
        """Customers who came on a second day."""
        return sum(count for x, count in zip(self.x, self.counts, strict=True) if x)

    @property
    def days(self) -> int:
        """Since the first visit of all."""
        return max(self.age, default=0)

    @property
    def since(self) -> date | None:
        return self.until - timedelta(days=self.days) if self.counts else None


# Postgres sorts and counts, on disk where it must; what comes out is fewer triples than customers.
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

_OF_EACH: LiteralString = """
select c.external_id, count(distinct day) - 1, max(day) - min(day), %(until)s::date - min(day)
  from customers c cross join lateral (
    select (occurred_at at time zone 'UTC')::date as day from journey_events e
     where e.company_id = c.company_id and e.customer_id = c.id
       and outcome = 'applied' and type = 'appointment.completed'
       and occurred_at < (%(until)s::date + 1)::timestamp at time zone 'UTC') visits
 where c.company_id = %(company)s and c.external_id = any(%(customers)s)
 group by c.external_id
"""


async def history(pool: Pool, company_id: int, until: date) -> History:
    """The customers that a model is fitted on, read in chunks.

    Raises psycopg.OperationalError when Postgres does not answer.
    """
    found = History(until)
    async with tenant(pool, company_id) as connection, connection.cursor(name="history") as cursor:
        cursor.itersize = CHUNK
        await cursor.execute(_HISTORY, {"company": company_id, "until": until})
        async for x, t_x, age, count in cursor:
            found.x.append(x)
            found.t_x.append(t_x)
            found.age.append(age)
            found.counts.append(count)
    return found


async def visits_of(pool: Pool, company_id: int, customer_ids: Sequence[str], until: date) -> dict[str, Visits]:
    """The visits of single customers by their own ids; who never came has none."""
    parameters = {"company": company_id, "customers": list(customer_ids), "until": until}
    rows = await tenant_rows(pool, company_id, _OF_EACH, parameters)
    return {row[0]: Visits(*row[1:]) for row in rows}
