"""Pairs of customers who may be one person, as workers find them and as the API lists them."""

from __future__ import annotations

import asyncio
from typing import Any

from db.connections import open_pool
from db.people import api_keys
from db.people.duplicates import compare_batch
from journey.duplicates import MAX_HOLDERS
from tests.api.conftest import Tenant


async def compare_all(tenant: Tenant) -> None:
    """Compare all new and changed customers of a company, as workers do."""
    pool = await open_pool(tenant.database_url, min_size=1, max_size=1)
    while await compare_batch(pool, tenant.id):
        pass
    await pool.close()


def compare(tenant: Tenant) -> None:
    asyncio.run(compare_all(tenant))


def put(tenant: Tenant, customer: str, **profile: Any) -> None:
    assert tenant.client.put(f"/v1/customers/{customer}", json=profile).status_code == 200


def pairs(tenant: Tenant, **params: Any) -> list[tuple[list[str], str, list[str]]]:
    answer = tenant.client.get("/v1/portal/duplicates", params=params)
    assert answer.status_code == 200, answer.text
    return [
        ([each["customer_id"] for each in pair["customers"]], pair["strength"], pair["reasons"])
        for pair in answer.json()["duplicates"]
    ]


def test_pairs_with_their_reasons_and_their_end(tenant: Tenant, other: Tenant) -> None:
    put(tenant, "c-1", name="Ada Example", phone="+49 30 1234567", email="ada@example.com")
    put(tenant, "c-2", name="A. E.", phone="+49 (0)30 1234567")
    put(tenant, "c-3", name="example ADA")
    put(tenant, "c-4", name="Ada Example", email="ADA@example.com")
    put(tenant, "c-5", name="Grace Example")
    put(other, "c-6", name="Ada Example", email="ada@example.com")
    compare(tenant)
    compare(other)
    assert pairs(other) == []
    expected = [
        (["c-1", "c-4"], "strong", ["email", "name"]),
        (["c-1", "c-2"], "likely", ["phone"]),
        (["c-1", "c-3"], "weak", ["name"]),
        (["c-3", "c-4"], "weak", ["name"]),
    ]
    assert pairs(tenant) == expected

    paged, cursor = [], None
    for _ in range(len(expected)):
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        paged += pairs(tenant, **params)
        cursor = tenant.client.get("/v1/portal/duplicates", params=params).json()["next_cursor"]
    assert (paged, cursor) == (expected, None)
    assert tenant.client.get("/v1/portal/duplicates?cursor=x").status_code == 422

    dismiss = {"customers": ["c-4", "c-3"]}
    _, reader = tenant.new_key(api_keys.JOURNEYS_READ)
    assert tenant.with_key(reader).post("/v1/portal/duplicates/dismiss", json=dismiss).status_code == 403
    assert other.client.post("/v1/portal/duplicates/dismiss", json=dismiss).status_code == 404
    assert tenant.client.post("/v1/portal/duplicates/dismiss", json=dismiss).status_code == 200
    assert tenant.client.post("/v1/portal/duplicates/dismiss", json=dismiss).status_code == 404
    put(tenant, "c-3", name="Example Ada")  # changed, and still the same
    compare(tenant)
    assert pairs(tenant) == expected[:3]
    put(tenant, "c-3", name="Ada Example", email="ada@example.com")  # another reason
    compare(tenant)
    assert (["c-3", "c-4"], "strong", ["email", "name"]) in pairs(tenant)
    put(tenant, "c-2", name="A. E.", phone="+49 30 7654321")
    compare(tenant)
    assert all("c-2" not in customers for customers, _, _ in pairs(tenant))


def test_what_many_share_is_no_reason(tenant: Tenant) -> None:
    for number in range(MAX_HOLDERS + 1):
        put(tenant, f"c-{number}", phone="+49 30 1234567")
    compare(tenant)
    assert pairs(tenant) == []


def test_a_merged_pair_is_gone_at_once(tenant: Tenant, working: None) -> None:
    put(tenant, "c-1", name="Ada Example")
    put(tenant, "c-2", name="Ada Example")
    compare(tenant)
    assert [customers for customers, _, _ in pairs(tenant)] == [["c-1", "c-2"]]
    assert tenant.client.post("/v1/customers/c-2/merge", json={"into": "c-1"}).status_code == 200
    assert pairs(tenant) == []
    compare(tenant)
    assert pairs(tenant) == []
