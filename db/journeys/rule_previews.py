"""Previews of changed rules: the change, the progress, the result, and the customers whom they concern."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

import orjson
from psycopg import sql
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from db.connections import Connection, Pool, tenant_rows, tenant_transaction
from db.people.customer_search import Found
from journey.rhythm import CompanyMedians, MedianRecords
from journey.stages import Rulebook
from journey.time import EPOCH_MICROS

MAX_RUNNING = 2  # previews of one company at a time
KEPT: LiteralString = "1 day"


@dataclass(frozen=True, slots=True)
class RulePreview:
    """One preview.

    Attributes:
        base_version: The version of the rules that the change was made from.
        stages: Every stage after the change.
        as_of: The instant of the change.
        since: From when on the past is compared; None: from its beginning.
        medians: The median gaps for the past of a company without a record of them.
        total: The number of journeys; None until they have been counted.
        looked: How many of them are done.
        result: See `journey.preview_totals.shown`; None until it is complete.
    """

    id: int
    created_at: datetime
    actor: str
    base_version: int
    stages: list[dict[str, Any]]
    scoring: dict[str, Any]
    as_of: datetime
    since: datetime | None
    medians: dict[str, Any] | None
    status: str
    reason: str | None
    total: int | None
    looked: int
    result: dict[str, Any] | None

    def median_records(self) -> MedianRecords:
        return MedianRecords([CompanyMedians(EPOCH_MICROS, **self.medians)] if self.medians else [])


_COLUMNS: LiteralString = """
p.id, p.created_at, p.actor, p.base_version, p.stages, p.scoring, p.as_of, p.since, p.medians, p.status, p.reason,
p.total, case when p.status = 'running' then coalesce((
    select sum(c.looked) from rule_preview_chunks c where c.company_id = p.company_id and c.preview_id = p.id), 0)::int
    else coalesce(p.total, 0) end as looked, p.result
"""
_FIND: LiteralString = """
select COLUMNS from rule_previews p where p.company_id = %s and p.id = %s and p.created_at > now() - interval 'KEPT'
""".replace("COLUMNS", _COLUMNS).replace("KEPT", KEPT)
_RUNNING: LiteralString = """
select p.id from rule_previews p
 where p.company_id = %s and p.status = 'running' and p.created_at > now() - interval 'KEPT'
""".replace("KEPT", KEPT)
_NEWEST: LiteralString = """
select p.id from rule_previews p
 where p.company_id = %s and p.status = 'complete' and p.created_at > now() - interval 'KEPT'
   and p.base_version = %s and p.stages = %s and p.scoring = %s
 order by p.id desc limit 1
""".replace("KEPT", KEPT)
_DELETE_EXPIRED: LiteralString = """
delete from rule_previews where company_id = %s and created_at <= now() - interval 'KEPT'
""".replace("KEPT", KEPT)
_INSERT = """
insert into rule_previews (company_id, actor, base_version, stages, scoring, as_of, since)
values (%(company)s, %(actor)s, %(base)s, %(stages)s, %(scoring)s, clock_timestamp(), %(since)s) returning id, as_of
"""
_SAVE_CHUNK = """
insert into rule_preview_chunks (company_id, preview_id, chunk, looked, result)
values (%(company)s, %(preview)s, %(chunk)s, %(looked)s, %(result)s)
on conflict (company_id, preview_id, chunk) do update set looked = excluded.looked, result = excluded.result
"""
_CUSTOMERS: LiteralString = """
select u.external_id as customer_id, u.name, p.from_stage as "from", p.to_stage as "to", p.actions, p.messages,
       p.next_deadline, p.next_stage, p.is_different as past_differs,
       json_build_object('old', p.past_old, 'new', p.past_new) as past, p.relationship_id as row_id
  from rule_preview_customers p join customers u on u.company_id = p.company_id and u.id = p.customer_id
 where p.company_id = %(company_id)s and p.preview_id = %(preview)s and p.relationship_id > %(after)s
   and {condition}
 order by p.relationship_id limit %(limit)s
