"""Did they come? A task asks when an appointment has no outcome, and its answers are events."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Tenant

pytestmark = pytest.mark.usefixtures("working")


def ago(**length: float) -> str:
    return (datetime.now(UTC) - timedelta(**length)).replace(microsecond=0).isoformat()


def send(tenant: Tenant, kind: str, occurred_at: str, **fields: Any) -> None:
    event = {"id": f"{kind}-{occurred_at}", "type": f"appointment.{kind}", "customer_id": "c-1", **fields}
    answer = tenant.client.post("/v1/events?wait=10", json={**event, "occurred_at": occurred_at})
    assert answer.json()["outcomes"][0]["outcome"] == "applied", answer.text


def question(tenant: Tenant, status: str = "open") -> dict[str, Any]:
    for _ in range(150):
        tasks = tenant.client.get("/v1/portal/tasks", params={"kind": "attendance", "status": status}).json()["tasks"]
        if tasks:
            found: dict[str, Any] = tasks[0]
            return found
        time.sleep(0.1)
    raise AssertionError("no such task")


def journey(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]
    return found


def test_the_answer_that_they_came_is_a_visit_at_the_booked_time(tenant: Tenant) -> None:
    booked = ago(hours=49)
    send(tenant, "requested", ago(days=5), appointment_id="a-1", scheduled_for=booked)
    task = question(tenant)
    assert task["title"].startswith("Did they come?: c-1")
    assert "booked for" in task["reason"]
    bad = tenant.client.post(f"/v1/portal/tasks/{task['id']}/answer", json={"outcome": "completed", "amount": "-1"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "amount")
    answer = tenant.client.post(f"/v1/portal/tasks/{task['id']}/answer", json={"outcome": "completed", "amount": "40"})
    assert (answer.status_code, answer.json()["task"]["status"]) == (200, "done")
    now = journey(tenant)
    assert (now["total_appointments"], now["lifetime_value"]) == (1, 40)
    assert datetime.fromisoformat(now["last_appointment_at"]) == datetime.fromisoformat(booked)


def test_an_event_about_the_appointment_completes_the_task(tenant: Tenant) -> None:
    at = ago(days=5)
    send(tenant, "requested", at, scheduled_for=ago(hours=49))
    task = question(tenant)
    send(tenant, "missed", ago(minutes=1), appointment_id=f"event:requested-{at}")
    assert question(tenant, "done")["id"] == task["id"]
    assert question(tenant, "done")["closed_reason"]


def test_another_kind_of_task_has_no_answer(tenant: Tenant) -> None:
    assert tenant.client.post("/v1/portal/tasks/4711/answer", json={"outcome": "missed"}).status_code == 404


def test_the_next_appointment_is_on_the_journey_and_in_the_list(tenant: Tenant) -> None:
    booked = ago(days=-7)
    send(tenant, "requested", ago(days=1), appointment_id="a-1", scheduled_for=booked)
    assert datetime.fromisoformat(journey(tenant)["next_appointment_at"]) == datetime.fromisoformat(booked)
    [listed] = tenant.client.get("/v1/portal/relationships").json()["relationships"]
    assert datetime.fromisoformat(listed["next_appointment_at"]) == datetime.fromisoformat(booked)
    assert tenant.client.get("/v1/customers/c-1").json()["next_appointment_at"]
    explained = tenant.client.get("/v1/customers/c-1/explain").json()
    assert datetime.fromisoformat(explained["booking"]["booked_until"]) > datetime.fromisoformat(booked)
