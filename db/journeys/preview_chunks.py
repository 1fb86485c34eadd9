"""Stream the journeys of a preview with their ledgers, and save the customers whom it concerns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from db.connections import Connection, Pool, tenant_rows

ROWS = 100  # journeys that are fetched at a time
MAX_CHUNKS = 2000  # of one preview

_JOURNEYS: LiteralString = """
select r.id, r.customer_id, r.version, r.state::text,
       (select '[' || string_agg(e.payload::text, ',' order by e.version, e.occurred_at, e.event_id) || ']'
          from journey_events e
         where e.company_id = r.company_id and e.customer_id = r.customer_id and e.outcome = 'applied'
           and e.type <> 'customers.merged')
  from customer_relationships r
 where r.company_id = %(company)s and r.id > %(after)s and r.id <= %(until)s
 order by r.id
"""
_BOUNDS: LiteralString = """
select id from (
    select id, row_number() over (order by id) as n, count(*) over () as total
      from customer_relationships where company_id = %(company)s
) r where n = total or n %% %(size)s = 0 order by id
"""
# Row-level security allows no COPY.
_INSERT: LiteralString = """
insert into rule_preview_customers (company_id, preview_id, relationship_id, customer_id, version, from_stage, to_stage,
    actions, messages, next_deadline, next_stage, is_different, past_old, past_new)
select %(company)s, %(preview)s, c.* from jsonb_to_recordset(%(rows)s) as c(relationship_id bigint, customer_id bigint,
    version int, from_stage text, to_stage text, actions text[], messages int, next_deadline timestamptz,
    next_stage text, is_different boolean, past_old text[], past_new text[])
"""


@dataclass(frozen=True, slots=True)
class StoredJourney:
    """A journey's packed state, and its applied events in the order in which commits applied them, both as JSON."""

    relationship_id: int
    customer_key: int | None
    version: int
    state: str
    events: str | None


async def bounds(pool: Pool, company_id: int, size: int, total: int) -> list[int]:
    """Return the last relationship of each chunk of so many journeys; of more if there were too many chunks."""
    parameters = {"company": company_id, "size": max(size, -(-total // MAX_CHUNKS))}
    return [row[0] for row in await tenant_rows(pool, company_id, _BOUNDS, parameters)]


async def journeys(
    connection: Connection, company_id: int, after: int, until: int
) -> AsyncIterator[list[StoredJourney]]:
    """Stream the journeys of a chunk in the order of their ids, a batch at a time."""
    async with connection.cursor("preview") as cursor:
        await cursor.execute(_JOURNEYS, {"company": company_id, "after": after, "until": until})
        while rows := await cursor.fetchmany(ROWS):
            yield [StoredJourney(*row) for row in rows]


async def replace_customers(
    connection: Connection,
    company_id: int,
    preview_id: int,
    after: int,
    until: int,
    rows: Sequence[dict[str, Any]],
) -> None:
    """Save the customers of a chunk, by the names of columns, instead of those of an earlier attempt."""
    await connection.execute(
        "delete from rule_preview_customers where company_id = %s and preview_id = %s"
        " and relationship_id > %s and relationship_id <= %s",
        [company_id, preview_id, after, until],
    )
    if rows:
        values = {"company": company_id, "preview": preview_id, "rows": Jsonb(rows)}
        await connection.execute(_INSERT, values)
