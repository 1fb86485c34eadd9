"""The login of DATABASE_URL does not have to be a superuser."""

import tempfile
from pathlib import Path
from uuid import uuid4

import anyio
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.exc import ProgrammingError

from db.connections import open_pool, owner_connection, tenant_rows
from db.people import api_keys, companies, customers
from db.schema.migrate import upgrade
from local.embedded import Postgres, running
from tests.conftest import NewDatabase


async def test_an_owner_with_createrole_needs_nothing_else() -> None:
    with tempfile.TemporaryDirectory(prefix="perdure-") as folder:
        async with running(Postgres(Path(folder), settings={"fsync": "off"})) as postgres:
            with psycopg.connect(postgres.url) as superuser:
                superuser.execute("create role operator login createrole")
                superuser.execute("alter database perdure owner to operator")
            url = postgres.url.replace("//postgres@", "//operator@")
            await anyio.to_thread.run_sync(upgrade, url)
            await operates(url)


async def test_an_owner_without_createrole_gets_a_hint(new_database: NewDatabase, migrated_template: str) -> None:
    owner = f"owner_{uuid4().hex}"
    with psycopg.connect(new_database(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("create role {} login").format(sql.Identifier(owner)))
        # perdure_app exists already: the template's migration created it in another database of the server.
        url = new_database(owner=owner).replace("//postgres@", f"//{owner}@")
        with pytest.raises(ProgrammingError, match=f"grant perdure_app to {owner};"):
            upgrade(url)
        superuser.execute(sql.SQL("grant perdure_app to {}").format(sql.Identifier(owner)))
        await anyio.to_thread.run_sync(upgrade, url)
        await operates(url)


async def operates(url: str) -> None:
    """Check that the operator's functions work and do not bypass row-level security."""
    plaintext = await companies.ensure_first(url)
    assert plaintext is not None
    async with owner_connection(url) as connection:
        second = await companies.create(connection, "Second")
        key_id, other = await api_keys.create(connection, second, "key", ["admin"])
        assert [company.id for company in await companies.list_all(connection)] == [1, second]
        assert [key.company_id for key in await api_keys.list_all(connection)] == [1, second]

    pool = await open_pool(url, min_size=1, max_size=1)
    try:
        for company, key in [(1, plaintext), (second, other)]:
            credential = await api_keys.find(pool, key)
            assert credential is not None
            assert credential.company_id == company
            await customers.put_profile(pool, company, "same", {"name": str(company)})
            assert await tenant_rows(pool, company, "select company_id from api_keys") == [(company,)]
        assert await companies.all_ids(pool) == [1, second]
        async with owner_connection(url) as connection:
            assert await api_keys.revoke(connection, key_id)
            assert await (await connection.execute("select from customers")).fetchall() == []
        assert await api_keys.find(pool, other) is None
    finally:
        await pool.close()
