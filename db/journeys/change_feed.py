"""Change feed: which customers' journeys, actions or tasks have changed since the last poll.

Every row stores the id of the transaction that wrote it (`changed`). Transactions can become visible in any order: one
that was in progress during a poll has an id at or above the `xmin` of that snapshot, and the next poll starts there.
Changes that are read twice are recognized by their transaction id. Transaction ids survive a restart of Postgres, so no
change is missed during an outage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from db.connections import Pool, tenant_rows

MAX_CHANGES = 500  # per poll; beyond this, the poll only reports that everything may have changed

Change = tuple[str, int]  # external customer id, transaction id

_POLL = """
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
_XMIN = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"


@dataclass(slots=True)
class FeedCursor:
    """A position in the feed of a company.

    Attributes:
        since: All changes of earlier transactions have been delivered.
        delivered: The delivered changes of this and later transactions.
    """

    since: int
    delivered: set[Change] = field(default_factory=set)


async def start(pool: Pool, company_id: int) -> FeedCursor:
    """Return the position of the current end of the feed.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    rows = await tenant_rows(pool, company_id, _XMIN)
    return FeedCursor(rows[0][0])


async def poll(pool: Pool, company_id: int, cursor: FeedCursor) -> set[str] | None:
    """Read the changes since the last poll and advance the cursor.

    Returns:
        The external ids of the customers with changes; None if there are more than MAX_CHANGES changes.

    Raises:
        psycopg.OperationalError: Postgres does not answer; the cursor is unchanged, so that the next poll misses
            nothing.
    """
    values = {"company": company_id, "since": cursor.since, "limit": MAX_CHANGES + 1}
    ((xmin, xmax, rows),) = await tenant_rows(pool, company_id, _POLL, values)
    changes = {_parse_change(text) for text in rows}
    # After a restore from a backup, transaction ids continue from an earlier value.
    is_everything = len(changes) > MAX_CHANGES or xmax < cursor.since
    customers = {customer for customer, _ in changes - cursor.delivered}
    cursor.since, cursor.delivered = xmin, changes
    return None if is_everything else customers


def _parse_change(text: str) -> Change:
    customer, _, transaction = text.partition(" ")  # external ids contain no spaces
    return customer, int(transaction)
