"""Write roll-ups: the analytics of a company summed by day and month.

A commit only adds a row to the roll-up queue (`journey_unrolled`) in its own transaction; workers roll queued commits
up soon after. One statement removes commits from the queue and adds their deltas, so a reader that sees both in one
snapshot counts each commit exactly once. Late events and imports need no special handling: their commits add to the
days on which the events occurred.
"""

from __future__ import annotations

from typing import Any, LiteralString

from db.analytics.rollup_deltas import (
    ALL_DELTAS,
    CONVERSION_DELTAS,
    CONVERSION_FIGURES,
    EVERY_JOURNEY,
    PENDING_SCOPE,
)
from db.connections import Connection, Pool, tenant_rows, tenant_transaction

JOURNEYS_PER_TRANSACTION = 20_000  # journeys rolled up in one transaction
_LOCK = 706_572_647  # first key of the advisory lock; the second one is the company's id

_STAGES: LiteralString = """
stages as materialized (
    select s.* from journey_rollup_stages r, jsonb_to_recordset(r.stages::jsonb)
           as s(stage text, rank int, growth boolean, active boolean) where r.company_id = %(company)s)
"""

# In a fixed order, so that two transactions that update the same rows do not deadlock.
_ADD: LiteralString = """
insert into journey_rollups as r (company_id, figure, grain, day, key, n, amount)
select %(company)s, figure, grain, first, key, sum(SIGN n), sum(SIGN amount)
  from deltas cross join lateral (
      values ('day', day), ('month', date_trunc('month', day::timestamp)::date)) as g(grain, first)
 group by figure, grain, first, key order by figure, grain, first, key
on conflict (company_id, figure, grain, day, key)
   do update set n = r.n + excluded.n, amount = r.amount + excluded.amount
"""
ADD: LiteralString = _ADD.replace("SIGN", "")
_SUBTRACT: LiteralString = _ADD.replace("SIGN", "-")

_ROLL_UP: LiteralString = f"""
with taken as (
    delete from journey_unrolled where company_id = %(company)s and relationship_id in (
        select relationship_id from journey_unrolled where company_id = %(company)s
         group by relationship_id order by relationship_id limit %(journeys)s)
    returning relationship_id, version, customer_id
), pending as materialized (select * from taken), {_STAGES}, {PENDING_SCOPE}, {ALL_DELTAS}, added as ({ADD})
select count(distinct relationship_id) from taken
"""

_SUBTRACT_COMMIT: LiteralString = f"""
with pending as materialized (
    select r.id as relationship_id, %(version)s::int as version, r.customer_id from customer_relationships r
      join customers c on c.company_id = r.company_id and c.id = r.customer_id
     where c.company_id = %(company)s and c.external_id = %(customer)s
), {_STAGES}, {PENDING_SCOPE}, {ALL_DELTAS} {_SUBTRACT}
"""
_DEQUEUE_COMMIT: LiteralString = """
delete from journey_unrolled u using customers c
 where c.company_id = %(company)s and c.external_id = %(customer)s
   and u.company_id = c.company_id and u.customer_id = c.id and u.version = %(version)s
"""


async def roll_up(pool: Pool, company_id: int, stages: str) -> int:
    """Roll up one batch of queued commits.

    Args:
        stages: The company's stages as JSON (`journey_analytics.stages_json`). If conversions were rolled up by other
            stages, they are recounted first.

    Returns:
        The number of journeys in the batch; 0 if the queue is empty or another worker is rolling up this company.
    """
    async with tenant_transaction(pool, company_id) as connection:
        if not await _try_lock(connection, company_id):
            return 0
        await _use_stages(connection, company_id, stages)
        cursor = await connection.execute(_ROLL_UP, {"company": company_id, "journeys": JOURNEYS_PER_TRANSACTION})
        row = await cursor.fetchone()
    assert row is not None
    count: int = row[0]
    return count


async def _try_lock(connection: Connection, company_id: int) -> bool:
    """Try to lock the company's roll-ups until the end of the transaction; False if another worker holds the lock."""
    cursor = await connection.execute("select pg_try_advisory_xact_lock(%s, %s::int)", [_LOCK, company_id % 2**31])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _use_stages(connection: Connection, company_id: int, stages: str) -> None:
    """Recount the conversions unless they were rolled up by these stages."""
    statement = "select stages from journey_rollup_stages where company_id = %s"
    row = await (await connection.execute(statement, [company_id])).fetchone()
    if row is not None and row[0] == stages:
        return
    await connection.execute(
        "insert into journey_rollup_stages (company_id, stages) values (%s, %s)"
        " on conflict (company_id) do update set stages = excluded.stages",
        [company_id, stages],
    )
    if row is not None:
        await _recount_conversions(connection, company_id)


_ROLLED_UP_SCOPE: LiteralString = """
scope as materialized (
    select r.id as relationship_id, r.customer_id, r.is_merged, 1 as sign, 0 as first_new,
           coalesce(first_pending, 2147483647) as before, '-infinity'::timestamptz as changed_from
      from EVERY_JOURNEY r left join (
          select relationship_id, min(version) as first_pending from journey_unrolled
           where company_id = %(company)s group by 1) u on u.relationship_id = r.id)
""".replace("EVERY_JOURNEY", EVERY_JOURNEY)


async def _recount_conversions(connection: Connection, company_id: int) -> None:
    """Recount the conversions of all commits that are already rolled up, by the current stages."""
    params: dict[str, Any] = {"company": company_id, "figures": list(CONVERSION_FIGURES)}
    await connection.execute(
        "delete from journey_rollups where company_id = %(company)s and figure = any(%(figures)s)", params
    )
    await connection.execute(f"with {_STAGES}, {_ROLLED_UP_SCOPE}, {CONVERSION_DELTAS} {ADD}", params)


async def rebuild(pool: Pool, company_id: int, stages: str) -> None:
    """Recount everything from the ledger and the transitions. Commits made in the meantime stay in the queue."""
    async with tenant_transaction(pool, company_id) as connection:
        await connection.execute("select pg_advisory_xact_lock(%s, %s::int)", [_LOCK, company_id % 2**31])
        await _use_stages(connection, company_id, stages)
        params = {"company": company_id}
        await connection.execute("delete from journey_rollups where company_id = %(company)s", params)
        await connection.execute(f"with {_STAGES}, {_ROLLED_UP_SCOPE}, {ALL_DELTAS} {ADD}", params)


async def remove_commit(connection: Connection, values: dict[str, Any]) -> None:
    """Remove a commit whose rows are about to be deleted from the queue, or subtract it from the roll-ups.

    Args:
        values: `company`, `customer` (the external id) and `version`.
    """
    # Blocks while another transaction is rolling the commit up, and then finds no row to delete.
    if not (await connection.execute(_DEQUEUE_COMMIT, values)).rowcount:
        await connection.execute(_SUBTRACT_COMMIT, values)


async def companies_with_pending_rollups(pool: Pool) -> list[int]:
    """Return the ids of the companies that have commits in the roll-up queue."""
    return [row[0] for row in await tenant_rows(pool, 0, "select * from unrolled_companies()")]
