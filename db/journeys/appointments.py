"""Keep the table ``appointments`` up to date: each noted customer's appointments are computed anew from the ledger.

Triggers of the ledger note a customer in the transaction that adds, removes or moves an event about an appointment.
Readers call `catch_up` first, so that the table is as current as the ledger; workers call it all the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from db.connections import Connection, Pool, tenant_rows, tenant_transaction
from journey.bookings import Booking, bookings
from journey.events import from_canonical
from journey.time import utc_text

BATCH = 100  # customers computed in one transaction
NOTED = 1000  # customers from before that are looked at in one transaction

# Each customer appears once, however often they were noted.
_NOTED = """
select customer_id from appointment_changes where company_id = %(company)s group by customer_id
 order by customer_id limit %(limit)s
"""
_TAKE = """
delete from appointment_changes where company_id = %(company)s and customer_id = any(%(customers)s::bigint[])
"""
_EVENTS = """
select e.customer_id, e.payload from journey_events e
 where e.company_id = %(company)s and e.customer_id = any(%(customers)s::bigint[]) and e.outcome = 'applied'
   and (e.type like 'appointment.%%' or e.type = 'event.retracted')
 order by e.version, e.occurred_at, e.event_id
"""
_DELETE = """
delete from appointments a
 where a.company_id = %(company)s and a.customer_id = any(%(customers)s::bigint[])
   and not exists (select from jsonb_to_recordset(%(rows)s::jsonb) as n(customer_id bigint, key text)
                    where n.customer_id = a.customer_id and n.key = a.key)
"""
_WRITE = """
insert into appointments as old (company_id, customer_id, key, appointment_id, scheduled_for, booked_at, last_event_at,
                                 outcome, service, amount)
select %(company)s, n.customer_id, n.key, n.appointment_id, n.scheduled_for, n.booked_at, n.last_event_at, n.outcome,
       n.service, n.amount / 100
  from jsonb_to_recordset(%(rows)s::jsonb)
       as n(customer_id bigint, key text, appointment_id text, scheduled_for timestamptz, booked_at timestamptz,
            last_event_at timestamptz, outcome text, service text, amount numeric)
  join customers u on u.company_id = %(company)s and u.id = n.customer_id
on conflict (company_id, customer_id, key) do update
   set (appointment_id, scheduled_for, booked_at, last_event_at, outcome, service, amount) =
       (excluded.appointment_id, excluded.scheduled_for, excluded.booked_at, excluded.last_event_at, excluded.outcome,
        excluded.service, excluded.amount)
 where (old.appointment_id, old.scheduled_for, old.booked_at, old.last_event_at, old.outcome, old.service, old.amount)
       is distinct from (excluded.appointment_id, excluded.scheduled_for, excluded.booked_at, excluded.last_event_at,
                         excluded.outcome, excluded.service, excluded.amount)
"""

# The last customer that was looked at, null if there is none left.
_NOTE_EARLIER = """
with page as (
    select u.id from appointment_backfills b
      join customers u on u.company_id = b.company_id and u.id > b.noted_until
     where b.company_id = %(company)s order by u.id limit %(limit)s
), noted as (
    insert into appointment_changes (company_id, customer_id)
    select %(company)s, p.id from page p
     where exists (select from journey_events e where e.company_id = %(company)s and e.customer_id = p.id
                      and e.outcome = 'applied' and e.payload ? 'scheduled_for')
)
update appointment_backfills set noted_until = (select max(id) from page)
 where company_id = %(company)s and exists (select from page) returning noted_until
"""


async def companies_to_catch_up(pool: Pool) -> list[int]:
    """Return the ids of the companies with customers who are noted or still to be noted."""
    return [row[0] for row in await tenant_rows(pool, 0, "select * from companies_with_appointment_changes()")]


async def catch_up(pool: Pool, company_id: int, batches: int = 1) -> bool:
    """Compute the appointments of noted customers, up to `batches` × `BATCH`.

    Returns:
        Whether the table is as current as the ledger was at the beginning.
    """
    has_changes = "select exists (select from appointment_changes where company_id = %s)"
    for _ in range(batches):
        if not (await tenant_rows(pool, company_id, has_changes, [company_id]))[0][0]:
            return True
        async with tenant_transaction(pool, company_id) as connection:
            await _lock(connection, company_id)
            parameters = {"company": company_id, "limit": BATCH}
            noted = await (await connection.execute(_NOTED, parameters)).fetchall()
            if not noted:  # somebody else was faster, and has committed
                return True
            await rewrite(connection, company_id, [row[0] for row in noted])
        if len(noted) < BATCH:
            return True
    return False


async def rewrite(connection: Connection, company_id: int, customer_keys: Sequence[int]) -> None:
    """Compute all appointments of these customers (``customers.id``) anew, in a transaction in the company's scope."""
    parameters: dict[str, Any] = {"company": company_id, "customers": list(customer_keys)}
    # Before the ledger is read: what is added to it meanwhile notes its customer again.
    await connection.execute(_TAKE, parameters)
    events: dict[int, list[Any]] = {}
    for customer, payload in await (await connection.execute(_EVENTS, parameters)).fetchall():
        events.setdefault(customer, []).append(from_canonical(payload))
    rows = [_row(customer, booking) for customer, own in events.items() for booking in bookings(own)]
    parameters["rows"] = orjson.dumps(rows).decode()
    await connection.execute(_DELETE, parameters)
    await connection.execute(_WRITE, parameters)


async def note_earlier_customers(pool: Pool, company_id: int) -> bool:
    """Note the next customers from before the table existed; return whether there may be more."""
    async with tenant_transaction(pool, company_id) as connection:
        await _lock(connection, company_id)
        parameters = {"company": company_id, "limit": NOTED}
        if await (await connection.execute(_NOTE_EARLIER, parameters)).fetchone():
            return True
        await connection.execute("delete from appointment_backfills where company_id = %(company)s", parameters)
        return False


async def _lock(connection: Connection, company_id: int) -> None:
    """Wait until nobody else computes the company's appointments."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"appointments/{company_id}"])


def _row(customer: int, booking: Booking) -> dict[str, Any]:
    times = ("scheduled_for", "booked_at", "last_event_at")
    fields = {name: getattr(booking, name) for name in booking.__struct_fields__ if name not in times}
    return {"customer_id": customer, **fields, **{name: utc_text(getattr(booking, name)) for name in times}}
