"""Contacts that people make: the tasks they complete, the next step, appointments, and customers who want none."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Tenant

ALWAYS = {"quiet_from": "00:00", "quiet_to": "00:00", "campaign": []}
PROFILE = {"name": "Ada Example", "email": "ada@example.com", "consent": {"email": True}}


def ahead(**length: float) -> str:
    return (datetime.now(UTC) + timedelta(**length)).replace(microsecond=0).isoformat()


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company with a manager, and c-1, who is at risk and has an open check-in call."""
    tenant.client.put("/v1/outreach", json=ALWAYS)
    tenant.client.post("/v1/staff", json={"name": "Grace Example", "role": "manager"})
    tenant.client.put("/v1/customers/c-1", json=PROFILE)
    tenant.live("c-1", {})
    tenant.live("c-1", {"type": "appointment.completed", "amount": "50.00", "occurred_at": ahead(days=-100)})
    tenant.client.post("/v1/customers/c-1/stage", json={"stage": "at_risk", "reason": "test"})
    tenant.settled("c-1")
    return tenant


def record(tenant: Tenant, key: str | None = None, **body: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"channel": "phone", "outcome": "reached", **body}
    answer = tenant.client.post("/v1/customers/c-1/contacts", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def calls(tenant: Tenant, status: str = "open") -> list[dict[str, Any]]:
    found = tenant.client.get("/v1/portal/tasks", params={"customer_id": "c-1", "status": status}).json()["tasks"]
    return [task for task in found if task["kind"].endswith("call")]


def on_timeline(tenant: Tenant) -> list[dict[str, Any]]:
    answer = tenant.client.get("/v1/portal/customers/c-1/timeline", params={"kind": "contact"})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["timeline"]
    return found


def journey(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]
    return found


def test_a_contact_completes_the_open_call_and_keeps_the_requesters_note(desk: Tenant) -> None:
    (task,) = calls(desk)
    desk.rows("update tasks set note = 'Ask about the colour' where id = %s returning id", task["id"])
    contact = record(desk, note="Comes back in May")["contact"]
    assert (contact["outcome"], contact["closed_tasks"]) == ("reached", [task["id"]])
    assert calls(desk) == []
    (done,) = calls(desk, "done")
    assert (done["id"], done["note"], done["done_by"]) == (task["id"], "Ask about the colour", contact["performed_by"])
    assert [comment["text"] for comment in done["comments"]] == ["Comes back in May"]
    (entry,) = on_timeline(desk)
    assert (entry["outcome"], entry["note"], entry["id"]) == ("reached", "Comes back in May", contact["id"])
    assert entry["performed_by_name"] == "test"
    (row,) = desk.client.get("/v1/portal/analytics/churn-predictions").json()["predictions"]
    assert row["contacted_at"] == contact["contacted_at"]


def test_the_note_of_a_completed_task_stands_beside_the_requesters(desk: Tenant) -> None:
    (task,) = calls(desk)
    desk.rows("update tasks set note = 'Ask about the colour' where id = %s returning id", task["id"])
    path = f"/v1/portal/tasks/{task['id']}/done"
    desk.client.post(path, json={"note": "Reached her"})
    done = desk.client.post(path, json={"note": "Reached her"}).json()["task"]  # twice is not an error
    assert (done["note"], [one["text"] for one in done["comments"]]) == ("Ask about the colour", ["Reached her"])


def test_the_next_step_is_a_call_that_other_contacts_leave_open(desk: Tenant) -> None:
    next_week, in_a_month = ahead(days=7), ahead(days=30)
    record(desk, outcome="no_answer", note="Mailbox", follow_up_at=next_week)
    desk.settled("c-1")
    (task,) = calls(desk)
    assert (task["kind"], datetime.fromisoformat(task["due_at"])) == (
        "follow_up_call",
        datetime.fromisoformat(next_week),
    )
    assert (task["staff_name"], task["note"]) == ("Grace Example", "Mailbox")
    assert task["reason"].startswith("no answer on ")
    assert record(desk, channel="email", outcome="reached")["contact"]["closed_tasks"] == []
    assert [one["id"] for one in calls(desk)] == [task["id"]]
    assert record(desk, follow_up_at=in_a_month)["contact"]["closed_tasks"] == [task["id"]]
    desk.settled("c-1")
    (later,) = calls(desk)
    assert datetime.fromisoformat(later["due_at"]) == datetime.fromisoformat(in_a_month)


def test_a_contact_books_an_appointment_once(desk: Tenant) -> None:
    booked = ahead(days=3)
    made = {"outcome": "booked", "appointment": {"scheduled_for": booked, "service": "colour"}}
    first, again = record(desk, "k-1", **made), record(desk, "k-1", **made)
    assert first == again
    assert first["appointment"]["service"] == "colour"
    assert first["contact"]["event_id"] == first["appointment"]["event_id"]
    assert datetime.fromisoformat(journey(desk)["next_appointment_at"]) == datetime.fromisoformat(booked)
    assert len(on_timeline(desk)) == 1
    events = desk.rows("select outcome from journey_events where company_id = %s and type like '%%requested'", desk.id)
    assert events == [("applied",)]
    cancelled = {
        "type": "appointment.cancelled",
        "appointment_id": first["appointment"]["appointment_id"],
        "occurred_at": ahead(seconds=2),
    }
    desk.live("c-1", cancelled)  # the id in the answer is the appointment's
    assert journey(desk)["next_appointment_at"] is None


def test_a_booking_of_somebody_unknown_is_refused_whole(desk: Tenant) -> None:
    body = {"channel": "phone", "outcome": "booked", "appointment": {"scheduled_for": ahead(days=3)}}
    assert desk.client.post("/v1/customers/nobody/contacts", json=body).status_code == 404
    assert desk.client.get("/v1/customers/nobody").status_code == 404
    desk.client.put("/v1/customers/new", json={"name": "New"})  # has a profile only
    assert desk.client.post("/v1/customers/new/contacts", json={**body, "outcome": "reached"}).status_code == 422
    plain = {"channel": "phone", "outcome": "reached"}
    assert desk.client.post("/v1/customers/new/contacts", json=plain).status_code == 404
    assert desk.client.post("/v1/customers/new/contacts", json=body).status_code == 201


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("channel", {"channel": "fax"}),
        ("outcome", {"outcome": "maybe"}),
        ("note", {"note": "x" * 1001}),
        ("follow_up_at", {"follow_up_at": "2020-01-01T00:00:00Z"}),
        ("follow_up_at", {"follow_up_at": "2999-01-01T00:00:00"}),
        ("follow_up_at", {"outcome": "do_not_contact", "follow_up_at": "2199-01-01T00:00:00Z"}),
        ("appointment", {"appointment": {"scheduled_for": "2199-01-01T00:00:00Z"}}),
        ("appointment.scheduled_for", {"outcome": "booked", "appointment": {"scheduled_for": "2020-01-01T00:00:00Z"}}),
        ("appointment.scheduled_for", {"outcome": "booked", "appointment": {"scheduled_for": "2199-01-01T00:00:00Z"}}),
        ("appointment.service", {"outcome": "booked", "appointment": {"scheduled_for": ahead(days=1), "service": ""}}),
        ("mood", {"mood": "good"}),
    ],
)
def test_bad_contacts(desk: Tenant, field: str, body: dict[str, Any]) -> None:
    answer = desk.client.post("/v1/customers/c-1/contacts", json={"channel": "phone", "outcome": "reached", **body})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    assert on_timeline(desk) == []
    assert journey(desk)["next_appointment_at"] is None


