"""Find what a secret belongs to: the secret determines the company, whose rows are visible after that."""

from __future__ import annotations

from typing import LiteralString

from psycopg import sql
from psycopg.abc import Params
from psycopg.rows import TupleRow

from db.connections import Pool, Statement, pooled_connection

_SET_HASH = "select set_config('app.key_hash', %s, true)"


def company_of(table: LiteralString, column: LiteralString) -> sql.Composed:
    """Return the statement that makes the company visible whose row in `table` has a hash in `column`."""
    return sql.SQL(
        "select set_config('app.company_id', coalesce((select company_id::text from {} where {} = %s), ''), true)"
    ).format(sql.Identifier(table), sql.Identifier(column))


async def find_by_hash(
    pool: Pool, set_company: sql.Composed, hashed: bytes, statement: Statement, params: Params
) -> TupleRow | None:
    """Return the first row of a statement in the company of a hash, in one round trip; None if there is none.

    Args:
        set_company: What `company_of` returns.

    Raises:
        psycopg.OperationalError: Postgres does not answer.
    """
    async with pooled_connection(pool) as connection, connection.pipeline(), connection.cursor() as cursor:
        await connection.execute(_SET_HASH, [hashed.hex()])
        await connection.execute(set_company, [hashed])
        await cursor.execute(statement, params)
        return await cursor.fetchone()
