"""Which customers' journeys, actions or tasks changed since one looked last, whatever the order in which the
transactions became visible.

Every row bears the number of the transaction that wrote it (`changed`). A look sees a snapshot; what was under way then
has a number from the snapshot's lower bound on, so that the next look, which begins there, sees it. What it sees twice
is known by its number. Numbers survive a restart of Postgres; nothing is missed while it is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from db.connections import Pool, tenant_rows

MOST = 500  # changes in one look; of more it is only said that there are more

Change = tuple[str, int]  # customer (the company's own id), transaction

_LOOK = """
    with now as materialized (
        select pg_snapshot_xmin(s)::text::bigint as low, pg_snapshot_xmax(s)::text::bigint as high
          from pg_current_snapshot() s
    ), changed as materialized (
        (select id, changed from customer_relationships
          where company_id = %(company)s and changed >= %(since)s order by changed limit %(limit)s)
        union
        (select relationship_id, changed from journey_actions
          where company_id = %(company)s and changed >= %(since)s order by changed limit %(limit)s)
        union
        (select relationship_id, changed from tasks
          where company_id = %(company)s and changed >= %(since)s order by changed limit %(limit)s)
    )
    select low, high, coalesce((
               select array_agg(u.external_id || ' ' || x.changed) from changed x
                 join customer_relationships r on r.company_id = %(company)s and r.id = x.id
                 join customers u on u.company_id = r.company_id and u.id = r.customer_id
                where x.changed < high), '{}')
      from now
"""
_HORIZON = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(slots=True)
class Watch:
    """What one has seen of a company: all before the transaction `since`, and of the later ones those in `told`."""

    since: int
    told: set[Change] = field(default_factory=set)


async def begin(pool: Pool, company_id: int) -> Watch:
    """A watch from now on. Raises psycopg.OperationalError when Postgres does not answer."""
    rows = await tenant_rows(pool, company_id, _HORIZON)
    return Watch(rows[0][0])


async def look(pool: Pool, company_id: int, watch: Watch) -> set[str] | None:
    """The customers of whom something changed since the last look, which is remembered in `watch`; None: very many.

    Raises psycopg.OperationalError when Postgres does not answer; the next look then sees what this one would have.
    """
    values = {"company": company_id, "since": watch.since, "limit": MOST + 1}
    ((low, high, found),) = await tenant_rows(pool, company_id, _LOOK, values)
    seen = {_change(text) for text in found}
    # A Postgres that was restored from a backup counts from an earlier number than it had come to.
    everything = len(seen) > MOST or high < watch.since
    new = {customer for customer, _ in seen - watch.told}
    watch.since, watch.told = low, seen
    return None if everything else new


def _change(text: str) -> Change:
    customer, _, transaction = text.partition(" ")  # no customer's id has a space
    return customer, int(transaction)
