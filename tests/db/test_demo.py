"""The demo company is only created in an empty system."""

from datetime import UTC, datetime

import psycopg

from db.connections import owner_connection
from db.operations import demo
from db.operations.demo import DemoCompany
from db.people import companies

END = datetime(2026, 11, 25, tzinfo=UTC).isoformat()


async def claimed(url: str) -> DemoCompany | None:
    async with owner_connection(url) as connection:
        return await demo.claim_company(connection, 20, END, "Salon (invented)", "CHF")


async def test_an_empty_company_becomes_the_demo_company(database_url: str) -> None:
    await companies.ensure_first(database_url)
    assert await claimed(database_url) == DemoCompany(1, 20, END, filled=False)
    async with owner_connection(database_url) as connection:
        assert await demo.find(connection) == DemoCompany(1, 20, END, filled=False)
        await demo.mark_filled(connection, 1)
        assert await demo.find(connection) == DemoCompany(1, 20, END, filled=True)
        (company,) = await companies.list_all(connection)
    assert (company.name, company.currency) == ("Salon (invented)", "CHF")


async def test_a_system_with_data_does_not_become_the_demo(database_url: str) -> None:
    assert await claimed(database_url) is None  # no company at all
    await companies.ensure_first(database_url)
    with psycopg.connect(database_url) as superuser:
        superuser.execute("insert into customers (company_id, external_id) values (1, 'c-1')")
    assert await claimed(database_url) is None
    with psycopg.connect(database_url) as superuser:
        superuser.execute("delete from customers")
        superuser.execute("insert into companies (name) values ('another')")
    assert await claimed(database_url) is None
    async with owner_connection(database_url) as connection:
        assert await demo.find(connection) is None
