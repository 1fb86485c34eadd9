"""Connections: the pool of the application's role, and transactions in the scope of one tenant.

Row-level security reads the setting `app.company_id`. It is set for one transaction only, because a session-level
setting would leak to the next user of the pooled connection.
"""

from __future__ import annotations

import select
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, LiteralString

from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

APP_ROLE = "perdure_app"

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]
Statement = LiteralString | sql.SQL | sql.Composed

_SET_COMPANY: LiteralString = "select set_config('app.company_id', %s, true)"
_SET: LiteralString = "select set_config(%s, %s, true)"
_SET_FRESH_PLAN: LiteralString = f"{_SET}, set_config('plan_cache_mode', 'force_custom_plan', true)"


async def open_pool(
    database_url: str,
    *,
    min_size: int,
    max_size: int,
    timeout: float = 3.0,
    cursor_factory: type[AsyncCursor[TupleRow]] = AsyncCursor,
) -> Pool:
    """Open a pool of autocommit connections with the role `perdure_app`. Close it with `await pool.close()`.

    The pool opens immediately, even if Postgres does not answer: connections are established in the background. Taking
    a connection waits up to `timeout` seconds, then raises psycopg_pool.PoolTimeout (a psycopg.OperationalError).
    """
    pool: Pool = AsyncConnectionPool(
        make_conninfo(**_with_timeouts(database_url)),
        min_size=min_size,
        max_size=max_size,
        timeout=timeout,
        # Give up a lost connection after this time; the next caller starts a new attempt. With a longer timeout, the
        # growing backoff would keep the pool disconnected long after Postgres is available again.
        reconnect_timeout=timeout,
        kwargs={"autocommit": True, "prepare_threshold": 2, "cursor_factory": cursor_factory},
        configure=_configure,
        open=False,
    )
    await pool.open(wait=False)
    return pool


@asynccontextmanager
async def pooled_connection(pool: Pool) -> AsyncGenerator[Connection]:
    """Take a connection from the pool, without a tenant.

    Like `pool.connection()`, but replaces connections that the server closed while they were idle. Otherwise each of
    them would fail once after a restart of Postgres.
    """
    deadline = monotonic() + pool.timeout
    while _is_stale(connection := await pool.getconn(deadline - monotonic())):
        await connection.close()  # otherwise the pool would reuse it
        await pool.putconn(connection)
    try:
        yield connection
    finally:
        await pool.putconn(connection)


@asynccontextmanager
async def tenant_transaction(pool: Pool, company_id: int) -> AsyncGenerator[Connection]:
    """Run one transaction in the scope of a company; commit at the end, roll back on an exception.

    Raises:
        psycopg.OperationalError: Postgres does not answer (includes PoolTimeout).
    """
    async with pooled_connection(pool) as connection, connection.transaction():
        await connection.execute(_SET_COMPANY, [str(company_id)])
        yield connection


@asynccontextmanager
async def tenant_snapshot(pool: Pool, company_id: int) -> AsyncGenerator[Connection]:
    """Run one read-only transaction in the scope of a company, whose statements all see the same snapshot.

    Uses generic plans: planning an analytics statement takes as long as executing it.
    """
    async with pooled_connection(pool) as connection, connection.transaction():
        async with connection.pipeline():
            await connection.execute("set transaction isolation level repeatable read, read only")
            await connection.execute(
                f"{_SET_COMPANY}, set_config('plan_cache_mode', 'force_generic_plan', true)", [str(company_id)]
            )
        yield connection


async def tenant_rows(
    pool: Pool, company_id: int, statement: Statement, params: Params = (), *, fresh_plan: bool = False
) -> list[TupleRow]:
    """Execute one statement in the scope of one company, in one round trip instead of four (`tenant_transaction`).

    A pipeline outside of a transaction block is one implicit transaction: the setting applies to the statement and ends
    with it. Raises the same errors as `tenant_transaction`.

    Args:
        fresh_plan: Plan the statement for this execution. A connection keeps the plan of a prepared statement until a
            table is analyzed: a plan from when a table was empty scans the whole table for each row that is looked up,
            however many rows it has since.
    """
    return await scoped_rows(pool, "app.company_id", str(company_id), statement, params, fresh_plan=fresh_plan)


async def scoped_rows(
    pool: Pool, setting: str, value: str, statement: Statement, params: Params = (), *, fresh_plan: bool = False
) -> list[TupleRow]:
    """Like `tenant_rows`, for any setting that the policies use: `app.company_id` or `app.key_hash`."""
    async with pooled_connection(pool) as connection, connection.pipeline(), connection.cursor() as cursor:
        await connection.execute(_SET_FRESH_PLAN if fresh_plan else _SET, [setting, value])
        await cursor.execute(statement, params)
        return await cursor.fetchall()


@asynccontextmanager
async def owner_connection(database_url: str) -> AsyncGenerator[Connection]:
    """Run one transaction as the owner of the database, for the operator's commands: companies, keys, schema.

    Commits at the end, rolls back on an exception.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    async with await AsyncConnection.connect(make_conninfo(**_with_timeouts(database_url))) as connection:
        yield connection


def _with_timeouts(database_url: str) -> dict[str, Any]:
    """Add timeouts that detect an unreachable server within seconds, instead of the two hours of TCP keepalive."""
    timeouts = {"connect_timeout": 3, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
    return {"application_name": "perdure", **timeouts, **conninfo_to_dict(database_url)}


async def _configure(connection: Connection) -> None:
    await connection.execute(sql.SQL("set role {}").format(sql.Identifier(APP_ROLE)))
    # A process that is stopped or disconnected inside a transaction must not keep its locks.
    await connection.execute("set idle_in_transaction_session_timeout = '60s'")
    await connection.execute("set timezone = 'UTC'")  # for the timestamps in JSON built by Postgres


def _is_stale(connection: Connection) -> bool:
    """Check whether the server has closed an idle connection, without a round trip.

    An idle connection has nothing to read. If it does, that is the server's termination message or end of file.
    """
    poller = select.poll()
    poller.register(connection.pgconn.socket, select.POLLIN)
    return bool(poller.poll(0))
