"""The list of booked appointments, their risk of a no-show, and answers about what became of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.no_show_models import fit_no_shows_of_company
from db.connections import open_pool
from tests.api.conftest import Tenant

pytestmark = pytest.mark.usefixtures("working")

NOW = datetime.now(UTC).replace(microsecond=0)


def at(**length: float) -> str:
    return (NOW + timedelta(**length)).isoformat()


def book(
    tenant: Tenant, appointment: str, when: str, customer: str = "c-1", told: str | None = None, **fields: Any
) -> None:
    booking = {"appointment_id": appointment, "scheduled_for": when, "occurred_at": told or at(days=-100), **fields}
    tenant.live(customer, {"type": "appointment.requested", **booking})


def tell(tenant: Tenant, what: str, appointment: str, when: str, customer: str = "c-1", **fields: Any) -> None:
    event = {"type": f"appointment.{what}", "appointment_id": appointment, "occurred_at": when, **fields}
    tenant.live(customer, event)


def page(tenant: Tenant, **params: Any) -> dict[str, Any]:
    answer = tenant.client.get("/v1/portal/appointments", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(tenant: Tenant, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page(tenant, **params)["appointments"]
    return found


def answer(tenant: Tenant, appointment: dict[str, Any], **body: Any) -> dict[str, Any]:
    path = f"/v1/customers/{appointment['customer_id']}/appointments/{appointment['key']}/answer"
    reply = tenant.client.post(path, json=body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()["appointment"]
    return found


def journey(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]
    return found


def test_bookings_are_listed_as_soon_as_they_are_applied(tenant: Tenant) -> None:
    tenant.client.put("/v1/customers/c-1", json={"name": "Ada Example", "phone": "+49 30 1234567"})
    assert listed(tenant) == []
    book(tenant, "a", at(days=3), service="colour", told=at(days=-18))
    book(tenant, "b", at(days=2), customer="c-2")
    first, second = listed(tenant)
    assert (first["customer_id"], second["customer_id"]) == ("c-2", "c-1")
    assert (second["name"], second["phone"], second["service"]) == ("Ada Example", "+49 30 1234567", "colour")
    assert (second["outcome"], second["risk"], page(tenant)["no_show_model"]) == ("open", None, None)
    moved = {"scheduled_for": at(days=20), "occurred_at": at(minutes=-1)}
    tenant.live("c-2", {"type": "appointment.rescheduled", "appointment_id": "b", **moved})
    assert [one["appointment_id"] for one in listed(tenant)] == ["a"]
    assert [one["appointment_id"] for one in listed(tenant, to=at(days=30))] == ["a", "b"]
    tell(tenant, "cancelled", "a", at(minutes=-1))
    assert [one["appointment_id"] for one in listed(tenant, to=at(days=30))] == ["b"]
    (cancelled,) = listed(tenant, outcome="cancelled")
    assert cancelled["appointment_id"] == "a"
    assert listed(tenant, customer_id="c-1") == []


def test_the_risk_is_the_customers_own_rate_shrunk_to_the_companys(tenant: Tenant) -> None:
    for number in range(9):
        when = at(days=-90 + number)
        book(tenant, f"a{number}", when)
        tell(tenant, "missed" if number < 2 else "completed", f"a{number}", when)
    for number in range(11):
        when = at(days=-50 + number)
        book(tenant, f"b{number}", when, customer="c-2")
        tell(tenant, "completed", f"b{number}", when, customer="c-2")
    book(tenant, "next", at(days=3), told=at(days=-18))
    book(tenant, "new", at(days=4), customer="c-3", told=at(days=3.9, hours=-96))
    found = page(tenant)
    first, second = found["appointments"]
    assert first["risk"] == {
        "probability": round((2 + 10 * 0.1) / 19, 3),
        "missed": 2,
        "outcomes": 9,
        "lead_days": 21.0,
        "reason": "missed 2 of 9, booked 3 weeks ahead",
    }
    assert second["risk"]["probability"] == 0.1
    assert second["risk"]["reason"].startswith("no earlier booked appointments, booked ")
    model = found["no_show_model"]
    assert (model["method"], model["outcomes"], model["misses"], model["fitted_at"]) == ("own rate", 20, 2, None)

    async def fit() -> None:
        pool = await open_pool(tenant.database_url, min_size=1, max_size=2)
        await fit_no_shows_of_company(pool, tenant.id)
        await pool.close()

    asyncio.run(fit())
    reason = "20 booked appointments with an outcome, 2 of them missed; a model needs 200 with 20 misses"
    assert page(tenant)["no_show_model"]["reason"] == reason
    # with enough of them, a model is fitted and used
    tenant.rows(
        "insert into appointments (company_id, customer_id, key, appointment_id, scheduled_for, booked_at,"
        " last_event_at, outcome) select company_id, customer_id, 'n' || n, 'n' || n, now() - interval '1 day' * n,"
        " now() - interval '1 day' * (n + case when n %% 5 = 0 then 60 else 2 end), now(),"
        " case when n %% 5 = 0 then 'missed' else 'completed' end"
        " from appointments, generate_series(1, 400) n where company_id = %s and appointment_id = 'new' returning 1",
        tenant.id,
    )
    asyncio.run(fit())
    fitted = page(tenant)
    model = fitted["no_show_model"]
    assert (model["method"], model["outcomes"], model["reason"]) == ("own rate and lead time", 420, None)
    assert model["comparison"]["own rate and lead time"]["brier"] < model["comparison"]["company rate"]["brier"]
    risks = {one["appointment_id"]: one["risk"]["probability"] for one in fitted["appointments"]}
    assert risks["next"] > risks["new"]


def test_an_answer_counts_at_once_and_can_be_corrected(tenant: Tenant) -> None:
    when = at(hours=-20)
    book(tenant, "before", at(days=-30), service="colour")
    tell(tenant, "completed", "before", at(days=-30), amount="89.00")
    book(tenant, "a", when, service="colour")
    (appointment,) = listed(tenant, **{"from": at(days=-2)})
    assert (appointment["suggested_amount"], appointment["task_id"]) == ("89.00", None)
    bad = tenant.client.post(
        f"/v1/customers/c-1/appointments/{appointment['key']}/answer", json={"outcome": "completed", "amount": "-1"}
    )
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "amount")
    for _ in range(2):  # clicked twice
        came = answer(tenant, appointment, outcome="completed", amount="75.5")
        assert (came["outcome"], came["amount"], came["risk"]) == ("completed", "75.50", None)
    now = journey(tenant)
    assert (now["total_appointments"], now["lifetime_value"]) == (2, 164.5)
    assert datetime.fromisoformat(now["last_appointment_at"]) == datetime.fromisoformat(when)
    missed = answer(tenant, appointment, outcome="missed")
    assert (missed["outcome"], missed["amount"]) == ("missed", None)
    assert journey(tenant)["total_appointments"] == 1
    assert answer(tenant, appointment, outcome="completed", amount="80")["amount"] == "80.00"
    assert answer(tenant, appointment, outcome="completed", amount="81")["amount"] == "81.00"
    assert journey(tenant)["lifetime_value"] == 170


def test_an_appointment_ahead_can_be_cancelled_only_once(tenant: Tenant, other: Tenant) -> None:
    book(tenant, "a", at(days=3))
    (appointment,) = listed(tenant)
    path = f"/v1/customers/c-1/appointments/{appointment['key']}/answer"
    assert other.client.post(path, json={"outcome": "missed"}).status_code == 404
    reader = tenant.with_key(tenant.new_key("journeys:read")[1])
    assert reader.post(path, json={"outcome": "missed"}).status_code == 403
    assert answer(tenant, appointment, outcome="cancelled")["outcome"] == "cancelled"
    assert journey(tenant)["next_appointment_at"] is None
    events = len(tenant.client.get("/v1/portal/customers/c-1/journey").json()["events"])
    assert answer(tenant, appointment, outcome="cancelled")["outcome"] == "cancelled"
    assert len(tenant.client.get("/v1/portal/customers/c-1/journey").json()["events"]) == events


def test_a_task_that_is_answered_and_reopened_can_be_answered_otherwise(tenant: Tenant) -> None:
    book(tenant, "a", at(hours=-49))
    tenant.settled("c-1")
    (appointment,) = listed(tenant, **{"from": at(days=-5)})
    task = appointment["task_id"]
    assert task is not None
    path = f"/v1/portal/tasks/{task}"
    assert tenant.client.post(f"{path}/answer", json={"outcome": "completed", "amount": 40}).status_code == 200
    assert journey(tenant)["total_appointments"] == 1
    assert tenant.client.post(f"{path}/reopen").status_code == 200
    assert tenant.client.post(f"{path}/answer", json={"outcome": "missed"}).json()["task"]["status"] == "done"
    assert journey(tenant)["total_appointments"] == 0
    (appointment,) = listed(tenant, **{"from": at(days=-5)})
    assert (appointment["outcome"], appointment["task_id"]) == ("missed", None)


def test_an_answer_closes_the_task(tenant: Tenant) -> None:
    book(tenant, "a", at(hours=-49))
    tenant.settled("c-1")
    (appointment,) = listed(tenant, **{"from": at(days=-5)})
    assert answer(tenant, appointment, outcome="missed")["task_id"] is None
    tasks = tenant.client.get("/v1/portal/tasks?kind=attendance&status=done").json()["tasks"]
    assert [task["id"] for task in tasks] == [appointment["task_id"]]


def test_pages_and_bad_parameters(tenant: Tenant) -> None:
    for number in range(5):
        book(tenant, f"a{number}", at(days=2), customer=f"c-{number}")
    everything = listed(tenant)
    assert len(everything) == 5
    shown: list[Any] = []
    cursor: dict[str, Any] = {}
    for _ in range(3):
        found = page(tenant, limit=2, **cursor)
        shown += found["appointments"]
        cursor = {"cursor": found["next_cursor"]}
    assert (shown, cursor["cursor"]) == (everything, None)
    bad: list[tuple[dict[str, Any], str]] = [
        ({"cursor": "x"}, "cursor"),
        ({"from": at(days=1), "to": at(days=1)}, "to"),
        ({"from": "2026-03-01T10:00:00"}, "from"),
        ({"from": "9999-12-31T00:00:00Z"}, "from"),
        ({"outcome": "gone"}, "outcome"),
        ({"limit": 0}, "limit"),
    ]
    for params, field in bad:
        reply = tenant.client.get("/v1/portal/appointments", params=params)
        assert (reply.status_code, reply.json()["errors"][0]["field"].split(".")[0]) == (422, field), reply.text


def test_merged_customers_have_one_calendar_and_all_messages(tenant: Tenant) -> None:
    tenant.client.put("/v1/outreach", json={"quiet_from": "00:00", "quiet_to": "00:00"})
    for customer in ("c-1", "c-2"):
        profile = {"name": customer, "email": f"{customer}@example.com", "consent": {"email": True}}
        tenant.client.put(f"/v1/customers/{customer}", json=profile)
        book(tenant, "shared", at(days=2), customer=customer, told=at(minutes=-3))
        book(tenant, f"own-{customer}", at(days=3), customer=customer, told=at(minutes=-2))
        tenant.settled(customer)
    messages = [tenant.client.get(f"/v1/customers/{id_}/messages").json()["messages"] for id_ in ("c-1", "c-2")]
    assert all(messages)
    sent = {message["message_id"] for own in messages for message in own}
    assert len(listed(tenant)) == 4
    merged = tenant.client.post("/v1/customers/c-2/merge", json={"into": "c-1"})
    assert merged.status_code == 200, merged.text
    found = listed(tenant)
    assert {one["customer_id"] for one in found} == {"c-1"}
    assert sorted(one["appointment_id"] for one in found) == ["own-c-1", "own-c-2", "shared"]
    assert listed(tenant, customer_id="c-2") == found
    for customer in ("c-1", "c-2"):
        together = tenant.client.get(f"/v1/customers/{customer}/messages").json()["messages"]
        assert {one["message_id"] for one in together} == sent
    assert answer(tenant, {**found[0], "customer_id": "c-2"}, outcome="cancelled")["customer_id"] == "c-1"
