"""Administration: outreach settings, staff and webhook endpoints."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from db.outreach.webhook_endpoints import MAX_ENDPOINTS
from journey.outreach import Outreach
from tests.api.conftest import Tenant
from tests.support.outside import HttpServer


def audited(tenant: Tenant) -> list[tuple[str, str]]:
    ((key_id,),) = tenant.rows("select id from api_keys where company_id = %s", tenant.id)
    rows = tenant.rows("select actor, action, subject from audit_log where company_id = %s order by id", tenant.id)
    assert {actor for actor, _, _ in rows} <= {f"key/{key_id}"}
    return [(action, subject) for _, action, subject in rows]


# -- outreach settings ------------------------------------------------------------------------------------------------


def test_outreach_is_replaced(tenant: Tenant) -> None:
    defaults = msgspec.json.decode(msgspec.json.encode(Outreach()))
    assert tenant.client.get("/v1/outreach").json() == defaults
    tenant.rows("""update companies set settings = '{"scoring": {"x": 1}}' where id = %s returning 1""", tenant.id)
    given = {"time_zone": "Asia/Kolkata", "quiet_from": "21:30", "campaign": [{"type": "call", "day": 2}]}
    put = tenant.client.put("/v1/outreach", json=given)
    assert (put.status_code, put.json()) == (200, {**defaults, **given})
    assert tenant.client.get("/v1/outreach").json() == {**defaults, **given}
    assert tenant.client.put("/v1/outreach", json={"cap_days": 9}).json() == {**defaults, "cap_days": 9}
    ((settings,),) = tenant.rows("select settings from companies where id = %s", tenant.id)
    assert settings == {"scoring": {"x": 1}, "outreach": {"cap_days": 9}}
    assert audited(tenant) == [("outreach.put", f"company/{tenant.id}")] * 2


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"quiet_from": "8 pm"}, "quiet_from"),
        ({"cap_messages": -1}, "cap_messages"),
        ({"cap_messages": True}, "cap_messages"),
        ({"cap_messages": 10**30}, "cap_messages"),
        ({"sender_name": "a\nBcc: b@example.com"}, "sender_name"),
        ({"sender_name": "\ud800"}, "sender_name"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"campaign": [{"type": "email", "day": 0}, {"type": "pigeon", "day": 1}]}, "campaign[1].type"),
        ({"campaign": [{"type": "email", "day": 3}, {"type": "sms", "day": 1}]}, "campaign[1].day"),
        ({"quiet_form": "20:00"}, "quiet_form"),
    ],
)
def test_bad_outreach_names_the_field(tenant: Tenant, settings: dict[str, Any], field: str) -> None:
    as_json = {"Content-Type": "application/json"}  # and every letter escaped, so that any can be sent
    answer = tenant.client.put("/v1/outreach", content=json.dumps(settings), headers=as_json)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert error["problem"]
    assert tenant.rows("select settings -> 'outreach' from companies where id = %s", tenant.id) == [(None,)]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"cap_days": NaN}', b"[" * 100_000])
def test_malformed_outreach(tenant: Tenant, raw: bytes) -> None:
    answer = tenant.client.put("/v1/outreach", content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


# -- staff ------------------------------------------------------------------------------------------------------------


def test_staff_are_added_changed_and_deactivated(tenant: Tenant) -> None:
    grace = {"name": "Grace Exämple", "role": "manager", "email": "grace@example.com"}
    added = tenant.client.post("/v1/staff", json=grace)
    assert added.status_code == 201
    shown = added.json()
    assert {name: shown[name] for name in grace} == grace
    assert (shown["is_active"], shown["customers"], shown["open_tasks"]) == (True, 0, 0)
    path = f"/v1/staff/{shown['id']}"
    changed = tenant.client.patch(path, json={"role": "sales", "email": None})
    assert (changed.status_code, changed.json()) == (200, {**shown, "role": "sales", "email": None})
    assert tenant.client.patch(path, json={}).json() == changed.json()
    off = tenant.client.patch(path, json={"is_active": False}).json()
    assert tenant.client.get("/v1/staff").json() == {"staff": [off]}
    subject = f"staff/{shown['id']}"
    assert audited(tenant) == [("staff.add", subject), ("staff.change", subject), ("staff.change", subject)]
    logged = tenant.rows("select details::text from audit_log where company_id = %s", tenant.id)
    assert "Grace" not in str(logged)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", None),
        ("name", "a\nb"),
        ("name", "x" * 201),
        ("role", "boss"),
        ("role", None),
        ("email", "nobody"),
        ("is_active", "yes"),
        ("id", 7),
    ],
)
def test_bad_staff(tenant: Tenant, field: str, value: object) -> None:
    body = {"name": "Grace", "role": "manager", field: value}
    added = tenant.client.post("/v1/staff", json=body)
    assert (added.status_code, added.json()["errors"][0]["field"]) == (422, field)
    changed = tenant.client.patch("/v1/staff/1", json={field: value})
    assert (changed.status_code, changed.json()["errors"][0]["field"]) == (422, field)
    assert tenant.client.get("/v1/staff").json() == {"staff": []}


def test_unknown_staff_is_404(tenant: Tenant) -> None:
    assert tenant.client.patch("/v1/staff/4711", json={"is_active": False}).status_code == 404


# -- webhooks ---------------------------------------------------------------------------------------------------------


def secrets(tenant: Tenant) -> tuple[str, str | None]:
    ((secret, previous),) = tenant.rows(
        "select secret, previous_secret from webhook_endpoints where company_id = %s", tenant.id
    )
    return secret, previous


def test_a_secret_is_shown_once_and_rotated(tenant: Tenant) -> None:
    added = tenant.client.post("/v1/webhooks", json={"url": "https://crm.example.com/hook"}).json()
    first, path = added.pop("secret"), f"/v1/webhooks/{added['id']}"
    assert first.startswith("whsec_")
    assert tenant.client.get("/v1/webhooks").json() == {"webhooks": [added]}
    rotated = tenant.client.patch(path, json={"rotate_secret": True}).json()
    assert (rotated["rotating"], secrets(tenant)) == (True, (rotated["secret"], first))
    again = tenant.client.patch(path, json={"rotate_secret": True, "is_active": False})
    assert (again.status_code, again.json()["type"]) == (409, "https://perdure.example/problems/conflict")
    assert tenant.client.get("/v1/webhooks").json()["webhooks"][0]["is_active"]  # all of it or nothing
    finished = tenant.client.patch(path, json={"finish_rotation": True})
    assert finished.json() == added
    assert secrets(tenant) == (rotated["secret"], None)
    both = tenant.client.patch(path, json={"finish_rotation": True, "rotate_secret": True}).json()
    assert secrets(tenant) == (both["secret"], rotated["secret"])
    text = tenant.client.get("/v1/webhooks").text
    assert "whsec_" not in text


def test_an_endpoint_is_disabled_and_enabled(tenant: Tenant) -> None:
    added = tenant.client.post("/v1/webhooks", json={"url": "https://crm.example.com/hook"}).json()
    path = f"/v1/webhooks/{added['id']}"
    off = tenant.client.patch(path, json={"is_active": False}).json()
    assert (off["is_active"], off["disabled_reason"]) == (False, "disabled manually")
    assert off["disabled_at"]
    assert tenant.client.patch(path, json={"is_active": False}).json() == off
    on = tenant.client.patch(path, json={"is_active": True}).json()
    assert (on["is_active"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)
    assert tenant.client.delete(path).status_code == 204
    assert tenant.client.get("/v1/webhooks").json() == {"webhooks": []}
    for answer in (tenant.client.delete(path), tenant.client.patch(path, json={"rotate_secret": True})):
        assert answer.status_code == 404
    verbs = [action for action, _ in audited(tenant)]
    assert verbs == ["webhook.add", "webhook.disable", "webhook.disable", "webhook.enable", "webhook.remove"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "crm",
        "http://crm.example.com/hook",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://localhost/hook",
        "https://user:password@crm.example.com/",
        "ftp://crm.example.com/",
        "https://crm.example.com/\n",
        "https://crm.example.com:65536/hook",
        "https://crm.example.com:0/hook",
        "https://127.0.0.1:65536/hook",
        "https://" + "x" * 2000 + ".example.com",
        None,
        7,
    ],
)
def test_invalid_endpoints(tenant: Tenant, url: object) -> None:
    answer = tenant.client.post("/v1/webhooks", json={"url": url})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "url")
    assert tenant.client.get("/v1/webhooks").json() == {"webhooks": []}


def test_urls_are_unique_and_limited(tenant: Tenant) -> None:
    for number in range(MAX_ENDPOINTS):
        assert tenant.client.post("/v1/webhooks", json={"url": f"https://crm.example.com/{number}"}).status_code == 201
    for url, said in (
        ("https://crm.example.com/3", "another endpoint has this URL"),
        ("https://x.example.com/", "most 10"),
    ):
        answer = tenant.client.post("/v1/webhooks", json={"url": url})
        assert (answer.status_code, said in answer.json()["detail"]) == (422, True)


def test_an_endpoint_is_notified_of_transitions(tenant: Tenant, working: None) -> None:
    with HttpServer() as crm:
        added = tenant.client.post("/v1/webhooks", json={"url": f"{crm.url}/hook"}).json()
        assert added["is_active"]
        rotated = tenant.client.patch(f"/v1/webhooks/{added['id']}", json={"rotate_secret": True}).json()
        tenant.live("c-1", {})
        told = [action for action in tenant.settled("c-1") if action["action"] == "stage_changed"]
        assert {action["status"] for action in told} == {"succeeded"}
        assert {tuple(action["detail"]["told"]) for action in told} == {(added["id"],)}
        for request in crm.received:
            for secret in (added["secret"], rotated["secret"]):
                assert request.verified(secret)["data"]["customer_id"] == "c-1"
        assert len(crm.received) == len(told) > 0