def test_who_does_not_want_contact_gets_none_until_it_is_taken_back(desk: Tenant, outbox: Path) -> None:
    before = set(outbox.iterdir())
    record(desk, follow_up_at=ahead(days=7))
    desk.settled("c-1")
    record(desk, outcome="do_not_contact", note="Please no calls")
    assert calls(desk) == []
    since = journey(desk)["do_not_contact_since"]
    assert since == desk.client.get("/v1/customers/c-1").json()["do_not_contact_since"] is not None
    preview = desk.client.get("/v1/customers/c-1/messages/preview", params={"type": "offer"}).json()
    assert preview["withheld"]["reason"] == "marked as do not contact"
    for kind in ("email", "call"):
        desk.client.post("/v1/customers/c-1/actions", json={"type": kind})
    done = {action["action"].split(".")[0]: action for action in desk.settled("c-1")}
    for name in ("centre_email", "centre_call"):
        assert (done[name]["status"], done[name]["reason"]) == ("suppressed", "marked as do not contact")
    assert (calls(desk), set(outbox.iterdir()) - before) == ([], set())
    for _ in range(2):  # twice is not an error
        assert desk.client.delete("/v1/customers/c-1/do-not-contact").status_code == 200
    assert journey(desk)["do_not_contact_since"] is None
    assert on_timeline(desk)[0]["lifted_at"] is not None
    log = desk.rows("select action from audit_log where company_id = %s and action like 'contact%%'", desk.id)
    assert log == [("contact.allow",)]
    desk.client.post("/v1/customers/c-1/actions", json={"type": "email"})
    desk.settled("c-1")
    assert len(set(outbox.iterdir()) - before) == 1
    assert desk.client.delete("/v1/customers/nobody/do-not-contact").status_code == 404


