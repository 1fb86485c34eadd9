"""Pages of booked appointments of a period, each with its customer, its open question and what its risk depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.people.aliases import CUSTOMER_KEY


@dataclass(frozen=True, slots=True)
class AppointmentPosition:
    """The position of an appointment in the list: its booked time, as text, `customers.id` and the key."""

    scheduled_for: str
    customer: int
    key: str


@dataclass(frozen=True, slots=True)
class AppointmentSearch:
    """The filter of a page of appointments.

    Attributes:
        since: The first booked time.
        until: The booked time before which the list ends.
        outcomes: Any of them.
        customer_id: The company's own id of a customer; None for all.
        after: The position of the last appointment of the previous page.
    """

    since: datetime
    until: datetime
    outcomes: Sequence[str]
    customer_id: str | None = None
    limit: int = 50
    after: AppointmentPosition | None = None


@dataclass(frozen=True, slots=True)
class ListedAppointment:
    """One row: JSON text without its risk, and what that depends on."""

    text: str
    outcome: str
    missed: int
    outcomes: int
    lead_days: float
    position: AppointmentPosition


# The amount of the customer's last visit for the same service, else of the last one with an amount, is what an
# appointment without an outcome probably costs. Visits that were not booked are in the ledger alone.
_AMOUNT = """
coalesce((select v.amount from appointments v where v.company_id = b.company_id and v.customer_id = b.customer_id
             and v.outcome = 'completed' and v.amount is not null and v.service = b.service
           order by v.scheduled_for desc limit 1),
         (select (e.payload ->> 'amount')::numeric(18,2) from journey_events e
           where e.company_id = b.company_id and e.customer_id = b.customer_id and e.type = 'appointment.completed'
             and e.outcome = 'applied' and e.payload ? 'amount'
           order by e.occurred_at desc, e.event_id desc limit 1))
"""

_LIST = """
with page as materialized (
    select * from appointments
     where company_id = %(company)s and scheduled_for >= %(since)s and scheduled_for < %(until)s
       and outcome in ({outcomes}) {conditions}
     order by scheduled_for, customer_id, key limit %(limit)s
)
select row_to_json(j)::text, b.outcome, h.missed, h.outcomes,
       extract(epoch from b.scheduled_for - b.booked_at)::float8 / 86400, b.scheduled_for::text, b.customer_id, b.key
  from page b join customers u on u.company_id = b.company_id and u.id = b.customer_id
  left join customer_relationships r on r.company_id = b.company_id and r.customer_id = b.customer_id
  cross join lateral (
      select count(*) filter (where outcome = 'missed') as missed, count(*) as outcomes from appointments h
       where h.company_id = b.company_id and h.customer_id = b.customer_id and h.outcome in ('completed', 'missed')
         and h.scheduled_for < least(b.scheduled_for, now())) h
  cross join lateral (
      select b.key, b.appointment_id, u.external_id as customer_id, u.name, u.phone, r.current_stage, b.scheduled_for,
             b.booked_at, b.service, b.outcome, b.amount::text,
             case when b.outcome = 'open' then ({amount})::text end as suggested_amount,
             (select t.id from journey_actions a
                join tasks t on t.company_id = a.company_id and t.action_key = a.action_key
               where a.relationship_id = r.id and t.status = 'open' and a.action = 'ask_attendance.' || b.key || '-'
                     || (extract(epoch from b.scheduled_for) * 1000000)::bigint) as task_id) j
 order by b.scheduled_for, b.customer_id, b.key
"""
_OF_CUSTOMER = f"customer_id = {CUSTOMER_KEY}"
_BEYOND = "(scheduled_for, customer_id, key) > (%(at)s::timestamptz, %(after)s::bigint, %(key)s)"


async def list_appointments(
    pool: Pool, company_id: int, search: AppointmentSearch
) -> tuple[list[ListedAppointment], AppointmentPosition | None]:
    """Return a page of appointments by booked time, and the position after which the next page starts or None."""
    values: dict[str, Any] = {
        "company": company_id,
        "since": search.since,
        "until": search.until,
        "limit": search.limit + 1,
    }
    conditions = []
    if search.customer_id is not None:
        conditions.append(_OF_CUSTOMER)
        values["customer"] = search.customer_id
    if search.after is not None:
        conditions.append(_BEYOND)
        values |= {"at": search.after.scheduled_for, "after": search.after.customer, "key": search.after.key}
    statement = sql.SQL(_LIST).format(
        # literals, so that the planner finds the index of those without an outcome
        outcomes=sql.SQL(", ").join(sql.Literal(outcome) for outcome in search.outcomes),
        conditions=sql.SQL("".join(f" and {condition}" for condition in conditions)),
        amount=sql.SQL(_AMOUNT),
    )
    rows = await tenant_rows(pool, company_id, statement, values)
    listed = [
        ListedAppointment(text, outcome, missed, outcomes, lead_days, AppointmentPosition(*position))
        for text, outcome, missed, outcomes, lead_days, *position in rows
    ]
    page = listed[: search.limit]
    return page, page[-1].position if len(listed) > search.limit else None


_FIND = sql.SQL("""
select appointment_id, scheduled_for, last_event_at, outcome, amount from appointments
 where company_id = %(company)s and customer_id = {key} and key = any(%(keys)s)
""").format(key=sql.SQL(CUSTOMER_KEY))


@dataclass(frozen=True, slots=True)
class FoundAppointment:
    """One appointment, for an answer to the question what became of it. ``amount`` is text."""

    appointment_id: str
    scheduled_for: datetime
    last_event_at: datetime
    outcome: str
    amount: str | None


async def find_appointment(
    pool: Pool, company_id: int, customer_id: str, keys: Sequence[str]
) -> FoundAppointment | None:
    """Find an appointment of a customer by its key, one of these; None if there is none."""
    parameters = {"company": company_id, "customer": customer_id, "keys": list(keys)}
    rows = await tenant_rows(pool, company_id, _FIND, parameters)
    if not rows:
        return None
    appointment_id, scheduled_for, last_event_at, outcome, amount = rows[0]
    amount_text = None if amount is None else str(amount)
    return FoundAppointment(appointment_id, scheduled_for, last_event_at, outcome, amount_text)
