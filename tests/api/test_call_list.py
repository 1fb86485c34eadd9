"""The call list and the due list over HTTP: numbers and reasons, pages, and what takes a customer off."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from api import cursors
from db.analytics.mean_amounts import store_mean_amounts
from db.connections import open_pool
from tests.api.conftest import Tenant
from tests.api.test_contacts import ahead

ALWAYS = {"quiet_from": "00:00", "quiet_to": "00:00", "campaign": []}


def visits(*days_ago: float, amount: str = "60.00", **fields: Any) -> list[dict[str, Any]]:
    visit = {"type": "appointment.completed", "amount": amount, **fields}
    return [{**visit, "occurred_at": ahead(days=-days)} for days in days_ago]


def calls(tenant: Tenant, **query: Any) -> dict[str, Any]:
    answer = tenant.client.get("/v1/portal/call-list", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(found: dict[str, Any]) -> list[str]:
    return [row["customer_id"] for row in found["customers"]]


def compute_mean_amounts(tenant: Tenant) -> None:
    """Do what the background loops of a worker do."""

    async def compute() -> None:
        pool = await open_pool(tenant.database_url, min_size=1, max_size=1)
        await store_mean_amounts(pool, tenant.id)
        await pool.close()

    asyncio.run(compute())


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """Customers who come every 28 days: two at risk, one overdue, one expected in five days."""
    tenant.client.put("/v1/outreach", json=ALWAYS)
    currency = 'update companies set settings = settings || \'{"currency": "GBP"}\' where id = %s returning 1'
    tenant.rows(currency, tenant.id)
    for customer, days, amount in (
        ("c-1", (184, 156, 128, 100), "60.00"),
        ("c-2", (184, 156, 128, 100), "10.00"),
        ("c-3", (124, 96, 68, 40), "20.00"),
        ("c-4", (107, 79, 51, 23), "40.00"),
    ):
        tenant.client.put(f"/v1/customers/{customer}", json={"name": f"Name of {customer}", "phone": "+4930123456"})
        tenant.live(customer, *visits(*days, amount=amount))
    compute_mean_amounts(tenant)
    return tenant


def test_the_call_list_has_the_numbers_and_the_reason(desk: Tenant) -> None:
    found = calls(desk)
    assert names(found) == ["c-1", "c-3", "c-2"]
    first, overdue, _ = found["customers"]
    assert (first["mean_amount"], first["usual_interval_days"], first["return_probability"]) == (60, 28, None)
    assert (first["value_at_stake"], first["value_per_year"]) == (782.14, 782.14)  # 60 × 365 ÷ 28
    assert (first["because"], overdue["because"], overdue["overdue_days"]) == ("at_risk", "overdue", 12)
    assert first["substitutions"] == ["no_model"]
    assert first["reason"] == (
        "usually comes every 28 days and spends about £60; 100 days since the last visit; no forecast of a return yet"
    )
    desk.rows("update customer_relationships set return_probability = 0.32 where company_id = %s returning 1", desk.id)
    first = calls(desk)["customers"][0]
    assert (first["value_at_stake"], first["substitutions"]) == (531.86, [])
    assert first["reason"].endswith("returns without help with 32 %")


def test_a_contact_and_a_booking_take_a_customer_off(desk: Tenant) -> None:
    contact = desk.client.post("/v1/customers/c-1/contacts", json={"channel": "phone", "outcome": "no_answer"})
    assert names(calls(desk)) == ["c-3", "c-2"]
    booking = {"type": "appointment.requested", "appointment_id": "a-1", "scheduled_for": ahead(days=5)}
    desk.live("c-3", booking)
    assert names(calls(desk)) == ["c-2"]
    desk.client.delete(f"/v1/customers/c-1/contacts/{contact.json()['contact']['id']}")
    desk.live("c-3", {"type": "appointment.cancelled", "appointment_id": "a-1", "occurred_at": ahead()})
    assert names(calls(desk)) == ["c-1", "c-3", "c-2"]
    desk.client.post("/v1/customers/c-2/contacts", json={"channel": "phone", "outcome": "do_not_contact"})
    desk.rows("update contacts set at = at - interval '1 year' where company_id = %s returning 1", desk.id)
    assert names(calls(desk)) == ["c-1", "c-3"]


def test_a_visit_takes_a_customer_off_and_changes_the_mean(desk: Tenant) -> None:
    desk.live("c-1", *visits(0.001, amount="160.00"))
    assert names(calls(desk)) == ["c-3", "c-2"]
    mean = "select mean_amount::float from customer_relationships r join customers c on c.id = r.customer_id"
    mean += " where r.company_id = %s and external_id = 'c-1'"
    assert desk.rows(mean, desk.id) == [(None,)]
    compute_mean_amounts(desk)
    assert desk.rows(mean, desk.id) == [(80.0,)]  # (4 × 60 + 160) ÷ 5


def test_customers_who_have_left_are_listed_on_request(desk: Tenant) -> None:
    desk.live("c-5", *visits(300, 270, 240, amount="500.00"))
    assert "c-5" not in names(calls(desk))
    first = calls(desk, include_lost=True)["customers"][0]
    assert (first["customer_id"], first["because"]) == ("c-5", "lost")


def test_who_is_expected_soon(desk: Tenant) -> None:
    answer = desk.client.get("/v1/portal/due")
    (row,) = answer.json()["customers"]
    expected = datetime.fromisoformat(row["expected_at"])
    assert row["customer_id"] == "c-4"
    assert row["reason"] == (
        f"usually comes every 28 days; expected on {expected.day} {expected:%B}; no appointment booked"
    )
    assert names(desk.client.get("/v1/portal/due", params={"days": 4}).json()) == []
    desk.live("c-4", {"type": "appointment.requested", "appointment_id": "a-1", "scheduled_for": ahead(days=20)})
    assert names(desk.client.get("/v1/portal/due").json()) == []


def test_the_due_list_names_the_service_that_is_due(tenant: Tenant, working: None) -> None:
    """A customer comes for colour every 35 days; by all visits, also for a cut, the next one is expected later."""
    tenant.live("c-1", *visits(100, 65, 30, service="colour"), *visits(23, 9, service="cut"))
    (row,) = tenant.client.get("/v1/portal/due").json()["customers"]
    assert row["service"] == "colour"
    assert row["reason"].startswith("usually comes for colour every 35 days; expected on ")


def test_pages_and_other_companies(desk: Tenant, other: Tenant) -> None:
    first = calls(desk, limit=2)
    assert names(first) == ["c-1", "c-3"]
    second = calls(desk, limit=2, cursor=first["next_cursor"])
    assert (names(second), second["next_cursor"]) == (["c-2"], None)
    assert calls(other) == {"customers": [], "next_cursor": None}
    assert other.client.get("/v1/portal/due").json() == {"customers": [], "next_cursor": None}
    for path in ("/v1/portal/call-list", "/v1/portal/due"):
        assert desk.with_key(desk.new_key("events:write")[1]).get(path).status_code == 403


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/v1/portal/call-list", "limit", "0"),
        ("/v1/portal/call-list", "limit", "201"),
        ("/v1/portal/call-list", "include_lost", "perhaps"),
        ("/v1/portal/call-list", "cursor", "x"),
        ("/v1/portal/call-list", "cursor", cursors.encode("due list", "1", 1)),
        ("/v1/portal/call-list", "cursor", cursors.encode("call list", "much", 1)),
        ("/v1/portal/call-list", "cursor", cursors.encode("call list", "NaN", 1)),
        ("/v1/portal/call-list", "cursor", cursors.encode("call list", "1e99999999", 1)),
        ("/v1/portal/call-list", "cursor", cursors.encode("call list", "1", -1)),
        ("/v1/portal/due", "days", "0"),
        ("/v1/portal/due", "days", "91"),
        ("/v1/portal/due", "cursor", cursors.encode("due list", "yesterday", 1)),
    ],
)
def test_bad_queries(tenant: Tenant, path: str, field: str, value: str) -> None:
    answer = tenant.client.get(path, params={field: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
