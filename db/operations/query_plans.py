"""Explain the essential queries: the plan of each statement instead of its rows.

The application's own functions are called with a pool whose cursors prepend `explain` to each statement, so the plan is
that of the real statement, with the application's role, the company's scope and row-level security.
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
from db.essential_queries import RegisteredQuery, SampleJourney

LARGE_TABLE_ROWS = 10_000  # a sequential scan on a table with more rows needs a reason
SMALL_TABLE_BYTES = 1 << 20  # tables without statistics below this size count as empty
FULL_SCAN_SHARE = 0.5  # of a table's rows: above this share a sequential scan is the best plan
EXECUTED_PREFIXES = ("set ", "select set_config", "prepare ")  # statements that are executed, not explained
PROBES = (STATUS_PROBE,)  # statements whose result decides which statement follows


class PlanCaptured(Exception):
    """Ends the call of a function at its statement and carries the plan of the statement."""

    def __init__(self, plan: dict[str, Any]) -> None:
        super().__init__("explained")
        self.plan = plan


class ExplainCursor(AsyncCursor[TupleRow]):
    """Explains every statement except those that only set the scope."""

    prefix = "explain (format json) "

    async def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        text = query if isinstance(query, str) else query.as_string(self.connection)
        if text in PROBES or text.lstrip().startswith(EXECUTED_PREFIXES):
            return await super().execute(query, *arguments, **options)
        statement = self.prefix + query if isinstance(query, str) else sql.SQL(self.prefix) + query
        await super().execute(statement, *arguments, **options)
        rows = await self.fetchall()
        raise PlanCaptured(rows[0][0][0])


class ExplainAnalyzeCursor(ExplainCursor):
    """Explains and executes every statement, to measure its time."""

    prefix = "explain (analyze, format json) "


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one query.

    Attributes:
        query: The name of the query.
        indexes: The indexes that the plan uses.
        scanned_tables: All tables with a sequential scan.
        sequential_scans: The large ones among them, each with the reason why the scan is right, or None.
        cost: The planner's estimate of the total cost.
        rows: The planner's estimate of the number of rows.
        ms: The execution time; None if the query was not executed.
    """

    query: str
    indexes: list[str]
    scanned_tables: list[str]
    sequential_scans: dict[str, str | None] = field(default_factory=dict)
    cost: float = 0.0
    rows: int = 0
    ms: float | None = None

    @property
    def warning(self) -> str | None:
        """The large tables that the plan scans without a reason, as text; None if there are none."""
        unexplained = [table for table, reason in self.sequential_scans.items() if reason is None]
        return f"sequential scan on {', '.join(unexplained)}" if unexplained else None


async def explain(
    pool: Pool, explain_pool: Pool, query: RegisteredQuery, sample: SampleJourney, sizes: dict[str, float]
) -> Plan:
    """Return the plan of one query.

    Args:
        pool: Executes additional queries about the company.
        explain_pool: A pool made by `open_explain_pool`.
        query: The query to explain.
        sample: The parameters of the query.
        sizes: The rows of each table (`table_sizes`).
    """
    try:
        await query.run(explain_pool, sample)
    except PlanCaptured as captured:
        root, ms = captured.plan["Plan"], captured.plan.get("Execution Time")
        nodes = list(_nodes(root))
    else:
        raise RuntimeError(f"{query.name}: no statement was executed")
    scanned_tables = sorted({node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"})
    sequential_scans: dict[str, str | None] = {}
    for table in scanned_tables:
        if sizes.get(table, 0) > LARGE_TABLE_ROWS:
            sequential_scans[table] = await _full_scan_reason(pool, query, sample, table, sizes[table])
    return Plan(
        query=query.name,
        indexes=sorted({node["Index Name"] for node in nodes if "Index Name" in node}),
        scanned_tables=scanned_tables,
        sequential_scans=sequential_scans,
        cost=root["Total Cost"],
        rows=root["Plan Rows"],
        ms=ms,
    )


async def table_sizes(pool: Pool) -> dict[str, float]:
    """Return the planner's row count of each table; -1 for a table that is not small and was never analyzed."""
    async with pooled_connection(pool) as connection:
        cursor = await connection.execute(
            "select relname, case when reltuples < 0 and pg_relation_size(oid) < %s then 0 else reltuples end"
            " from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace",
            [SMALL_TABLE_BYTES],
        )
        return dict(await cursor.fetchall())


@asynccontextmanager
async def open_explain_pool(database_url: str, *, analyze: bool) -> AsyncGenerator[Pool]:
    """Open a read-only pool for `explain`; with `analyze` it also executes the statements."""
    cursor_factory = ExplainAnalyzeCursor if analyze else ExplainCursor
    pool = await open_pool(database_url, cursor_factory=cursor_factory, min_size=1, max_size=1, timeout=10.0)
    try:
        async with pooled_connection(pool) as connection:
            await connection.execute("set default_transaction_read_only = on")
        yield pool
    finally:
        await pool.close()


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


async def _full_scan_reason(
    pool: Pool, query: RegisteredQuery, sample: SampleJourney, table: str, size: float
) -> str | None:
    """Explain why a sequential scan on a large table is right: the query needs most of its rows. None if it is not."""
    if not query.reads_whole_company:
        return None
    count = sql.SQL("select count(*) from {} where company_id = %s").format(sql.Identifier(table))
    own: int = (await tenant_rows(pool, sample.company_id, count, [sample.company_id]))[0][0]
    share = min(1.0, own / size)
    return f"it reads the whole company, which has {share:.0%} of {table}" if share > FULL_SCAN_SHARE else None