def test_a_mistaken_contact_is_undone(desk: Tenant) -> None:
    (task,) = calls(desk)
    record(desk, outcome="no_answer", follow_up_at=ahead(days=7))
    desk.settled("c-1")
    (follow_up,) = calls(desk)
    (entry,) = on_timeline(desk)
    removed = desk.client.delete(f"/v1/customers/c-1/contacts/{entry['id']}")
    assert (removed.status_code, removed.json()["contact"]["id"]) == (200, entry["id"])
    assert [one["id"] for one in calls(desk)] == [task["id"]]
    (cancelled,) = calls(desk, "cancelled")
    assert (cancelled["id"], cancelled["closed_reason"]) == (follow_up["id"], "the contact was removed")
    assert on_timeline(desk) == []
    assert desk.client.delete(f"/v1/customers/c-1/contacts/{entry['id']}").status_code == 404
    unwanted = record(desk, outcome="do_not_contact")["contact"]
    assert desk.client.delete(f"/v1/customers/c-1/contacts/{unwanted['id']}").status_code == 200
    assert journey(desk)["do_not_contact_since"] is None


def test_removing_a_contact_retracts_its_appointment(desk: Tenant) -> None:
    made = record(desk, outcome="booked", appointment={"scheduled_for": ahead(days=3)})
    assert journey(desk)["next_appointment_at"] is not None
    path = f"/v1/customers/c-1/contacts/{made['contact']['id']}"
    assert desk.client.delete(path).status_code == 200
    until = time.monotonic() + 10
    while journey(desk)["next_appointment_at"] is not None:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_an_old_contact_and_that_of_another_customer_cannot_be_removed(desk: Tenant, other: Tenant) -> None:
    contact = record(desk)["contact"]
    path = f"/v1/customers/c-1/contacts/{contact['id']}"
    assert other.client.delete(path).status_code == 404
    desk.client.put("/v1/customers/c-2", json={})
    assert desk.client.delete(f"/v1/customers/c-2/contacts/{contact['id']}").status_code == 404
    reader = desk.with_key(desk.new_key("journeys:read")[1])
    assert reader.delete(path).status_code == 403
    assert reader.post("/v1/customers/c-1/contacts", json={"channel": "phone", "outcome": "reached"}).status_code == 403
    desk.rows("update contacts set at = at - interval '25 hours' where id = %s returning id", contact["id"])
    answer = desk.client.delete(path)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "contact_id")
    assert "more than 24 hours old" in answer.json()["detail"]
