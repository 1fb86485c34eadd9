"""Actions: requested, listed and retried."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.conftest import Tenant
from tests.api.test_reading import forged

PROFILE = {
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "+49 30 1234567",
    "consent": {"email": True, "sms": True},
}
ALWAYS = {"quiet_from": "00:00", "quiet_to": "00:00"}  # no quiet hours, at whatever time the tests run


@pytest.fixture
def desk(tenant: Tenant, working: None) -> Tenant:
    """A company without quiet hours, with a manager and the lead c-1, whose actions are done."""
    assert tenant.client.put("/v1/outreach", json=ALWAYS).status_code == 200
    person = {"name": "Grace Example", "role": "manager", "email": "grace@example.com"}
    assert tenant.client.post("/v1/staff", json=person).status_code == 201
    assert tenant.client.put("/v1/customers/c-1", json=PROFILE).status_code == 200
    tenant.live("c-1", {})
    tenant.settled("c-1")
    return tenant


def request(tenant: Tenant, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = tenant.client.post("/v1/customers/c-1/actions", json=body, headers=headers)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    assert found["customer_id"] == "c-1"
    action: dict[str, Any] = found["action"]
    return action


def outcome(tenant: Tenant, action_id: int) -> dict[str, Any]:
    (found,) = [action for action in tenant.settled("c-1") if action["id"] == action_id]
    return found


def test_a_call_becomes_a_task(desk: Tenant) -> None:
    asked = request(desk, {"type": "call", "note": "Opening hours?"})
    assert (asked["action"].partition(".")[0], asked["stage"]) == ("centre_call", "lead")
    ((key_id,),) = desk.rows("select id from api_keys where company_id = %s", desk.id)
    # the worker may have added its results already
    assert (asked["performed_by"], asked["detail"]["note"]) == (key_id, "Opening hours?")
    done = outcome(desk, asked["id"])
    assert (done["status"], done["channel"], done["reason"]) == ("succeeded", "task", None)
    assert [attempt["outcome"] for attempt in done["latest_attempts"]] == ["succeeded"]
    (task,) = desk.client.get("/v1/portal/tasks?kind=personal_call").json()["tasks"]
    assert (task["id"], task["action_id"], task["note"]) == (done["detail"]["task"], asked["id"], "Opening hours?")
    assert (task["customer_name"], task["staff_name"], task["overdue"]) == ("Ada Example", "Grace Example", False)


def test_an_offer_has_a_code(desk: Tenant) -> None:
    done = outcome(desk, request(desk, {"type": "offer"})["id"])
    assert (done["status"], done["channel"], done["marketing"]) == ("succeeded", "email", True)
    assert done["detail"]["code"].startswith("BACK-")


def test_an_action_without_consent_is_suppressed_and_can_be_retried(desk: Tenant) -> None:
    desk.client.put("/v1/customers/c-1", json={**PROFILE, "consent": {"email": False}})
    asked = request(desk, {"type": "email"})
    kept_back = outcome(desk, asked["id"])
    assert (kept_back["status"], kept_back["reason"]) == ("suppressed", "no consent to e-mail")
    desk.rows(
        "update customers set consent = '{\"email\": true}' where company_id = %s and external_id = 'c-1' returning 1",
        desk.id,
    )
    again = desk.client.post(f"/v1/actions/{asked['id']}/retry")
    assert (again.status_code, again.json()["customer_id"], again.json()["action"]["id"]) == (202, "c-1", asked["id"])
    done = outcome(desk, asked["id"])
    assert (done["status"], done["attempts"]) == ("succeeded", 1)
    assert [attempt["outcome"] for attempt in done["latest_attempts"]] == ["succeeded", "suppressed"]


@pytest.mark.parametrize("profile_first", [True, False])
def test_an_event_and_a_profile_in_the_same_second(desk: Tenant, profile_first: bool) -> None:
    """The welcome mail is sent in both orders; until the profile comes, everybody sees that it waits for it."""
    if profile_first:
        desk.client.put("/v1/customers/new", json=PROFILE)
        desk.live("new", {"type": "call.received", "duration_seconds": 120})
    else:
        desk.live("new", {"type": "call.received", "duration_seconds": 120})
        (welcome,) = [a for a in desk.settled("new") if a["action"] == "send_welcome_email"]
        assert (welcome["status"], welcome["waits_for"]) == ("waiting", "profile")
        assert welcome["reason"] == "no e-mail address"
        (shown,) = desk.client.get("/v1/customers/new/explain").json()["held_back"]
        assert shown["sentence"].startswith("send_welcome_email waits for the customer's profile, until 2")
        assert shown["sentence"].endswith(" UTC: no e-mail address")
        timeline = desk.client.get("/v1/portal/customers/new/timeline?kind=action").json()["timeline"]
        journey = desk.client.get("/v1/portal/customers/new/journey").json()
        for listed in (timeline, journey["actions"]):
            (entry,) = [a for a in listed if a["action"] == "send_welcome_email"]
            assert (entry["status"], entry["waits_for"], entry["reason"]) == ("waiting", "profile", "no e-mail address")
        desk.client.put("/v1/customers/new", json=PROFILE)
    (welcome,) = wait_until_sent(desk, "new", "send_welcome_email")
    assert (welcome["attempts"], welcome["waits_for"], welcome["reason"]) == (1, None, None)
    assert desk.client.get("/v1/customers/new/explain").json()["held_back"] == []


def wait_until_sent(tenant: Tenant, customer_id: str, action: str) -> list[dict[str, Any]]:
    until = time.monotonic() + 20
    while True:
        found = [a for a in tenant.settled(customer_id) if a["action"] == action]
        if all(a["status"] == "succeeded" for a in found):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.1)


def test_a_succeeded_action_cannot_be_retried(desk: Tenant) -> None:
    done = outcome(desk, request(desk, {"type": "call"})["id"])
    answer = desk.client.post(f"/v1/actions/{done['id']}/retry")
    assert (answer.status_code, answer.json()["type"]) == (409, "https://perdure.example/problems/conflict")
    assert answer.json()["errors"] == [
        {
            "field": "action_id",
            "value": str(done["id"]),
            "problem": f"action {done['id']} is succeeded; only failed or suppressed actions can be retried",
        }
    ]
    assert outcome(desk, done["id"])["attempts"] == 1


def test_an_unknown_action_is_404(desk: Tenant) -> None:
    assert desk.client.post(f"/v1/actions/{(1 << 63) - 1}/retry").status_code == 404
    assert desk.client.post(f"/v1/actions/{1 << 63}/retry").status_code == 422
    assert desk.client.post("/v1/customers/nobody/actions", json={"type": "call"}).status_code == 404


def test_a_double_click_counts_once(desk: Tenant) -> None:
    first = request(desk, {"type": "email"}, **{"Idempotency-Key": "click-1"})
    assert request(desk, {"type": "email"}, **{"Idempotency-Key": "click-1"})["id"] == first["id"]
    others = {
        request(desk, {"type": "email"}, **{"Idempotency-Key": "click-2"})["id"],
        request(desk, {"type": "email"})["id"],
    }
    assert len(others | {first["id"]}) == 3


@pytest.mark.parametrize("key", ["", "x" * 65, "a b"])
def test_bad_idempotency_keys(tenant: Tenant, key: str) -> None:
    answer = tenant.client.post("/v1/customers/c-1/actions", json={"type": "call"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "idempotency-key")


@pytest.mark.parametrize(
    ("field", "value"),
    [("type", "letter"), ("type", None), ("note", ""), ("note", "x" * 1001), ("note", "a\x00"), ("until", "now")],
)
def test_bad_requests(tenant: Tenant, field: str, value: object) -> None:
    answer = tenant.client.post("/v1/customers/c-1/actions", json={"type": "call", field: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


@pytest.fixture
def busy(tenant: Tenant) -> Tenant:
    """Two customers with 30 actions: ten failed, the rest succeeded; each with seven attempts."""
    tenant.rows(
        """
        with company as (select %s::bigint as id), made as (
            insert into customers (company_id, external_id, name)
            select company.id, x, y from company, (values ('p-0', 'Ada'), ('p-1', null)) v (x, y) returning *
        ), stand as (
            insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, version,
                                                run_id, decided_at, state)
            select company_id, id, 'lead', now(), 1, 'r', now(), '{}' from made order by external_id returning *
        ), acted as (
            insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, status,
                                         last_error, detail, created_at, due_at)
            select company_id, s.id, 'k' || n,
                   case n %% 2 when 0 then 'send_onboarding_sequence.2' else 'stage_changed' end, 'lead', 2,
                   case n %% 3 when 0 then 'failed' else 'succeeded' end, 'E' || n,
                   '{"code": "BACK-1", "token": "hush"}', now() - n * interval '1 hour', now()
              from generate_series(0, 29) n
              join (select *, row_number() over (order by id) - 1 as place from stand) s on s.place = n %% 2
            returning *
        )
        insert into action_attempts (company_id, action_id, attempt, outcome, error)
        select company_id, id, n, 'failed', 'E' || n from acted, generate_series(1, 7) n order by n returning 1
        """,
        tenant.id,
    )
    return tenant


def pages(tenant: Tenant, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        found = tenant.client.get("/v1/portal/actions", params={**query, **cursor, "limit": 4}).json()
        assert (found["counts"] is None) is bool(cursor)
        rows += found["actions"]
        if found["next_cursor"] is None:
            return rows
        assert len(found["actions"]) == 4
        cursor = {"cursor": found["next_cursor"]}


def test_pages_show_each_action_once_newest_first(busy: Tenant) -> None:
    rows = pages(busy)
    ids = [row["id"] for row in rows]
    assert (len(ids), ids) == (30, sorted(set(ids), reverse=True))
    newest = rows[0]
    assert [attempt["attempt"] for attempt in newest["latest_attempts"]] == [7, 6, 5, 4, 3]
    assert newest["detail"] == {"code": "BACK-1"}
    assert "hush" not in str(rows)


def test_filters_and_counts(busy: Tenant) -> None:
    assert {row["status"] for row in pages(busy, status="failed")} == {"failed"}
    assert len(pages(busy, status=["failed", "succeeded"])) == 30
    assert len(pages(busy, status=["failed", "waiting"], customer_id="p-0")) == 5
    assert {row["customer_name"] for row in pages(busy, customer_id="p-0")} == {"Ada"}
    assert len(pages(busy, action="send_onboarding_sequence")) == 15
    assert len(pages(busy, action="send_onboarding_sequence.2")) == 15
    assert pages(busy, action="send_onboarding_sequence.3") == pages(busy, customer_id="p-9") == []
    counts = busy.client.get("/v1/portal/actions?status=waiting").json()["counts"]
    assert counts == {"failed": 10, "succeeded": 20}
    counts = busy.client.get("/v1/portal/actions?customer_id=p-0&action=stage_changed").json()["counts"]
    assert counts == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "done"),
        ("customer_id", "a b"),
        ("action", "DROP TABLE"),
        ("action", "a%"),
        ("limit", 0),
        ("limit", 201),
        ("cursor", "rubbish"),
        ("cursor", forged("actions")),
        ("cursor", forged("tasks", 5)),
        ("cursor", forged("actions", "5")),
        ("cursor", forged("actions", 1 << 63)),
    ],
)
def test_bad_queries(tenant: Tenant, name: str, value: object) -> None:
    answer = tenant.client.get("/v1/portal/actions", params={name: str(value)})
    assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".")[0]) == (422, name)


def test_an_empty_company_has_an_empty_list(tenant: Tenant) -> None:
    assert tenant.client.get("/v1/portal/actions").json() == {"actions": [], "counts": {}, "next_cursor": None}
