"""Two customers who are to be merged: locked and read within the transaction that merges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from db.connections import Connection
from db.journeys.ledger_records import MOVE_COLUMNS, recorded_move
from journey.events import Event, from_canonical
from journey.merging import RECORD_TYPE
from journey.refold import RecordedMove
from journey.time import Micros

_LOCK = 1_352_114_087  # first key of the advisory locks; the second one is a hash of company and customer


@dataclass(slots=True)
class Merging:
    """One of two customers to be merged. ``version`` and everything after it are of the journey, if there is one.

    Attributes:
        key: ``customers.id``.
        customer_id: The company's own id.
        root: The id of the customer that this one is an alias of, if it is.
        merge_run: The workflow run that made it an alias.
        decided_at: In µs.
        open_tasks: Its open tasks: kind by id.
        open_actions: The number of actions that are not finished, or might be tried again.
        has_campaign: A retention campaign is running.
    """

    key: int
    customer_id: str
    root: str | None
    merge_run: str | None
    profile: dict[str, Any]
    relationship_id: int | None
    version: int
    run_id: str
    decided_at: Micros | None
    state: dict[str, Any] | None
    events: int
    open_tasks: dict[int, str] = field(default_factory=dict)
    open_actions: int = 0
    has_campaign: bool = False


_LOCK_CUSTOMERS = """
select id from customers where company_id = %(company)s and external_id = any(%(customers)s) order by id
   for no key update
"""
_LOCK_JOURNEYS = """
select r.id from customer_relationships r join customers u on u.company_id = r.company_id and u.id = r.customer_id
 where r.company_id = %(company)s and u.external_id = any(%(customers)s) order by r.id for update of r
"""
_LOAD = """
select u.id, u.external_id, i.external_id, u.merge_run,
       jsonb_build_object('name', u.name, 'email', u.email, 'phone', u.phone, 'time_zone', u.time_zone,
                          'locale', u.locale, 'consent', u.consent),
       r.id, coalesce(r.version, 0), coalesce(r.run_id, ''), (extract(epoch from r.decided_at) * 1000000)::bigint,
       r.state,
       (select count(*) from journey_events e
         where e.company_id = u.company_id and e.customer_id = u.id and e.outcome = 'applied'
           and e.type <> %(record)s),
       (select coalesce(jsonb_object_agg(t.id, t.kind), '{}') from tasks t
         where t.relationship_id = r.id and t.status = 'open'),
       (select count(*) from journey_actions a where a.relationship_id = r.id
           and (a.status in ('pending', 'waiting', 'failed')
                or a.status = 'suppressed' and a.detail ? 'profile_until')),
       exists (select from retention_campaigns c where c.relationship_id = r.id and c.status = 'running')
  from customers u
  left join customers i on i.company_id = u.company_id and i.id = u.merged_into
  left join customer_relationships r on r.company_id = u.company_id and r.customer_id = u.id
 where u.company_id = %(company)s and u.external_id = any(%(customers)s)
"""


async def lock(connection: Connection, company_id: int, customers: Sequence[str], *, wait: bool) -> bool:
    """Lock two customers and their journeys until the end of the transaction.

    Returns:
        False if another merge of either is running, unless `wait` is set: then this waits for its end.
    """
    for customer_id in sorted(customers):
        name = f"{company_id}/{customer_id}"
        function = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        cursor = await connection.execute(f"select {function}(%s, hashtext(%s))", [_LOCK, name])
        row = await cursor.fetchone()
        if not wait and not (row and row[0]):
            return False
    parameters = {"company": company_id, "customers": list(customers)}
    await connection.execute(_LOCK_CUSTOMERS, parameters)
    await connection.execute(_LOCK_JOURNEYS, parameters)
    return True


async def load(connection: Connection, company_id: int, customers: Sequence[str]) -> dict[str, Merging]:
    """Load customers by their ids; unknown ids are absent."""
    parameters = {"company": company_id, "customers": list(customers), "record": RECORD_TYPE}
    rows = await (await connection.execute(_LOAD, parameters)).fetchall()
    found = [Merging(*row) for row in rows]
    for merging in found:
        merging.open_tasks = {int(id_): kind for id_, kind in merging.open_tasks.items()}
    return {merging.customer_id: merging for merging in found}


_EVENTS = """
select payload from journey_events
 where company_id = %(company)s and customer_id = %(key)s and outcome = 'applied' and type <> %(record)s
 order by version, occurred_at, event_id
"""
_STAGES_SET: LiteralString = """
select COLUMNS from journey_transitions t
 where t.company_id = %(company)s and t.relationship_id = %(relationship)s and t.trigger_event = 'stage_set'
 order by t.sequence
""".replace("COLUMNS", MOVE_COLUMNS)


async def applied_events(connection: Connection, company_id: int, merging: Merging) -> list[Event]:
    """Return all applied events of a customer, in the order in which they were applied."""
    parameters = {"company": company_id, "key": merging.key, "record": RECORD_TYPE}
    rows = await (await connection.execute(_EVENTS, parameters)).fetchall()
    return [from_canonical(row[0]) for row in rows]


async def stages_set(connection: Connection, company_id: int, merging: Merging) -> list[RecordedMove]:
    """Return the manual moves on record of a customer's journey."""
    parameters = {"company": company_id, "relationship": merging.relationship_id}
    rows = await (await connection.execute(_STAGES_SET, parameters)).fetchall()
    return [recorded_move(*row) for row in rows]


async def find_record(connection: Connection, company_id: int, record_id: str) -> dict[str, Any]:
    """Return the content of a merge's record in the ledger; empty if there is none."""
    statement = "select payload from journey_events where company_id = %s and event_id = %s and type = %s"
    row = await (await connection.execute(statement, [company_id, record_id, RECORD_TYPE])).fetchone()
    return row[0] if row else {}
