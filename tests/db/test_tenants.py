"""A company cannot see or change the rows of another one; without a company, no rows are visible."""

from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege

from db.connections import Pool, tenant_rows, tenant_transaction
from db.schema.models import Base
from tests.conftest import NewDatabase

A, B = 1, 2  # as in conftest.py

TABLES = sorted(Base.metadata.tables)


@pytest.fixture(scope="module")
def two_companies(new_database: NewDatabase, filled_template: str) -> str:
    """One database for all tests in this module, which must not change it."""
    return new_database(template=filled_template)


def own(table: str) -> sql.Identifier:
    """Return the column with the company's id."""
    return sql.Identifier("id" if table == "companies" else "company_id")


def statement(text: str, table: str) -> sql.Composed:
    return sql.SQL(text).format(table=sql.Identifier(table), own=own(table))


@pytest.mark.parametrize("table", [*TABLES, "journey_analytics_summary"])
async def test_without_a_tenant_no_rows_are_visible(two_companies: str, two_companies_pool: Pool, table: str) -> None:
    with psycopg.connect(two_companies) as superuser:
        assert superuser.execute(statement("select count(*) from {table}", table)).fetchone() == (2,)
    everything = statement("select * from {table}", table)
    async with two_companies_pool.connection() as connection:
        assert await (await connection.execute(everything)).fetchall() == []
    async with tenant_transaction(two_companies_pool, A) as connection:
        await connection.execute("select 1")
    async with two_companies_pool.connection() as connection:  # the same connection, after a tenant's transaction
        assert await (await connection.execute(everything)).fetchall() == []


@pytest.mark.parametrize("table", [*TABLES, "journey_analytics_summary"])
async def test_a_tenant_sees_only_its_own_rows(two_companies: str, two_companies_pool: Pool, table: str) -> None:
    company_ids = await tenant_rows(two_companies_pool, A, statement("select {own} from {table}", table))
    assert company_ids == [(A,)]
    assert (
        await tenant_rows(two_companies_pool, A, statement("select * from {table} where {own} = %s", table), [B]) == []
    )


@pytest.mark.parametrize("table", TABLES)
async def test_a_tenant_cannot_write_for_another(two_companies: str, two_companies_pool: Pool, table: str) -> None:
    before = rows(two_companies, table)
    stolen: Any = {**rows(two_companies, table)[0], "id": 99, "company_id": B}
    copy = statement("insert into {table} select (jsonb_populate_record(null::{table}, %s)).*", table)
    with pytest.raises(InsufficientPrivilege):
        async with tenant_transaction(two_companies_pool, A) as connection:
            await connection.execute(copy, [psycopg.types.json.Jsonb(stolen)])
    for text in ["delete from {table} where {own} = %s", "update {table} set {own} = {own} where {own} = %s"]:
        try:
            async with tenant_transaction(two_companies_pool, A) as connection:
                assert (await connection.execute(statement(text, table), [B])).rowcount == 0
        except InsufficientPrivilege:
            pass  # not even for its own rows
    with pytest.raises(InsufficientPrivilege):  # nor assign its own rows to another company
        async with tenant_transaction(two_companies_pool, A) as connection:
            await connection.execute(statement("update {table} set {own} = %s", table), [B])
    assert rows(two_companies, table) == before


def rows(url: str, table: str) -> list[dict[str, Any]]:
    """Return every row of a table, as superuser."""
    with psycopg.connect(url) as superuser:
        records = superuser.execute(statement("select to_jsonb(t) from {table} t order by {own}", table)).fetchall()
    return [row for (row,) in records]


async def test_a_tenant_cannot_reference_another_tenants_customer(two_companies: str, two_companies_pool: Pool) -> None:
    with pytest.raises(ForeignKeyViolation):
        async with tenant_transaction(two_companies_pool, A) as connection:
            await connection.execute("update customer_relationships set customer_id = %s", [B])


@pytest.mark.parametrize("text", ["alter table tasks disable row level security", "select * from alembic_version"])
async def test_the_application_may_not_change_the_schema(pool: Pool, text: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        async with pool.connection() as connection:
            await connection.execute(sql.SQL(text))


async def test_the_audit_log_is_append_only(two_companies: str, two_companies_pool: Pool) -> None:
    for text in ("update audit_log set actor = 'x'", "delete from audit_log"):
        with pytest.raises(InsufficientPrivilege):
            async with tenant_transaction(two_companies_pool, A) as connection:
                await connection.execute(sql.SQL(text))


async def test_a_known_hash_does_not_allow_a_session_of_another_company(
    two_companies: str, two_companies_pool: Pool
) -> None:
    """Anyone who writes a session knows its hash, so that this must not be enough."""
    secret = b"\x07" * 32
    insert = sql.SQL("insert into sessions (company_id, key_id, secret_hash, expires_at) values (%s, %s, %s, now())")

    async def write() -> None:
        async with tenant_transaction(two_companies_pool, A) as connection:
            await connection.execute("select set_config('app.key_hash', %s, true)", [secret.hex()])
            await connection.execute(insert, [B, B, secret])

    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        await write()
    assert len(rows(two_companies, "sessions")) == 2
