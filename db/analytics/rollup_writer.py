"""Roll-ups: what commits have added to a company's figures, by day and month.

A commit only leaves word that it is not rolled up yet, in its own transaction (`journey_unrolled`); workers roll such
commits up soon after. Taking the word away and adding to the roll-ups is one statement, so that whoever reads both in
one snapshot counts each commit exactly once, at any moment. Late events and imports need nothing of their own: their
commits add to the days that they are about.
"""

from __future__ import annotations

from typing import Any, LiteralString

from db.analytics.rollup_deltas import BY_STAGES, CONTRIBUTIONS, CONVERSIONS, WAITING
from db.connections import Connection, Pool, tenant, tenant_rows

CHUNK = 20_000  # journeys rolled up in one transaction
_LOCK = 706_572_647  # with a company's number: pg_advisory_xact_lock of this database

_STAGES: LiteralString = """
stages as materialized (
    select s.* from journey_rollup_stages r, jsonb_to_recordset(r.stages::jsonb)
           as s(stage text, rank int, growth boolean, active boolean) where r.company_id = %(company)s)
"""

# In one order, so that two who add to the same rows do not wait for each other in a circle.
_ADD: LiteralString = """
insert into journey_rollups as r (company_id, figure, grain, day, key, n, amount)
select %(company)s, figure, grain, first, key, sum(SIGN n), sum(SIGN amount)
  from contributions cross join lateral (
      values ('day', day), ('month', date_trunc('month', day::timestamp)::date)) as g(grain, first)
 group by figure, grain, first, key order by figure, grain, first, key
on conflict (company_id, figure, grain, day, key)
   do update set n = r.n + excluded.n, amount = r.amount + excluded.amount
"""
ADD: LiteralString = _ADD.replace("SIGN", "")
_TAKE_AWAY: LiteralString = _ADD.replace("SIGN", "-")

_ROLL_UP: LiteralString = f"""
with taken as (
    delete from journey_unrolled where company_id = %(company)s and relationship_id in (
        select relationship_id from journey_unrolled where company_id = %(company)s
         group by relationship_id order by relationship_id limit %(journeys)s)
    returning relationship_id, version, customer_id
), waiting as materialized (select * from taken), {_STAGES}, {WAITING}, {CONTRIBUTIONS}, added as ({ADD})
select count(distinct relationship_id) from taken
"""

_OF_COMMIT: LiteralString = f"""
with waiting as materialized (
    select r.id as relationship_id, %(version)s::int as version, r.customer_id from customer_relationships r
      join customers c on c.company_id = r.company_id and c.id = r.customer_id
     where c.company_id = %(company)s and c.external_id = %(customer)s
), {_STAGES}, {WAITING}, {CONTRIBUTIONS} {_TAKE_AWAY}
"""
_NO_LONGER_WAITS: LiteralString = """
delete from journey_unrolled u using customers c
 where c.company_id = %(company)s and c.external_id = %(customer)s
   and u.company_id = c.company_id and u.customer_id = c.id and u.version = %(version)s
"""


async def roll_up(pool: Pool, company_id: int, stages: str) -> int:
    """Roll up some of the commits that wait; how many journeys they were of. 0: nothing waits, or another does it.

    `stages` is the JSON of the company's stages (`analytics.stages_json`). Where it is not what the conversions were
    counted by, these are counted anew from the beginning.
    """
    async with tenant(pool, company_id) as connection:
        if not await _alone(connection, company_id):
            return 0
        await _count_by(connection, company_id, stages)
        cursor = await connection.execute(_ROLL_UP, {"company": company_id, "journeys": CHUNK})
        row = await cursor.fetchone()
    assert row is not None
    count: int = row[0]
    return count


async def _alone(connection: Connection, company_id: int) -> bool:
    """Whether nobody else rolls up this company now; nobody will until the end of the transaction."""
    cursor = await connection.execute("select pg_try_advisory_xact_lock(%s, %s::int)", [_LOCK, company_id % 2**31])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _count_by(connection: Connection, company_id: int, stages: str) -> None:
    """Make conversions those between these stages."""
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


_ROLLED: LiteralString = """
scope as materialized (
    select r.id as relationship_id, r.customer_id, 1 as sign, 0 as fresh, coalesce(waits, 2147483647) as before,
           '-infinity'::timestamptz as touched
      from customer_relationships r left join (
          select relationship_id, min(version) as waits from journey_unrolled
           where company_id = %(company)s group by 1) u on u.relationship_id = r.id
     where r.company_id = %(company)s)
"""


async def _recount_conversions(connection: Connection, company_id: int) -> None:
    """Count the conversions of all commits that are rolled up already, by the stages of now."""
    params: dict[str, Any] = {"company": company_id, "figures": list(BY_STAGES)}
    await connection.execute(
        "delete from journey_rollups where company_id = %(company)s and figure = any(%(figures)s)", params
    )
    await connection.execute(f"with {_STAGES}, {_ROLLED}, {CONVERSIONS} {ADD}", params)


async def rebuild(pool: Pool, company_id: int, stages: str) -> None:
    """Count everything anew from the ledger and the transitions. Commits made meanwhile wait to be rolled up."""
    async with tenant(pool, company_id) as connection:
        await connection.execute("select pg_advisory_xact_lock(%s, %s::int)", [_LOCK, company_id % 2**31])
        await _count_by(connection, company_id, stages)
        params = {"company": company_id}
        await connection.execute("delete from journey_rollups where company_id = %(company)s", params)
        await connection.execute(f"with {_STAGES}, {_ROLLED}, {CONTRIBUTIONS} {ADD}", params)


async def forget_commit(connection: Connection, values: dict[str, Any]) -> None:
    """A commit's rows are about to be deleted: it waits no longer, or is taken out of the roll-ups again.

    `values`: `company`, `customer` (its external id) and `version`.
    """
    # Waits for whoever is rolling it up this moment, and then finds nothing to delete.
    if not (await connection.execute(_NO_LONGER_WAITS, values)).rowcount:
        await connection.execute(_OF_COMMIT, values)


async def companies_behind(pool: Pool) -> list[int]:
    """The companies that have commits to be rolled up."""
    return [row[0] for row in await tenant_rows(pool, 0, "select * from unrolled_companies()")]
