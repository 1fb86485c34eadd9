"""Readiness includes that Postgres can write to its disk."""

import psycopg
import pytest
from psycopg import sql

from db.connections import Pool
from db.journeys.projection import check_writable
from tests.db.conftest import application_pool


async def test_a_database_that_can_write_is_ready(pool: Pool) -> None:
    await check_writable(pool)


async def test_a_database_that_answers_and_cannot_write_is_not(database_url: str) -> None:
    """A limit on temporary files stands for a full disk, which fails at the same place."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} set temp_file_limit = 1").format(database))
    async with application_pool(database_url) as limited:
        async with limited.connection() as answering:
            assert await (await answering.execute("select 1")).fetchone() == (1,)
        with pytest.raises(psycopg.OperationalError, match="temporary file size exceeds"):
            await check_writable(limited)
