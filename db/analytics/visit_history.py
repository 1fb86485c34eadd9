"""Visit histories from the ledger, for return models (`journey/return_fit.py`) and their forecasts."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import LiteralString

from db.connections import Pool, tenant_rows, tenant_transaction
from journey.visits import Visits

FETCH_SIZE = 10_000  # rows fetched at once from the server-side cursor


@dataclass(slots=True)
class VisitHistory:
    """The visits of all customers of a company up to the end of `until`; customers without a visit are absent."""

    until: date
    visits: list[Visits] = field(default_factory=list)

    @property
    def customers(self) -> int:
        return len(self.visits)

    @property
    def returned(self) -> int:
        """The number of customers with a second visit."""
        return sum(len(each.days) > 1 for each in self.visits)

    @property
    def days(self) -> int:
        """The days since the first visit of any customer."""
        return max((each.age(self.until.toordinal()) for each in self.visits), default=0)

    @property
    def since(self) -> date | None:
        return self.until - timedelta(days=self.days) if self.visits else None


# What corrections and retractions up to `until` said counts on the day of the visit itself, and so does a payment that
# names the visit.
_CONTRIBUTED: LiteralString = """
select e.customer_id, e.occurred_at as at, (type = 'appointment.completed')::int as visits,
       case type when 'appointment.completed' then coalesce((payload ->> 'amount')::numeric, 0) else 0 end as earned,
       (type <> 'appointment.completed')::int as missed
  from journey_events e
 where CONDITION and outcome = 'applied' and contributions is null
   and type in ('appointment.completed', 'appointment.missed', 'appointment.cancelled') and UNTIL
union all
select e.customer_id, (part ->> 'at')::timestamptz, coalesce((part ->> 'visits')::int, 0),
       coalesce((part ->> 'earned')::numeric, 0), coalesce((part ->> 'missed')::int, 0)
  from journey_events e cross join lateral jsonb_array_elements(e.contributions) as parts(part)
 where CONDITION and outcome = 'applied' and contributions is not null and UNTIL
union all
select e.customer_id, paid.at, 0, (payload ->> 'amount')::numeric, 0
  from journey_events e cross join lateral (
      select v.occurred_at as at from journey_events v
       where v.company_id = e.company_id and v.customer_id = e.customer_id and v.outcome = 'applied'
         and v.type = 'appointment.completed' and v.retracted_by is null
         and e.payload ->> 'appointment_id' in (v.payload ->> 'appointment_id', 'event:' || v.event_id)
       order by v.occurred_at limit 1) paid
 where CONDITION and outcome = 'applied' and type = 'payment.adjusted' and retracted_by is null
   and payload ? 'appointment_id' and UNTIL
""".replace("UNTIL", "occurred_at < (%(until)s::date + 1)::timestamp at time zone 'UTC'")
#: The days on which customers (`CONDITION`) came or did not, numbered as by `date.toordinal`.
_DAYS: LiteralString = """
select customer_id, (at at time zone 'UTC')::date - date '0001-01-01' + 1 as day, sum(earned) as amount,
       sum(visits) > 0 as came, sum(missed) > 0 as missed
  from (CONTRIBUTED) v group by 1, 2
""".replace("CONTRIBUTED", _CONTRIBUTED)
_DAYS_TOGETHER: LiteralString = """
select array_agg(day order by day) filter (where came), array_agg(amount::float8 order by day) filter (where came),
       array_agg(day order by day) filter (where missed)
  from (DAYS) d
""".replace("DAYS", _DAYS)
#: The columns of `visits_from` for one customer (`COMPANY`, `CUSTOMER`); the days are null without a visit.
VISITS_OF_CUSTOMER: LiteralString = _DAYS_TOGETHER.replace(
    "CONDITION", "e.company_id = COMPANY and e.customer_id = CUSTOMER"
)
# Postgres sorts and groups, on disk if necessary.
_HISTORY: LiteralString = (
    _DAYS_TOGETHER.replace("CONDITION", "e.company_id = %(company)s") + " group by customer_id having bool_or(came)"
)
_OF_CUSTOMERS: LiteralString = """
select c.external_id, v.* from customers c cross join lateral (VISITS) v(days, amounts, missed)
 where c.company_id = %(company)s and c.external_id = any(%(customers)s) and days is not null
""".replace("VISITS", VISITS_OF_CUSTOMER.replace("COMPANY", "c.company_id").replace("CUSTOMER", "c.id"))


def visits_from(days: Sequence[int], amounts: Sequence[float], missed: Sequence[int] | None) -> Visits:
    """Return the visits that a row describes."""
    return Visits(array("i", days), array("d", amounts), array("i", missed or ()))


async def load_visit_history(pool: Pool, company_id: int, until: date) -> VisitHistory:
    """Load the customers that a model is fitted on, in chunks.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    history = VisitHistory(until)
    async with tenant_transaction(pool, company_id) as connection, connection.cursor(name="history") as cursor:
        cursor.itersize = FETCH_SIZE
        await cursor.execute(_HISTORY, {"company": company_id, "until": until})
        async for row in cursor:
            history.visits.append(visits_from(*row))
    return history


async def visits_of_customers(
    pool: Pool, company_id: int, customer_ids: Sequence[str], until: date
) -> dict[str, Visits]:
    """Return the visits of these customers by external id; customers without a visit are absent."""
    parameters = {"company": company_id, "customers": list(customer_ids), "until": until}
    rows = await tenant_rows(pool, company_id, _OF_CUSTOMERS, parameters)
    return {row[0]: visits_from(*row[1:]) for row in rows}
