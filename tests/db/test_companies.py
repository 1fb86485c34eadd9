"""Companies and API keys: created by the operator, looked up by the API."""

import asyncio

import psycopg
import pytest

from db.connections import Pool, owner_connection
from db.people import api_keys, companies

A = 1  # as in conftest.py


async def test_a_new_system_gets_company_1_and_one_key(database_url: str, pool: Pool) -> None:
    answers = await asyncio.gather(*(companies.ensure_first(database_url) for _ in range(4)))
    plaintexts = [answer for answer in answers if answer is not None]
    assert len(plaintexts) == 1
    credential = await api_keys.find(pool, plaintexts[0])
    assert credential == api_keys.Credential(1, credential.key_id if credential else 0, frozenset(api_keys.SCOPES))
    assert await companies.ensure_first(database_url) is None
    async with owner_connection(database_url) as connection:
        assert await companies.create(connection, " Second ") == 2
    async with owner_connection(database_url) as connection:
        listed = await companies.list_all(connection)
    assert [(company.id, company.name) for company in listed] == [(1, "Example company"), (2, "Second")]


async def test_company_1_is_created_even_if_its_id_was_used(database_url: str) -> None:
    async with owner_connection(database_url) as connection:
        await companies.create(connection, "never")
        await connection.rollback()
    assert await companies.ensure_first(database_url)
    async with owner_connection(database_url) as connection:
        assert [company.id for company in await companies.list_all(connection)] == [1]
        assert await companies.create(connection, "next") == 2


async def test_a_company_needs_a_name(database_url: str) -> None:
    async with owner_connection(database_url) as connection:
        with pytest.raises(ValueError, match="name"):
            await companies.create(connection, "  ")


async def test_a_key_is_found_until_it_is_revoked(two_companies: str, two_companies_pool: Pool) -> None:
    async with owner_connection(two_companies) as connection:
        key_id, plaintext = await api_keys.create(connection, A, "CRM", ["events:write", "events:write"])
    assert plaintext.startswith("pk_")
    assert len(plaintext) == 46
    credential = api_keys.Credential(A, key_id, frozenset({"events:write"}))
    assert await api_keys.find(two_companies_pool, plaintext) == credential
    await api_keys.touch(two_companies_pool, credential)
    async with owner_connection(two_companies) as connection:
        (key,) = [key for key in await api_keys.list_all(connection, A) if key.id == key_id]
        assert (key.name, key.prefix, key.scopes, key.revoked_at) == ("CRM", plaintext[:8], ["events:write"], None)
        assert key.last_used_at is not None
        assert await api_keys.revoke(connection, key_id)
        assert not await api_keys.revoke(connection, key_id)
        assert not await api_keys.revoke(connection, 10**6)
    assert await api_keys.find(two_companies_pool, plaintext) is None


@pytest.mark.parametrize("plaintext", ["", "pk_", "nobody's", "\x00", "ü", "\udcff", "x" * 100_000])
async def test_invalid_keys_are_not_found(two_companies: str, two_companies_pool: Pool, plaintext: str) -> None:
    assert await api_keys.find(two_companies_pool, plaintext) is None


async def test_the_plaintext_of_a_key_is_not_stored(database_url: str) -> None:
    plaintext = await companies.ensure_first(database_url)
    assert plaintext is not None
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("select to_jsonb(k)::text from api_keys k").fetchall()
    assert plaintext[8:] not in str(rows)


@pytest.mark.parametrize(
    ("scopes", "message"),
    [
        (
            ["events:write", "root"],
            "unknown scope 'root'; allowed are events:write, journeys:read, journeys:write, admin",
        ),
        ([], "at least one scope"),
    ],
)
async def test_scopes_are_checked(two_companies: str, scopes: list[str], message: str) -> None:
    async with owner_connection(two_companies) as connection:
        with pytest.raises(ValueError, match=message):
            await api_keys.create(connection, A, "key", scopes)


async def test_a_key_needs_a_company(database_url: str) -> None:
    async with owner_connection(database_url) as connection:
        with pytest.raises(ValueError, match="no company 7"):
            await api_keys.create(connection, 7, "key", ["admin"])


async def test_companies_are_read_in_pages(two_companies_pool: Pool) -> None:
    assert await companies.all_ids(two_companies_pool, 0, 1) == [1]
    assert await companies.all_ids(two_companies_pool, 1, 1) == [2]
    assert await companies.all_ids(two_companies_pool, 2) == []
