"""Retractions over HTTP: through the intake, with a preview, and on the timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Tenant

pytestmark = pytest.mark.usefixtures("working")


def visit(id_: str, amount: str = "40.00", minute: int = 1) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(days=2, minutes=-minute)).isoformat()
    return {"id": id_, "type": "appointment.completed", "amount": amount, "occurred_at": at}


def journey(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = tenant.client.get("/v1/portal/customers/c-1/journey").json()
    return found


def outcome(tenant: Tenant, **fields: Any) -> dict[str, Any]:
    answer = tenant.client.post("/v1/events?wait=10", json=tenant.event(**fields))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["outcomes"][0]
    return found


def test_a_retraction_by_the_intake_is_shown_at_the_event(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1", "1200.00"), visit("v-2", minute=2))
    assert journey(tenant)["journey"]["current_stage"] == "vip"
    found = outcome(tenant, id="r-1", type="event.retracted", retracts="v-1", reason="typed a 0 too much")
    assert (found["outcome"], [move["to_stage"] for move in found["transitions"]]) == ("applied", ["customer"])
    assert found["transitions"][0]["trigger_event"] == "event_retracted"
    now = journey(tenant)
    assert (now["journey"]["total_appointments"], now["journey"]["lifetime_value"]) == (1, 40)
    events = {event["id"]: (event["outcome"], event["retracted_by"]) for event in now["events"]}
    assert events == {"v-1": ("applied", "r-1"), "v-2": ("applied", None), "r-1": ("applied", None)}
    entries = tenant.client.get("/v1/portal/customers/c-1/timeline?kind=event").json()["timeline"]
    retraction = next(entry["retraction"] for entry in entries if entry["id"] == "v-1")
    assert (retraction["reason"], retraction["performed_by"]) == ("typed a 0 too much", None)


def test_a_retraction_of_an_unknown_event_waits_and_one_of_another_customer_is_quarantined(tenant: Tenant) -> None:
    tenant.live("c-2", visit("theirs"))
    assert outcome(tenant, id="r-1", type="event.retracted", retracts="theirs")["outcome"] == "quarantined"
    waiting = outcome(tenant, id="r-2", type="event.retracted", retracts="v-1")
    assert (waiting["outcome"], "takes effect if the event arrives" in waiting["reason"]) == ("quarantined", True)
    assert outcome(tenant, **visit("v-1"))["outcome"] == "applied"
    now = journey(tenant)
    assert (now["journey"]["current_stage"], now["journey"]["total_appointments"]) == ("prospect", 0)
    by_id = {event["id"]: event for event in now["events"]}
    assert (by_id["v-1"]["retracted_by"], by_id["r-2"]["outcome"]) == ("r-2", "applied")


def test_preview_then_retract_then_conflict(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1", "1200.00"), visit("v/2", minute=2))
    url = "/v1/customers/c-1/retractions"
    previewed = tenant.client.get(f"{url}/preview", params={"retracts": "v-1"}).json()
    assert (previewed["before"]["stage"], previewed["after"]["stage"]) == ("vip", "customer")
    assert (previewed["before"]["lifetime_value"], previewed["after"]["lifetime_value"]) == (1240, 40)
    assert journey(tenant)["journey"]["current_stage"] == "vip"
    done = tenant.client.post(url, json={"retracts": "v-1", "reason": " wrong customer "})
    assert (done.status_code, done.json()["id"]) == (200, "retraction:v-1")
    assert journey(tenant)["journey"]["current_stage"] == "customer"
    entries = tenant.client.get("/v1/portal/customers/c-1/timeline?kind=event").json()["timeline"]
    retraction = next(entry["retraction"] for entry in entries if entry["id"] == "v-1")
    assert (retraction["reason"], retraction["performed_by"]) == ("wrong customer", "test")
    assert tenant.rows("select actor from audit_log where company_id = %s and action = 'event.retract'", tenant.id)
    again = tenant.client.post(url, json={"retracts": "v-1"})
    assert (again.status_code, "retraction:v-1" in again.json()["detail"]) == (409, True)
    refused = tenant.client.post(url, json={"retracts": "retraction:v-1"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "retracts")
    assert tenant.client.post(url, json={"retracts": "v/2"}).status_code == 200
    assert tenant.client.post(url, json={"retracts": "nothing"}).status_code == 404


def test_another_company_and_lesser_keys_cannot_retract(tenant: Tenant, other: Tenant) -> None:
    tenant.live("c-1", visit("v-1"))
    url = "/v1/customers/c-1/retractions"
    assert other.client.post(url, json={"retracts": "v-1"}).status_code == 404
    desk = tenant.with_key(tenant.new_key("events:write", "journeys:read", "journeys:write")[1])
    assert desk.post(url, json={"retracts": "v-1"}).status_code == 403
    assert desk.get(f"{url}/preview", params={"retracts": "v-1"}).status_code == 403
    answer = desk.post("/v1/events", json=tenant.event(type="event.retracted", retracts="v-1"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "type")
    assert "scope admin" in answer.json()["detail"]
    assert journey(tenant)["journey"]["total_appointments"] == 1


def test_an_event_of_a_merged_customer_is_retracted_under_either_id(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1"))
    tenant.live("c-2", visit("v-2", "1200.00", 2), visit("v-3", "7.00", 3))
    assert tenant.client.post("/v1/customers/c-2/merge", json={"into": "c-1"}).status_code == 200
    assert journey(tenant)["journey"]["current_stage"] == "vip"
    done = tenant.client.post("/v1/customers/c-2/retractions", json={"retracts": "v-2"})
    assert (done.status_code, done.json()["after"]["stage"]) == (200, "customer")
    by_alias = outcome(tenant, id="r-1", type="event.retracted", retracts="v-3", customer_id="c-2")
    assert by_alias["outcome"] == "applied"
    now = journey(tenant)["journey"]
    assert (now["current_stage"], now["total_appointments"], now["lifetime_value"]) == ("customer", 1, 40)