"""


async def create(
    connection: Connection, company_id: int, current: Rulebook, new: Rulebook, since: datetime | None, actor: str
) -> tuple[int, datetime]:
    """Record a preview that is about to begin, and delete those that have expired. Returns its id and instant.

    Args:
        connection: In the company's scope, which holds the lock of `running`.
        current: The rules in force.
        new: The rules after the change.
    """
    await connection.execute(_DELETE_EXPIRED, [company_id])
    fields = new.as_json()
    values = {"company": company_id, "actor": actor, "base": current.version, "since": since}
    values |= {"stages": Jsonb(fields["stages"]), "scoring": Jsonb(fields["scoring"])}
    row = await (await connection.execute(_INSERT, values)).fetchone()
    assert row is not None
    return row[0], row[1]


async def running(connection: Connection, company_id: int) -> list[int]:
    """Return the ids of the previews in progress, and let no other begin before the end of the transaction."""
    await connection.execute("select from companies where id = %s for no key update", [company_id])
    cursor = await connection.execute(_RUNNING, [company_id])
    return [row[0] for row in await cursor.fetchall()]


async def find(connection: Connection, company_id: int, preview_id: int) -> RulePreview | None:
    async with connection.cursor(row_factory=class_row(RulePreview)) as cursor:
        await cursor.execute(_FIND, [company_id, preview_id])
        return await cursor.fetchone()


def is_of(preview: RulePreview, base_version: int, new: Rulebook) -> bool:
    """Whether a preview is about this change of this version."""
    fields = new.as_json()
    return (preview.base_version, preview.stages, preview.scoring) == (
        base_version,
        orjson.loads(orjson.dumps(fields["stages"])),
        orjson.loads(orjson.dumps(fields["scoring"])),
    )


async def newest_of(connection: Connection, company_id: int, base_version: int, new: Rulebook) -> int | None:
    """Return the newest complete preview of the same change; None if there is none."""
    fields = new.as_json()
    values = [company_id, base_version, Jsonb(fields["stages"]), Jsonb(fields["scoring"])]
    cursor = await connection.execute(_NEWEST, values)
    row = await cursor.fetchone()
    return row[0] if row else None


async def delete(pool: Pool, company_id: int, preview_id: int) -> bool:
    """Delete a preview with everything that it has found; return whether there was one."""
    statement: LiteralString = "delete from rule_previews where company_id = %s and id = %s returning id"
    return bool(await tenant_rows(pool, company_id, statement, [company_id, preview_id]))


async def save_total(connection: Connection, company_id: int, preview_id: int, total: int, medians: Any) -> None:
    await connection.execute(
        "update rule_previews set total = %s, medians = %s where company_id = %s and id = %s",
        [total, None if medians is None else Jsonb(medians), company_id, preview_id],
    )


async def save_chunk(
    connection: Connection, company_id: int, preview_id: int, chunk: int, looked: int, result: dict[str, Any]
) -> None:
    """Save what was found in a chunk; the result of another attempt is replaced."""
    values = {"company": company_id, "preview": preview_id, "chunk": chunk, "looked": looked}
    await connection.execute(_SAVE_CHUNK, {**values, "result": Jsonb(result)})


async def chunk_results(connection: Connection, company_id: int, preview_id: int) -> list[dict[str, Any]]:
    cursor = await connection.execute(
        "select result from rule_preview_chunks where company_id = %s and preview_id = %s", [company_id, preview_id]
    )
    return [row[0] for row in await cursor.fetchall()]


async def finish(
    connection: Connection, company_id: int, preview_id: int, result: dict[str, Any] | None, reason: str | None
) -> None:
    """Mark a preview as complete with its result, or as failed for a reason."""
    await connection.execute(
        "update rule_previews set status = %s, reason = %s, result = %s where company_id = %s and id = %s",
        ["failed" if result is None else "complete", reason, Jsonb(result), company_id, preview_id],
    )
    await connection.execute(
        "delete from rule_preview_chunks where company_id = %s and preview_id = %s", [company_id, preview_id]
    )


async def customers(
    pool: Pool,
    company_id: int,
    preview_id: int,
    *,
    left: str | None = None,
    entered: str | None = None,
    different_past: bool = False,
    found: Found | None = None,
    after: int = 0,
    limit: int,
) -> list[dict[str, Any]]:
    """Return a page of the customers whom a preview moves, or of those with a different past.

    Args:
        left: Only those who leave this stage.
        entered: Only those who are in this stage afterwards.
        different_past: Those whose past would have been different, moved now or not.
        found: Only these customers.
        after: The `row_id` of the last customer of the previous page.
    """
    conditions: list[sql.Composable] = [sql.SQL("p.is_different" if different_past else "p.from_stage <> p.to_stage")]
    if left is not None:
        conditions.append(sql.SQL("p.from_stage = {}").format(sql.Literal(left)))
    if entered is not None:
        conditions.append(sql.SQL("p.to_stage = {}").format(sql.Literal(entered)))
    if found is not None:
        conditions.append(found.condition(sql.SQL("p.customer_id")))
    statement = sql.SQL(_CUSTOMERS).format(condition=sql.SQL(" and ").join(conditions))
    values = {"company_id": company_id, "preview": preview_id, "after": after, "limit": limit}
    async with tenant_transaction(pool, company_id) as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchall()
