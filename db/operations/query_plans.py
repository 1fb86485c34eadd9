"""How Postgres would answer what the product asks: the plan of each statement instead of its rows.

The product's own functions are called, with a pool whose cursors put `explain` before what they are given. So it is the
very statement that is explained, as the application's role, in the company's scope, with row-level security.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncCursor, sql
from psycopg.rows import TupleRow

from db.analytics.rollup_reader import STATUS_PROBE
from db.connections import Pool, open_pool, pooled_connection, tenant_rows
from db.operations.query_registry import Essential, Sample

LARGE = 10_000  # rows from which on a table should not be read through
SMALL = 1 << 20  # bytes of a table that is read as fast without any statistics
MOST = 0.5  # of a table's rows: who reads so much of it reads it best from one end to the other
SETTING = ("set ", "select set_config", "prepare ")  # what begins like this is done, not explained
LOOKS = (STATUS_PROBE,)  # what is asked only to know what to ask


class Explained(Exception):
    """Ends a call of the product's at its statement: here is the plan of it."""

    def __init__(self, plan: dict[str, Any]) -> None:
        super().__init__("explained")
        self.plan = plan


class Explaining(AsyncCursor[TupleRow]):
    """Explains whatever it is told to execute, but for what only makes the scope."""

    how = "explain (format json) "

    async def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(self.connection)
        if text in LOOKS or text.lstrip().startswith(SETTING):
            return await super().execute(query, *arguments, **options)
        explained = self.how + query if isinstance(query, str) else sql.SQL(self.how) + query
        await super().execute(explained, *arguments, **options)
        rows = await self.fetchall()
        raise Explained(rows[0][0][0])


class Analyzing(Explaining):
    """Explains, and runs it to say how long it took."""

    how = "explain (analyze, format json) "


@dataclass(frozen=True, slots=True)
class Plan:
    """What a query uses. ``through``: large tables that it reads through, with the reason why that is right, or None.

    ``cost`` and ``rows`` are the planner's; ``ms`` is None where it was not run.
    """

    query: str
    indexes: list[str]
    sequential: list[str]
    through: dict[str, str | None] = field(default_factory=dict)
    cost: float = 0.0
    rows: int = 0
    ms: float | None = None

    @property
    def warning(self) -> str | None:
        """What is wrong with it, in words."""
        wrong = [table for table, reason in self.through.items() if reason is None]
        return f"reads {', '.join(wrong)} through" if wrong else None


async def explain(pool: Pool, explaining: Pool, essential: Essential, sample: Sample, sizes: dict[str, float]) -> Plan:
    """The plan of one essential query; ``pool`` answers what has to be known beside."""
    try:
        await essential.ask(explaining, sample)
    except Explained as answer:
        nodes = list(_nodes(answer.plan["Plan"]))
        top, ms = answer.plan["Plan"], answer.plan.get("Execution Time")
    else:
        raise RuntimeError(f"{essential.name}: no statement was asked")
    sequential = sorted({node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"})
    through: dict[str, str | None] = {}
    for table in sequential:
        if sizes.get(table, 0) > LARGE:
            through[table] = await _right(pool, essential, sample, table, sizes[table])
    return Plan(
        query=essential.name,
        indexes=sorted({node["Index Name"] for node in nodes if "Index Name" in node}),
        sequential=sequential,
        through=through,
        cost=top["Total Cost"],
        rows=top["Plan Rows"],
        ms=ms,
    )


async def table_sizes(pool: Pool) -> dict[str, float]:
    """Rows of each table as the planner knows them; -1 where it was never analyzed, although it is no small one."""
    async with pooled_connection(pool) as connection:
        found = await connection.execute(
            "select relname, case when reltuples < 0 and pg_relation_size(oid) < %s then 0 else reltuples end"
            " from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace",
            [SMALL],
        )
        return dict(await found.fetchall())


@asynccontextmanager
async def explaining_pool(database_url: str, *, analyze: bool) -> AsyncGenerator[Pool]:
    """A pool for `explain`, which can write nothing."""
    cursors = Analyzing if analyze else Explaining
    options = {"min_size": 1, "max_size": 1, "timeout": 10.0}
    opened = await open_pool(database_url, cursors=cursors, **options)  # type: ignore[arg-type]  # as they are named
    try:
        async with pooled_connection(opened) as connection:
            await connection.execute("set default_transaction_read_only = on")
        yield opened
    finally:
        await opened.close()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


async def _right(pool: Pool, essential: Essential, sample: Sample, table: str, size: float) -> str | None:
    """Why a large table is rightly read through: the query is about all of a company, whose are most of the rows."""
    if not essential.whole:
        return None
    count = sql.SQL("select count(*) from {} where company_id = %s").format(sql.Identifier(table))
    own: int = (await tenant_rows(pool, sample.company_id, count, [sample.company_id]))[0][0]
    share = min(1.0, own / size)
    return f"it is about the whole company, which has {share:.0%} of {table}" if share > MOST else None
