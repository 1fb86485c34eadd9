"""The messages that were sent to a customer, page by page."""

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
OUTREACH = {"quiet_from": "00:00", "quiet_to": "00:00", "cap_messages": 100}  # no quiet hours, whenever the tests run


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company with the lead c-1, who got a welcome mail, an e-mail and an offer."""
    tenant.client.put("/v1/outreach", json=OUTREACH)
    tenant.client.put("/v1/customers/c-1", json=PROFILE)
    tenant.live("c-1", {})
    tenant.settled("c-1")
    for kind in ("email", "offer"):
        assert tenant.client.post("/v1/customers/c-1/actions", json={"type": kind}).status_code == 202
        time.sleep(0.05)  # so that the order is known
        tenant.settled("c-1")
    return tenant


def listed(tenant: Tenant, **params: Any) -> dict[str, Any]:
    answer = tenant.client.get("/v1/customers/c-1/messages", params=params)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_messages_are_shown_as_they_were_sent(desk: Tenant, outbox: Path) -> None:
    page = listed(desk)
    offer, mail, welcome = page["messages"]
    assert page["next_cursor"] is None
    assert [message["template"] for message in (offer, mail, welcome)] == ["centre_offer", "centre_email", "welcome"]
    assert (offer["to"], offer["marketing"], welcome["marketing"]) == ("ada@example.com", True, False)
    assert offer["performed_by"] is not None
    assert offer["offer"]["code"] in offer["text"]
    last_day = (datetime.fromisoformat(offer["sent_at"]) + timedelta(days=30)).astimezone(UTC).date()
    assert offer["offer"]["valid_until"] == last_day.isoformat()
    assert (mail["offer"], welcome["offer"], welcome["performed_by"]) == (None, None, None)
    for message in (offer, mail, welcome):
        (file,) = outbox.glob(f"*-{message['message_id']}.eml")
        sent = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        assert sent["Subject"] == message["subject"]
        link = sent["List-Unsubscribe"].strip("<>")
        body = sent.get_body(("plain",))
        assert body is not None
        assert body.get_content().replace("\r\n", "\n").replace(link.rpartition("/")[2], "••••••") == message["text"]
    (action,) = desk.client.get("/v1/portal/actions?action=centre_offer").json()["actions"]
    assert action["detail"]["valid_until"] == offer["offer"]["valid_until"]
    timeline = desk.client.get("/v1/portal/customers/c-1/timeline?kind=action").json()["timeline"]
    assert timeline[0]["detail"]["valid_until"] == offer["offer"]["valid_until"]


def test_nobody_can_use_the_links_of_a_kept_message(desk: Tenant) -> None:
    answer = desk.client.get("/v1/customers/c-1/messages").text
    assert "https://perdure.example/u/••••••" in answer
    assert "eyJ" not in answer  # how each signed token begins


def test_pages(desk: Tenant) -> None:
    everything = listed(desk)["messages"]
    first = listed(desk, limit=2)
    second = listed(desk, limit=2, cursor=first["next_cursor"])
    assert first["messages"] + second["messages"] == everything
    assert second["next_cursor"] is None
    for cursor in ("x", first["next_cursor"][:-4], "WyJhY3Rpb25zIiwxXQ=="):
        answer = desk.client.get("/v1/customers/c-1/messages", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "cursor")


def test_a_page_of_long_messages_is_shorter(desk: Tenant) -> None:
    desk.rows("update sent_messages set html = repeat('ü', 200000) where company_id = %s returning 1", desk.id)
    desk.rows("update sent_messages set text = repeat('🎈', 199000) where company_id = %s returning 1", desk.id)
    shown: list[Any] = []
    cursor: dict[str, Any] = {}
    while True:
        page = listed(desk, **cursor)
        assert len(page["messages"]) == 1
        shown += page["messages"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(shown) == 3


def test_a_message_from_before_texts_were_kept(desk: Tenant) -> None:
    desk.rows("delete from sent_messages where template = 'centre_offer' and company_id = %s returning 1", desk.id)
    desk.rows(
        "update journey_actions set detail = detail - 'valid_until' where company_id = %s and detail ? 'code'"
        " returning 1",
        desk.id,
    )
    offer = listed(desk)["messages"][0]
    assert (offer["kept"], offer["text"], offer["to"], offer["allowed_by"]) == (False, None, None, None)
    assert offer["offer"]["code"].startswith("BACK-")
    assert offer["offer"]["valid_until"] is None


def test_customers_without_messages(desk: Tenant, other: Tenant) -> None:
    desk.client.put("/v1/customers/c-2", json={"name": "No journey"})
    assert desk.client.get("/v1/customers/c-2/messages").json() == {"messages": [], "next_cursor": None}
    assert desk.client.get("/v1/customers/c-3/messages").status_code == 404
    assert other.client.get("/v1/customers/c-1/messages").status_code == 404
    sender = desk.with_key(desk.new_key("events:write")[1])
    assert sender.get("/v1/customers/c-1/messages").status_code == 403
