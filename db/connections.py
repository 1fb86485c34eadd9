"""Connections: the pool of the application's role, and the scope of one tenant upon it.

Row-level security asks `app.company_id`. It is set for one transaction only: what a session keeps would go to whoever
takes the connection from the pool next.
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

_SCOPE: LiteralString = "select set_config('app.company_id', %s, true)"


async def open_pool(
    database_url: str,
    *,
    min_size: int,
    max_size: int,
    timeout: float = 3.0,
    cursor_factory: type[AsyncCursor[TupleRow]] = AsyncCursor,
) -> Pool:
    """A pool of autocommit connections that act as `perdure_app`. Close it with `await pool.close()`.

    Opens at once, whether or not Postgres answers: connections are made in the background. To take one waits at most
    `timeout` seconds and then raises psycopg_pool.PoolTimeout, which is a psycopg.OperationalError; one that breaks in
    use raises psycopg.OperationalError.
    """
    pool: Pool = AsyncConnectionPool(
        make_conninfo(**_with_limits(database_url)),
        min_size=min_size,
        max_size=max_size,
        timeout=timeout,
        # After this long a lost connection is given up, and whoever needs one next tries anew. Were it longer, the
        # growing pauses between attempts would keep a pool away from a Postgres that has long been back.
        reconnect_timeout=timeout,
        kwargs={"autocommit": True, "prepare_threshold": 2, "cursor_factory": cursor_factory},
        configure=_configure,
        open=False,
    )
    await pool.open(wait=False)
    return pool


@asynccontextmanager
async def pooled_connection(pool: Pool) -> AsyncGenerator[Connection]:
    """A live connection of the pool, without any tenant. As `pool.connection()`, but what the server closed while it
    lay idle is replaced unseen, so that after a restart of Postgres not every connection fails once.
    """
    until = monotonic() + pool.timeout
    while _is_stale(connection := await pool.getconn(until - monotonic())):
        await connection.close()  # otherwise the pool would take it back
        await pool.putconn(connection)
    try:
        yield connection
    finally:
        await pool.putconn(connection)


@asynccontextmanager
async def tenant_transaction(pool: Pool, company_id: int) -> AsyncGenerator[Connection]:
    """One transaction that sees and writes the rows of one company: committed at the end, rolled back on an exception.

    Raises psycopg.OperationalError (a PoolTimeout included) when Postgres does not answer.
    """
    async with pooled_connection(pool) as connection, connection.transaction():
        await connection.execute(_SCOPE, [str(company_id)])
        yield connection


@asynccontextmanager
async def tenant_snapshot(pool: Pool, company_id: int) -> AsyncGenerator[Connection]:
    """One transaction as `tenant_transaction`'s whose statements all see the same moment, and write nothing.

    They are planned once for all parameters: to plan a figure anew each time costs as much as to count it.
    """
    async with pooled_connection(pool) as connection, connection.transaction():
        async with connection.pipeline():
            await connection.execute("set transaction isolation level repeatable read, read only")
            await connection.execute(
                f"{_SCOPE}, set_config('plan_cache_mode', 'force_generic_plan', true)", [str(company_id)]
            )
        yield connection


async def tenant_rows(pool: Pool, company_id: int, statement: Statement, params: Params = ()) -> list[TupleRow]:
    """Execute one statement in the scope of one company, in one round trip instead of four (`tenant_transaction`).

    A pipeline outside of a transaction block is one implicit transaction, so that the setting reaches the statement
    and ends with it. Errors as in `tenant_transaction`.
    """
    return await scoped_rows(pool, "app.company_id", str(company_id), statement, params)


async def scoped_rows(
    pool: Pool, setting: str, value: str, statement: Statement, params: Params = ()
) -> list[TupleRow]:
    """`tenant_rows` for any setting that the policies know: `app.company_id` or `app.key_hash`."""
    async with pooled_connection(pool) as connection, connection.pipeline(), connection.cursor() as cursor:
        await connection.execute("select set_config(%s, %s, true)", [setting, value])
        await cursor.execute(statement, params)
        return await cursor.fetchall()


@asynccontextmanager
async def owner_connection(database_url: str) -> AsyncGenerator[Connection]:
    """One transaction as the login itself, for the operator's commands: companies, keys, schema.

    Committed at the end, rolled back on an exception. Raises psycopg.OperationalError when Postgres does not answer.
    """
    async with await AsyncConnection.connect(make_conninfo(**_with_limits(database_url))) as connection:
        yield connection


def _with_limits(database_url: str) -> dict[str, Any]:
    """A server that vanishes without a word is noticed within seconds, not after the two hours that TCP waits."""
    limits = {"connect_timeout": 3, "keepalives_idle": 10, "keepalives_interval": 5, "tcp_user_timeout": 15_000}
    return {"application_name": "perdure", **limits, **conninfo_to_dict(database_url)}


async def _configure(connection: Connection) -> None:
    await connection.execute(sql.SQL("set role {}").format(sql.Identifier(APP_ROLE)))
    # A process that is stopped or cut off inside a transaction must not hold its rows for ever.
    await connection.execute("set idle_in_transaction_session_timeout = '60s'")
    await connection.execute("set timezone = 'UTC'")  # instants in the JSON that Postgres builds


def _is_stale(connection: Connection) -> bool:
    """Whether the server has closed it, seen without asking the server.

    An idle connection has nothing to read; when it has, that is the server's farewell or the end of the stream.
    """
    watch = select.poll()
    watch.register(connection.pgconn.socket, select.POLLIN)
    return bool(watch.poll(0))
