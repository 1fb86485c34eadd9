"""Customer profiles: created, replaced, read, and separate for each company; consent and its withdrawal."""

import asyncio
from typing import Any

import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege

from activities.channels.registry import channel_spec
from db.connections import Pool, tenant_rows, tenant_transaction
from db.outreach.action_context import load_action_contexts
from db.people import customers
from journey.time import Micros

EMAIL, SMS = channel_spec("email"), channel_spec("sms")
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
    assert await customers.unsubscribe(two_companies_pool, A, "x1", EMAIL, "customer")
    assert not await customers.unsubscribe(two_companies_pool, A, "x1", EMAIL, "customer")
    assert not await customers.unsubscribe(two_companies_pool, B, "x1", EMAIL, "customer")  # A's customer
    assert not await customers.unsubscribe(two_companies_pool, A, "nobody", EMAIL, "customer")
    stored = await customers.get(two_companies_pool, A, "x1")
    assert profile(stored) == PROFILE | {"consent": {"email": False, "sms": True}}
    logged = await tenant_rows(
        two_companies_pool, A, "select actor, subject, details from audit_log where action = 'consent.end'"
    )
    assert logged == [("customer", "customer/x1", {"channel": "email"})]


BOTH = {"consent": {"email": True, "sms": True}}


async def audited(pool: Pool, action: str) -> list[tuple[Any, ...]]:
    return await tenant_rows(
        pool, A, "select actor, subject, details from audit_log where action = %s order by id", [action]
    )


async def test_a_sync_cannot_undo_a_withdrawal(two_companies: str, two_companies_pool: Pool) -> None:
    pool = two_companies_pool
    await customers.put_profile(pool, A, "new", PROFILE | BOTH)
    assert await customers.unsubscribe(pool, A, "new", EMAIL, "customer")
    stored = await customers.put_profile(pool, A, "new", PROFILE | BOTH | {"name": "Renamed"})
    assert profile(stored) == PROFILE | {"name": "Renamed", "consent": {"email": False, "sms": True}}
    assert stored["consent_withdrawn"] == ["email"]
    assert await customers.get(pool, A, "new") == stored
    moved = await customers.put_profile(pool, A, "new", PROFILE | BOTH | {"email": "another@example.org"})
    assert moved["consent"] == {"email": False, "sms": True}
    cleared = await customers.put_profile(pool, A, "new", {})
    assert (cleared["consent"], cleared["consent_withdrawn"]) == ({}, ["email"])
    assert (await customers.put_profile(pool, A, "other", BOTH))["consent_withdrawn"] == []


async def test_staff_restore_consent(two_companies: str, two_companies_pool: Pool) -> None:
    pool = two_companies_pool
    await customers.put_profile(pool, A, "new", PROFILE | BOTH)
    for channel in (EMAIL, SMS):
        assert await customers.unsubscribe(pool, A, "new", channel, "customer")
    kept = await customers.put_profile(pool, A, "new", {"consent": {"email": False}}, restored_by="key/1")
    assert kept["consent_withdrawn"] == ["email", "sms"]
    assert await audited(pool, "consent.restore") == []
    given = {"consent": {"email": True, "sms": False}}
    for _ in range(2):
        restored = await customers.put_profile(pool, A, "new", given, restored_by="key/1")
        assert (restored["consent"], restored["consent_withdrawn"]) == (given["consent"], ["sms"])
    details = {"channel": "email", "by": "staff"}
    assert await audited(pool, "consent.restore") == [("key/1", "customer/new", details)]
    assert (await customers.put_profile(pool, A, "new", BOTH))["consent"] == {"email": True, "sms": False}
    assert await customers.unsubscribe(pool, A, "new", EMAIL, "customer")
    assert (await customers.put_profile(pool, A, "new", BOTH))["consent"] == {"email": False, "sms": False}
    rows = "select channel, source, lifted_by from consent_withdrawals w join customers c on c.id = w.customer_id"
    assert await tenant_rows(pool, A, rows + " where external_id = 'new' order by w.id") == [
        ("email", "customer", "key/1"),
        ("sms", "customer", None),
        ("email", "customer", None),
    ]


