"""Phone numbers in E.164: read at once, or later if a writer did not; read again when the country changes."""

import asyncio
from typing import Any

import pytest

from background import profile_loop
from db.connections import Pool, owner_connection, tenant_rows
from db.people import companies, customers, phone_numbers

A, B = 1, 2  # as in conftest.py


async def numbers(pool: Pool, company: int = A) -> dict[str, Any]:
    """The E.164 form of each customer who has a phone number."""
    rows = await tenant_rows(
        pool, company, "select external_id from customers where phone is not null order by external_id"
    )
    found = {}
    for (customer,) in rows:
        profile = await customers.get(pool, company, customer)
        assert profile is not None
        found[customer] = profile["phone_e164"]
    return found


async def set_country(url: str, code: str) -> None:
    async with owner_connection(url) as connection:
        assert await companies.update(connection, A, country=code)


async def test_numbers_that_an_older_gateway_writes_are_read_later(
    two_companies: str, two_companies_pool: Pool
) -> None:
    pool = two_companies_pool
    await set_country(two_companies, "de")
    await customers.put_profile(pool, A, "x1", {"phone": "030 1234567"})
    assert await numbers(pool) == {"x1": "+49301234567"}
    # These statements name no column of E.164.
    await tenant_rows(pool, A, "update customers set phone = '(030) 7654321' where external_id = 'x1' returning 1")
    for customer in range(450):
        await tenant_rows(
            pool,
            A,
            "insert into customers (company_id, external_id, phone) values (1, %s, %s) returning 1",
            [f"y{customer}", "call me" if customer % 3 == 0 else f"030 {customer:06}"],
        )
    assert (await numbers(pool))["x1"] is None, "the old number counted for the new one"
    counts = [await phone_numbers.read_batch(pool, A) for _ in range(4)]
    assert counts == [200, 200, 51, 0]
    read = await numbers(pool)
    assert (read["x1"], read["y1"], read["y3"]) == ("+49307654321", "+4930000001", None)
    assert len([number for number in read.values() if number]) == 301


async def test_two_workers_share_the_numbers(two_companies: str, two_companies_pool: Pool) -> None:
    pool = two_companies_pool
    await tenant_rows(
        pool,
        A,
        "insert into customers (company_id, external_id, phone)"
        " select 1, 'y' || n, '+49 30 ' || 100000 + n from generate_series(1, 1000) n returning 1",
    )
    while sum(await asyncio.gather(*(phone_numbers.read_batch(pool, A) for _ in range(3)))):
        pass
    read = await numbers(pool)
    assert len(read) == 1000
    assert None not in read.values()


async def test_national_numbers_are_read_again_when_the_country_changes(
    two_companies: str, two_companies_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile_loop, "TIME_SHARE", 1.0)
    pool = two_companies_pool
    for company in (A, B):
        await customers.put_profile(pool, company, "national", {"phone": "030 1234567"})
        await customers.put_profile(pool, company, "international", {"phone": "+44 20 7946 0958"})
    international = {"international": "+442079460958"}
    assert await numbers(pool) == {**international, "national": None}
    reading = asyncio.create_task(profile_loop.run_profile_loop(pool, interval=0.01))
    try:
        for code, number in (("DE", "+49301234567"), ("AT", "+43301234567"), ("", None)):
            await set_country(two_companies, code)
            async with asyncio.timeout(10):
                while (await numbers(pool))["national"] != number:
                    await asyncio.sleep(0.02)
            assert await numbers(pool) == {**international, "national": number}
    finally:
        reading.cancel()
    assert await numbers(pool, B) == {**international, "national": None}
