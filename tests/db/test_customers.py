"""Customer profiles: created, replaced, read, and separate for each company."""

from typing import Any

import pytest
from psycopg.errors import CheckViolation

from db.connections import Pool, tenant_rows
from db.people import customers

A, B = 1, 2  # as in conftest.py

PROFILE: dict[str, Any] = {
    "name": "Åsa Öberg",
    "email": "asa@example.org",
    "phone": "+46701234567",
    "time_zone": "Europe/Stockholm",
    "locale": "sv-SE",
    "consent": {"email": True, "sms": False},
}
EMPTY: dict[str, Any] = {**dict.fromkeys(customers.FIELDS), "consent": {}}


def profile(stored: dict[str, Any] | None) -> dict[str, Any]:
    assert stored is not None
    return {field: stored[field] for field in customers.FIELDS}


async def test_a_profile_is_created_and_replaced(two_companies: str, two_companies_pool: Pool) -> None:
    stored = await customers.put_profile(two_companies_pool, A, "new@1", PROFILE)
    assert stored["customer_id"] == "new@1"
    assert profile(stored) == PROFILE
    assert await customers.get(two_companies_pool, A, "new@1") == stored
    again = await customers.put_profile(two_companies_pool, A, "new@1", {"name": "Åsa"})
    assert profile(again) == {**EMPTY, "name": "Åsa"}
    assert again["created_at"] == stored["created_at"]


async def test_the_same_id_in_two_companies_is_two_customers(two_companies: str, two_companies_pool: Pool) -> None:
    await customers.put_profile(two_companies_pool, A, "both", PROFILE)
    assert await customers.get(two_companies_pool, B, "both") is None
    await customers.put_profile(two_companies_pool, B, "both", {})
    assert profile(await customers.get(two_companies_pool, A, "both")) == PROFILE
    assert profile(await customers.get(two_companies_pool, B, "both")) == EMPTY
    assert await customers.get(two_companies_pool, B, "x1") is None


async def test_invalid_profiles_are_rejected(two_companies: str, two_companies_pool: Pool) -> None:
    with pytest.raises(ValueError, match="unknown field vip; a profile has name, email"):
        await customers.put_profile(two_companies_pool, A, "new", {"vip": True})
    for bad in ("", "a b", "x" * 65, "ü"):
        with pytest.raises(CheckViolation):
            await customers.put_profile(two_companies_pool, A, bad, {})


async def test_consent_is_withdrawn_once_and_for_one_channel(two_companies: str, two_companies_pool: Pool) -> None:
    await customers.put_profile(two_companies_pool, A, "x1", PROFILE | {"consent": {"email": True, "sms": True}})
    assert await customers.unsubscribe(two_companies_pool, A, "x1", "email", "customer")
    assert not await customers.unsubscribe(two_companies_pool, A, "x1", "email", "customer")
    assert not await customers.unsubscribe(two_companies_pool, B, "x1", "email", "customer")  # A's customer
    assert not await customers.unsubscribe(two_companies_pool, A, "nobody", "email", "customer")
    stored = await customers.get(two_companies_pool, A, "x1")
    assert profile(stored) == PROFILE | {"consent": {"email": False, "sms": True}}
    logged = await tenant_rows(
        two_companies_pool, A, "select actor, subject, details from audit_log where action = 'consent.end'"
    )
    assert logged == [("customer", "customer/x1", {"channel": "email"})]
