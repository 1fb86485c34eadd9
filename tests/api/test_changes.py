"""Manual changes of a journey, and customer profiles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from temporalio.client import Client

from api import journey_commands
from contracts import names
from contracts.messages import JourneyStart
from tests.api.conftest import Tenant


@pytest.fixture
def journey(tenant: Tenant, working: None) -> Tenant:
    """A company with the journey c-1, a lead."""
    assert tenant.client.post("/v1/events?wait=10", json=tenant.event()).json()["outcomes"][0]["outcome"] == "applied"
    return tenant


def shown(tenant: Tenant) -> dict[str, Any]:
    found: dict[str, Any] = tenant.client.get("/v1/portal/customers/c-1/journey").json()
    return found


def test_a_manual_stage_is_committed_before_the_response(journey: Tenant) -> None:
    answer = journey.client.post("/v1/customers/c-1/stage", json={"stage": "vip", "reason": "Yearly contract ✓"})
    assert answer.status_code == 200
    assert (answer.json()["customer_id"], answer.json()["stage"], answer.json()["held"]) == ("c-1", "vip", False)
    newest = shown(journey)["transitions"][0]
    ((key_id,),) = journey.rows("select id from api_keys where company_id = %s", journey.id)
    assert (newest["to_stage"], newest["trigger_type"], newest["trigger_event"]) == ("vip", "manual", "stage_set")
    assert (newest["notes"], newest["performed_by"]) == ("Yearly contract ✓", key_id)


def test_a_hold_lasts_until_it_is_released(journey: Tenant) -> None:
    until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    change = {"stage": "prospect", "reason": "Wrong number", "hold_until": until}
    held = journey.client.post("/v1/customers/c-1/stage", json=change).json()
    assert (held["stage"], held["held"]) == ("prospect", True)
    assert datetime.fromisoformat(held["hold_until"]) == datetime.fromisoformat(until)
    visit = journey.event(type="appointment.completed", amount="5000")
    assert journey.client.post("/v1/events?wait=10", json=visit).json()["outcomes"][0]["transitions"] == []
    assert (shown(journey)["journey"]["current_stage"], shown(journey)["journey"]["held"]) == ("prospect", True)
    released = journey.client.delete("/v1/customers/c-1/hold")
    assert (released.status_code, released.json()["held"]) == (200, False)


def test_an_unknown_stage_names_those_that_are_allowed(journey: Tenant) -> None:
    answer = journey.client.post("/v1/customers/c-1/stage", json={"stage": "champion", "reason": "Because"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["problem"] == "one of prospect, lead, customer, regular, vip, at_risk, churned"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stage", None),
        ("stage", 7),
        ("reason", ""),
        ("reason", "  "),
        ("reason", "x" * 1001),
        ("reason", "a\x00b"),
        ("reason", None),
        ("hold", "perhaps"),
        ("hold_until", "2020-01-01T00:00:00Z"),
        ("hold_until", "2099-01-01T00:00:00"),
        ("hold_until", "9999-12-31T23:59:59-12:00"),
        ("hold_until", "soon"),
        ("until", "2099-01-01T00:00:00Z"),
    ],
)
def test_bad_changes(tenant: Tenant, field: str, value: object) -> None:
    change = {"stage": "vip", "reason": "Because", field: value}
    answer = tenant.client.post("/v1/customers/c-1/stage", json=change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_no_journey_is_404(tenant: Tenant) -> None:
    change = {"stage": "vip", "reason": "Because"}
    assert tenant.client.post("/v1/customers/nobody/stage", json=change).status_code == 404
    assert tenant.client.delete("/v1/customers/nobody/hold").status_code == 404


async def test_503_when_no_worker_answers(
    tenant: Tenant, temporal_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journey_commands, "ANSWER_LIMIT", 0.5)
    client = await Client.connect(temporal_address)
    start = JourneyStart(tenant.id, "c-1")
    await client.start_workflow(names.JOURNEY, start, id=start.workflow_id, task_queue="nobody works here")
    answer = tenant.client.post("/v1/customers/c-1/stage", json={"stage": "vip", "reason": "Because"})
    assert (answer.status_code, answer.json()["part"]) == (503, "worker")
    assert int(answer.headers["retry-after"]) > 0


PROFILE = {
    "name": "Ada Exämple",
    "email": "ada+x@example.com",
    "phone": "+49 30 1234567",
    "time_zone": "Europe/Berlin",
    "locale": "de-DE",
    "consent": {"email": True, "sms": False},
}


def test_a_profile_is_replaced(tenant: Tenant) -> None:
    first = tenant.client.put("/v1/customers/ada@example", json=PROFILE)
    assert first.status_code == 200
    assert {key: first.json()[key] for key in PROFILE} == PROFILE
    assert first.json()["customer_id"] == "ada@example"
    second = tenant.client.put("/v1/customers/ada@example", json={"name": "Ada"}).json()
    assert (second["name"], second["email"], second["consent"]) == ("Ada", None, {})
    assert second["created_at"] == first.json()["created_at"]


@pytest.mark.parametrize("name", ["علی\u200cرضا", "👨\u200d👩\u200d👧"])
def test_a_name_may_have_joiners(tenant: Tenant, name: str) -> None:
    answer = tenant.client.put("/v1/customers/c-1", json={**PROFILE, "name": name})
    assert (answer.status_code, answer.json()["name"]) == (200, name)


def test_a_no_break_space_is_stored_as_a_space(tenant: Tenant) -> None:
    answer = tenant.client.put("/v1/customers/c-1", json={**PROFILE, "name": "Anne\u00a0Marie"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Anne Marie")


def test_a_locale_is_stored_in_its_normal_form(tenant: Tenant) -> None:
    answer = tenant.client.put("/v1/customers/c-1", json={**PROFILE, "locale": "DE"})
    assert (answer.status_code, answer.json()["locale"]) == (200, "de")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\x00"),
        ("name", 5),
        ("email", "ada"),
        ("email", "a@b"),
        ("email", "a b@example.com"),
        ("email", ".ada@example"),
        ("email", f"ada@{'ü' * 60}.example"),
        ("email", "ada@☃.example"),
        ("email", "a@@example.com"),
        ("email", "a@example..com"),
        ("email", "a" * 250 + "@example.com"),
        ("email", "a\x00@example.com"),
        ("phone", ""),
        ("phone", "call me"),
        ("phone", "12"),
        ("phone", "+999 12345"),
        ("phone", "+49 30\x00123"),
        ("phone", "1" * 61),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", ""),
        *(("time_zone", name) for name in ("localtime", "posixrules", "Factory", "right/UTC")),
        ("locale", "german"),
        ("locale", "de_DE"),
        ("consent", {"email": "yes"}),
        ("consent", {"E-MAIL": True}),
        ("consent", {"a\x00": True}),
        ("consent", {f"c{n}": True for n in range(21)}),
        ("consent", ["email"]),
        ("nickname", "Addi"),
    ],
)
def test_bad_profiles(tenant: Tenant, field: str, value: object) -> None:
    answer = tenant.client.put("/v1/customers/c-1", json={**PROFILE, field: value})
    assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".")[0]) == (422, field)


@pytest.mark.parametrize(
    ("country", "phone", "e164"),
    [
        (None, "(555) 010-1234", None),
        ("US", "(555) 010-1234", "+15550101234"),
        ("DE", "030\u00a01234567", "+49301234567"),
        ("DE", "\u202a+44\u00a020\u00a07946\u00a00958\u202c", "+442079460958"),
        (None, "+49 30 1234567 ext. 5", "+49301234567"),
    ],
)
def test_a_phone_number_is_stored_as_given_and_in_e164(
    tenant: Tenant, country: str | None, phone: str, e164: str | None
) -> None:
    country_settings = orjson.dumps({"country": country}).decode()
    tenant.rows("update companies set settings = %s where id = %s returning 1", country_settings, tenant.id)
    answer = tenant.client.put("/v1/customers/c-1", json={"phone": phone})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["phone"], answer.json()["phone_e164"]) == (phone, e164)


def test_an_invalid_phone_number_is_explained_in_words(tenant: Tenant) -> None:
    answer = tenant.client.put("/v1/customers/c-1", json={"phone": "call me"})
    [error] = answer.json()["errors"]
    assert (error["field"], error["value"]) == ("phone", "call me")
    assert error["problem"].startswith("a phone number: digits, also with spaces")
    assert "[0-9]" not in answer.text


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"name": "\\ud800"}', b'{"consent": {"a": NaN}}', b"[" * 100_000]
)
@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/customers/c-1"), ("POST", "/v1/customers/c-1/stage")])
def test_malformed_bodies(tenant: Tenant, method: str, path: str, raw: bytes) -> None:
    answer = tenant.client.request(method, path, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), [("PUT", "/v1/customers/c-1"), ("POST", "/v1/customers/c-1/stage")])
def test_bodies_that_are_too_long_or_not_json(tenant: Tenant, method: str, path: str) -> None:
    answer = tenant.client.request(method, path, json={"name": "x" * 2_000_000})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    answer = tenant.client.request(method, path, content=b"a=b", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


@pytest.mark.parametrize("customer_id", ["a%20b", "x" * 65, "%00", "%F0%9F%98%80", "a%0A", "%2E", "%2E%2E"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/customers/{}", PROFILE),
        ("POST", "/v1/customers/{}/stage", {"stage": "vip", "reason": "Because"}),
        ("DELETE", "/v1/customers/{}/hold", None),
    ],
)
def test_malformed_customer_ids(tenant: Tenant, method: str, path: str, body: Any, customer_id: str) -> None:
    answer = tenant.client.request(method, path.format(customer_id), json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "customer_id")
