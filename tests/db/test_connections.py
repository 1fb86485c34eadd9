"""The pool and the scope of a tenant, before, during and after an outage of Postgres."""

import tempfile
from pathlib import Path
from time import monotonic

import anyio
import psycopg
import pytest
from psycopg import sql
from psycopg.errors import DivisionByZero

from db.connections import Pool, open_pool, owner_connection, tenant_rows, tenant_transaction
from db.schema.migrate import upgrade
from local.embedded import Postgres, running

A, B = 1, 2  # as in conftest.py

COMPANY = sql.SQL("select id from companies")
WHO = "select current_user, session_user, coalesce(current_setting('app.company_id', true), '')"


async def test_the_pool_acts_as_the_application(database_url: str, pool: Pool) -> None:
    async with tenant_transaction(pool, A) as connection:
        assert await (await connection.execute(WHO)).fetchone() == ("perdure_app", "postgres", "1")
    async with pool.connection() as connection:
        assert await (await connection.execute(WHO)).fetchone() == ("perdure_app", "postgres", "")
    async with owner_connection(database_url) as connection:
        assert await (await connection.execute(WHO)).fetchone() == ("postgres", "postgres", "")


async def test_an_exception_rolls_back_the_transaction(two_companies: str, two_companies_pool: Pool) -> None:
    async def fail() -> None:
        async with tenant_transaction(two_companies_pool, A) as connection:
            await connection.execute("delete from tasks")
            await connection.execute("select 1 / 0")

    with pytest.raises(DivisionByZero):
        await fail()
    assert await tenant_rows(two_companies_pool, A, "select count(*) from tasks") == [(1,)]


async def test_one_round_trip_has_its_own_scope(two_companies: str, two_companies_pool: Pool) -> None:
    async def ask(company: int) -> None:
        for _ in range(50):
            assert await tenant_rows(two_companies_pool, company, COMPANY) == [(company,)]

    async with anyio.create_task_group() as group:
        for company in (A, B) * 4:
            group.start_soon(ask, company)
    with pytest.raises(DivisionByZero):
        await tenant_rows(
            two_companies_pool, A, "with gone as (delete from tasks returning id) select id / 0 from gone"
        )
    assert await tenant_rows(two_companies_pool, A, "select count(*) from tasks") == [(1,)]


async def test_a_cancelled_statement_does_not_break_the_pool(two_companies: str, two_companies_pool: Pool) -> None:
    for _ in range(6):  # more often than there are connections
        with anyio.move_on_after(0.05) as scope:
            async with tenant_transaction(two_companies_pool, A) as connection:
                await connection.execute("select pg_sleep(30)")
        assert scope.cancelled_caught
        with anyio.move_on_after(0.05) as scope:
            await tenant_rows(two_companies_pool, A, "select pg_sleep(30)::text")
        assert scope.cancelled_caught
    assert await tenant_rows(two_companies_pool, A, COMPANY) == [(A,)]


async def test_an_outage_fails_fast_and_recovers() -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        postgres = Postgres(Path(folder), settings={"fsync": "off"})
        pool = await open_pool(postgres.url, min_size=4, max_size=4, timeout=2.0)  # opens without a server
        try:
            await fails_within(6.0, pool)
            async with running(postgres):
                await anyio.to_thread.run_sync(upgrade, postgres.url)
                async with owner_connection(postgres.url) as connection:
                    await connection.execute("insert into companies (id, name) values (1, 'c')")
                assert await tenant_rows(pool, A, COMPANY) == [(A,)]
                await pool.wait(10)  # all four connections are open, and will break at once
                postgres.kill()
                await postgres.exited()
                await fails_within(6.0, pool)
                await anyio.sleep(4)  # all reconnection attempts have been given up
                await fails_within(6.0, pool)
                await postgres.start()
                assert await tenant_rows(pool, A, COMPANY) == [(A,)]
                await pool.wait(10)
                # Restarted while the pool was idle: the next statement succeeds.
                await postgres.stop()
                await postgres.start()
                assert await tenant_rows(pool, A, COMPANY) == [(A,)]
        finally:
            await pool.close()


async def fails_within(seconds: float, pool: Pool) -> None:
    began = monotonic()
    with pytest.raises(psycopg.OperationalError):
        await tenant_rows(pool, A, COMPANY)
    assert monotonic() - began < seconds
