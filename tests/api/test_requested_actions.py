"""Actions that staff request: delayed, cancelled, and one open call task per customer."""

from __future__ import annotations

import email
import email.policy
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Tenant

PROFILE = {"name": "Ada Example", "email": "ada@example.com", "consent": {"email": True}}
ALWAYS = {"quiet_from": "00:00", "quiet_to": "00:00"}  # no quiet hours, at whatever time the tests run


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company without quiet hours, with a manager and the lead c-1, whose actions are done."""
    tenant.client.put("/v1/outreach", json=ALWAYS)
    tenant.client.post("/v1/staff", json={"name": "Grace Example", "role": "manager"})
    tenant.client.put("/v1/customers/c-1", json=PROFILE)
    tenant.live("c-1", {})
    tenant.settled("c-1")
    return tenant


def request(tenant: Tenant, **body: Any) -> dict[str, Any]:
    answer = tenant.client.post("/v1/customers/c-1/actions", json=body)
    assert answer.status_code == 202, answer.text
    action: dict[str, Any] = answer.json()["action"]
    return action


def current(tenant: Tenant, action_id: int) -> dict[str, Any]:
    found = tenant.client.get("/v1/portal/actions", params={"customer_id": "c-1"}).json()["actions"]
    (action,) = [one for one in found if one["id"] == action_id]
    return dict(action)


def test_a_delayed_offer_is_sent_when_it_is_due(desk: Tenant) -> None:
    asked = request(desk, type="offer", delay_seconds=3)
    due_in = datetime.fromisoformat(asked["due_at"]) - datetime.now(UTC)
    assert timedelta(seconds=1) < due_in <= timedelta(seconds=3)
    assert (asked["status"], asked["attempts"]) == ("pending", 0)
    time.sleep(1)
    assert current(desk, asked["id"])["status"] == "pending"
    until = time.monotonic() + 20
    while current(desk, asked["id"])["status"] != "succeeded":
        assert time.monotonic() < until
        time.sleep(0.1)
    done = datetime.fromisoformat(current(desk, asked["id"])["done_at"])
    assert done >= datetime.fromisoformat(asked["due_at"])


def test_a_delayed_offer_can_be_undone(desk: Tenant, outbox: Path) -> None:
    before = set(outbox.iterdir())
    asked = request(desk, type="offer", delay_seconds=4)
    for _ in range(2):  # twice is not an error
        answer = desk.client.post(f"/v1/actions/{asked['id']}/cancel")
        assert answer.status_code == 200, answer.text
        assert (answer.json()["action"]["status"], answer.json()["action"]["reason"]) == (
            "cancelled",
            "cancelled by staff",
        )
    time.sleep(6)
    assert (current(desk, asked["id"])["status"], current(desk, asked["id"])["attempts"]) == ("cancelled", 0)
    assert set(outbox.iterdir()) == before
    sent = request(desk, type="offer")  # the journey continues
    desk.settled("c-1")
    assert current(desk, sent["id"])["status"] == "succeeded"


def test_what_cannot_be_cancelled(desk: Tenant, other: Tenant) -> None:
    sent = request(desk, type="email")
    desk.settled("c-1")
    (welcome,) = desk.client.get("/v1/portal/actions?action=send_welcome_email").json()["actions"]
    for action, problem in ((sent, "can no longer be cancelled"), (welcome, "was not requested by staff")):
        answer = desk.client.post(f"/v1/actions/{action['id']}/cancel")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "action_id")
        assert problem in answer.json()["detail"]
    assert other.client.post(f"/v1/actions/{sent['id']}/cancel").status_code == 404
    reader = desk.with_key(desk.new_key("journeys:read")[1])
    assert reader.post(f"/v1/actions/{sent['id']}/cancel").status_code == 403


@pytest.mark.parametrize("delay", [-1, 3601, "5", 1.5, True, None])
def test_bad_delays(tenant: Tenant, delay: object) -> None:
    answer = tenant.client.post("/v1/customers/c-1/actions", json={"type": "offer", "delay_seconds": delay})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "delay_seconds")


def preview(tenant: Tenant, kind: str) -> dict[str, Any]:
    answer = tenant.client.get("/v1/customers/c-1/messages/preview", params={"type": kind})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_preview_is_what_will_be_sent(desk: Tenant, outbox: Path) -> None:
    shown = preview(desk, "offer")
    assert (shown["channel"], shown["to"], shown["withheld"]) == ("email", "ada@example.com", None)
    beginning, placeholder, _ = shown["text"].partition("BACK-······")
    assert placeholder
    assert "Ada Example" in beginning
    assert "https://perdure.example/u/example" in shown["text"]  # no working link
    before = set(outbox.iterdir())
    sent = request(desk, type="offer")
    desk.settled("c-1")
    (file,) = set(outbox.iterdir()) - before
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert message["Subject"] == shown["subject"]
    body = message.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    assert text.partition(current(desk, sent["id"])["detail"]["code"])[0].strip() == beginning.strip()


def test_the_preview_says_what_holds_the_message_back(desk: Tenant) -> None:
    desk.client.put("/v1/customers/c-1", json={**PROFILE, "consent": {"email": False}})
    withheld = preview(desk, "email")["withheld"]
    assert withheld == {"status": "suppressed", "reason": "no consent to e-mail", "until": None}
    desk.client.put("/v1/customers/c-1", json=PROFILE)
    desk.client.put("/v1/outreach", json={"quiet_from": "00:00", "quiet_to": "23:59"})
    withheld = preview(desk, "email")["withheld"]
    assert (withheld["status"], "quiet hours" in withheld["reason"]) == ("waiting", True)
    assert datetime.fromisoformat(withheld["until"]) > datetime.now(UTC)


def test_the_preview_uses_the_companys_own_template(desk: Tenant) -> None:
    own = {"subject": "Hi {{ name }}", "text": "Own text {{ unsubscribe_url }}"}
    assert desk.client.put("/v1/templates/centre_email/en", json=own).status_code == 200
    shown = preview(desk, "email")
    assert (shown["subject"], shown["text"].strip()) == ("Hi Ada Example", "Own text https://perdure.example/u/example")


def test_bad_previews(desk: Tenant, other: Tenant) -> None:
    path = "/v1/customers/c-1/messages/preview"
    for query in ({"type": "call"}, {"type": ""}):
        answer = desk.client.get(path, params=query)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "type")
    assert other.client.get(path, params={"type": "offer"}).status_code == 404
    assert desk.with_key(desk.new_key("journeys:read")[1]).get(path, params={"type": "offer"}).status_code == 403


def call_tasks(tenant: Tenant, status: str = "open") -> list[dict[str, Any]]:
    found = tenant.client.get("/v1/portal/tasks", params={"customer_id": "c-1", "status": status}).json()["tasks"]
    return [task for task in found if task["kind"].endswith("call")]


def test_a_second_call_task_is_refused_with_a_link_to_the_open_one(desk: Tenant) -> None:
    request(desk, type="call", note="first")
    at_once = desk.client.post("/v1/customers/c-1/actions", json={"type": "call"})
    assert at_once.status_code == 409  # whether the first task exists already or not
    desk.settled("c-1")
    (task,) = call_tasks(desk)
    answer = desk.client.post("/v1/customers/c-1/actions", json={"type": "call"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "type")
    assert answer.json()["detail"] == f"type: call task {task['id']} of this customer is still open"
    assert answer.json()["task"] == {"id": task["id"], "url": f"/customers/c-1#task-{task['id']}"}
    assert len(call_tasks(desk)) == 1

    desk.client.post(f"/v1/portal/tasks/{task['id']}/done")
    request(desk, type="call")
    desk.settled("c-1")
    (second,) = call_tasks(desk)
    reopened = desk.client.post(f"/v1/portal/tasks/{task['id']}/reopen")
    assert reopened.status_code == 409
    assert f"call task {second['id']} of this customer is open already" in reopened.json()["detail"]


def lapse(tenant: Tenant, days: int = 100) -> None:
    """Let c-1, who visited once, enter the stage `at_risk`, whose actions create a call task."""
    visited_at = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    tenant.live("c-1", {"type": "appointment.completed", "amount": "50.00", "occurred_at": visited_at})
    tenant.client.post("/v1/customers/c-1/stage", json={"stage": "at_risk", "reason": "test"})
    tenant.settled("c-1")


def test_open_call_tasks_of_a_customer_who_came_back_are_closed(desk: Tenant) -> None:
    lapse(desk)
    (task,) = call_tasks(desk)
    (follow_up,) = desk.client.get("/v1/portal/tasks?kind=follow_up").json()["tasks"]
    desk.live("c-1", {"type": "call.received", "duration_seconds": 90})
    assert call_tasks(desk) == [task]  # a call is no visit
    desk.live("c-1", {"type": "appointment.completed", "amount": "10.00"})
    assert call_tasks(desk) == []
    (closed,) = call_tasks(desk, "cancelled")
    assert (closed["id"], closed["closed_reason"]) == (task["id"], "the customer came back")
    assert datetime.now(UTC) - datetime.fromisoformat(closed["done_at"]) < timedelta(minutes=1)
    (still_open,) = desk.client.get("/v1/portal/tasks?kind=follow_up").json()["tasks"]
    assert still_open["id"] == follow_up["id"]
    reopened = desk.client.post(f"/v1/portal/tasks/{task['id']}/reopen").json()["task"]
    assert (reopened["status"], reopened["closed_reason"], reopened["done_at"]) == ("open", None, None)


def contacted_at(tenant: Tenant) -> str | None:
    (row,) = tenant.client.get("/v1/portal/analytics/churn-predictions").json()["predictions"]
    found: str | None = row["contacted_at"]
    return found


def test_when_a_customer_was_contacted(desk: Tenant) -> None:
    """By a message to the customer or a completed call; neither by an open task nor by a notification of staff."""
    desk.client.put("/v1/outreach", json={**ALWAYS, "campaign": []})
    person = desk.client.get("/v1/portal/staff").json()["staff"][0]["id"]
    desk.client.patch(f"/v1/staff/{person}", json={"email": "grace@example.com"})
    lapse(desk)
    desk.rows(
        "update journey_actions set done_at = null where company_id = %s and action <> 'notify_account_manager'"
        " returning 1",
        desk.id,
    )
    (notice,) = desk.client.get("/v1/portal/actions?action=notify_account_manager").json()["actions"]
    assert (notice["status"], notice["channel"]) == ("succeeded", "email")
    assert contacted_at(desk) is None
    (task,) = call_tasks(desk)
    done = desk.client.post(f"/v1/portal/tasks/{task['id']}/done").json()["task"]
    assert contacted_at(desk) == done["done_at"]
    sent = request(desk, type="email")
    desk.settled("c-1")
    assert contacted_at(desk) == current(desk, sent["id"])["done_at"]