async def test_a_no_counts_without_a_yes_before(two_companies: str, two_companies_pool: Pool) -> None:
    pool = two_companies_pool
    await customers.put_profile(pool, A, "new", {"consent": {"email": False}})
    assert await customers.unsubscribe(pool, A, "new", EMAIL, "customer")
    assert not await customers.unsubscribe(pool, A, "new", EMAIL, "customer")
    assert (await customers.put_profile(pool, A, "new", BOTH))["consent"] == {"email": False, "sms": True}


async def test_a_concurrent_sync_does_not_undo_a_withdrawal(two_companies: str, two_companies_pool: Pool) -> None:
    pool = two_companies_pool
    for number in range(20):
        customer = f"new-{number}"
        await customers.put_profile(pool, A, customer, BOTH)
        await asyncio.gather(
            customers.unsubscribe(pool, A, customer, EMAIL, "customer"),
            customers.put_profile(pool, A, customer, BOTH),
        )
        stored = await customers.get(pool, A, customer)
        assert stored is not None
        assert stored["consent"] == {"email": False, "sms": True}


async def test_withdrawals_are_evidence(two_companies: str, two_companies_pool: Pool) -> None:
    for statement in ("delete from consent_withdrawals", "update consent_withdrawals set address = ''"):
        with pytest.raises(InsufficientPrivilege):
            async with tenant_transaction(two_companies_pool, A) as connection:
                await connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("theirs", "mine", "channels"),
    [
        ({"email": "family@example.com"}, {"email": "Family@Example.COM"}, {"email"}),
        ({"email": "ada@straße.example"}, {"email": "Ada@xn--strae-oqa.example"}, {"email"}),
        ({"email": "family@example.com"}, {"email": "family@example.org"}, set()),
        ({"email": "family@example.com"}, {"email": "family.b@example.com"}, set()),
        ({"phone": "+49 (0)30 123456"}, {"phone": "+49-30/123456"}, {"sms"}),
        ({"phone": "+49 30 123456"}, {"phone": "+49 40 123456"}, set()),
        ({"phone": "030 123456 ext. 5"}, {"phone": "(030) 123456"}, {"sms"}),
        ({}, {}, set()),
        ({"email": " ", "phone": "+"}, {"email": " ", "phone": "+"}, set()),
    ],
)
async def test_a_withdrawal_holds_for_the_mailbox(
    two_companies: str,
    two_companies_pool: Pool,
    theirs: dict[str, str],
    mine: dict[str, str],
    channels: set[str],
) -> None:
    pool = two_companies_pool
    await tenant_rows(pool, A, "update consent_withdrawals set lifted_at = now() returning 1")  # that of x1
    await tenant_rows(pool, A, "update journey_actions set action_key = '1:x1:1:send' returning 1")
    await customers.put_profile(pool, A, "x1", mine | BOTH)
    for company in (A, B):
        await customers.put_profile(pool, company, "another", theirs | BOTH)

    async def unsubscribed() -> frozenset[str]:
        (context,) = await load_action_contexts(pool, A, "x1", ["1:send"], Micros(0))
        return context.unsubscribed

    for channel in (EMAIL, SMS):
        await customers.unsubscribe(pool, B, "another", channel, "customer")
    assert await unsubscribed() == set()  # another company
    for channel in (EMAIL, SMS):
        await customers.unsubscribe(pool, A, "another", channel, "customer")
    assert await unsubscribed() == channels
    await customers.put_profile(pool, A, "another", {"email": "moved@example.com"})
    assert await unsubscribed() == channels
    await customers.put_profile(pool, A, "another", theirs | BOTH, restored_by="key/1")
    assert await unsubscribed() == set()
    await customers.unsubscribe(pool, A, "x1", SMS, "customer")
    await tenant_rows(pool, A, "update customers set consent = %s returning 1", ['{"sms": true}'])
    assert await unsubscribed() == {"sms"}
