"""Every route documents its answers as schemas, and real answers match them.

The clients of all tests in this folder check every answer, too (`answers.check_response`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from jsonschema import ValidationError  # type: ignore[import-untyped]  # ships no types

from tests.api.answers import CHECKED, JSON, PROBLEM, check, check_response, document, errors, validate
from tests.api.conftest import Served, Tenant
from tests.api.test_actions import PROFILE
from tests.api.test_duplicates import compare_all
from tests.api.test_rule_changes import start_paused
from tests.api.test_rule_previews import preview

#: maps whose keys are data: everything else names its fields
OPEN_MAPS = {("LedgerEvent", "fields"), ("TimelineEvent", "fields")}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def successes() -> set[tuple[str, str, int]]:
    """(method, path, status) of every answer with a body, other than streams and problems."""
    return {
        (method, path, int(status))
        for method, path, operation in operations()
        for status, response in operation["responses"].items()
        if status.startswith("2") and not response.get("content", {}).keys() <= {"text/event-stream"}
    }


@pytest.mark.parametrize("operation", list(operations()), ids=lambda operation: " ".join(operation[:2]))
def test_every_answer_has_a_schema(operation: tuple[str, str, dict[str, Any]]) -> None:
    assert any(status.startswith("2") for status in operation[2]["responses"])
    for status, response in operation[2]["responses"].items():
        if status == "204":
            assert "content" not in response
            continue
        for media_type, content in response["content"].items():
            if media_type in (JSON, PROBLEM):
                references = content["schema"].get("anyOf", [content["schema"]])
                assert all(reference.keys() == {"$ref"} for reference in references), status
            else:
                assert content["schema"] == {"type": "string"}


def test_objects_name_all_of_their_fields() -> None:
    """Of every schema that an answer refers to, directly or not."""
    schemas = document()["components"]["schemas"]
    pending = [r["$ref"] for _, _, operation in operations() for r in _references(operation["responses"])]
    seen = set()
    while pending:
        name = pending.pop().rpartition("/")[2]
        if name in seen:
            continue
        seen.add(name)
        schema = schemas[name]
        assert schema.get("additionalProperties") is False, name
        assert schema["description"], name
        for field, described in schema["properties"].items():
            if (name, field) not in OPEN_MAPS:
                assert not any(part.get("additionalProperties") is True for part in _parts(described)), (name, field)
        pending += [reference["$ref"] for reference in _references(schema)]
    assert len(seen) > 60


def _parts(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _parts(value)


def _references(schema: object) -> Iterator[dict[str, Any]]:
    return (part for part in _parts(schema) if isinstance(part.get("$ref"), str))


def test_examples_match_their_schemas() -> None:
    """Nulls are left out: FastAPI drops them from examples."""
    for method, path, operation in operations():
        for response in operation["responses"].values():
            for content in response.get("content", {}).values():
                if "example" in content and content["schema"] != {"type": "string"}:
                    wrong = [error for error in errors(content["example"], content["schema"]) if not _incomplete(error)]
                    assert not wrong, f"{method} {path}: {wrong}"


def _incomplete(error: ValidationError) -> bool:
    return error.validator == "required" or any(_incomplete(part) for part in error.context)


def test_undocumented_fields_are_found() -> None:
    with pytest.raises(ValidationError):
        check("GET", "/livez", 200, JSON, b'{"status": "alive", "more": 1}')
    with pytest.raises(ValidationError):
        check("GET", "/livez", 200, JSON, b"{}")
    with pytest.raises(AssertionError):
        check("GET", "/livez", 201, JSON, b"{}")


def test_answers_of_every_route_match_their_schemas(
    tenant: Tenant, gateway: Served, working: None, temporal_address: str
) -> None:
    CHECKED.clear()
    client = tenant.client
    _people_and_settings(client)
    _one_journey(tenant)
    _analytics(tenant)
    _actions_and_tasks(tenant)
    _contacts(client)
    _overrides(client)
    _rules(tenant, temporal_address)
    for path in ("call-list", "due"):
        assert client.get(f"/v1/portal/{path}").status_code == 200
    assert client.post("/v1/customers/c-1/merge?preview=1", json={"into": "nobody"}).status_code == 404
    client.put("/v1/customers/same", json={"name": "Ada Example"})
    asyncio.run(compare_all(tenant))
    (pair,) = client.get("/v1/portal/duplicates").json()["duplicates"]
    names = [customer["customer_id"] for customer in pair["customers"]]
    assert client.post("/v1/portal/duplicates/dismiss", json={"customers": names}).status_code == 200
    assert client.post("/v1/customers/same/merge", json={"into": "c-1"}).status_code == 200
    with httpx2.Client(base_url=gateway.url, event_hooks={"response": [check_response]}) as browser:
        for path in ("/livez", "/readyz", "/metrics", "/problems/conflict"):
            assert browser.get(path).status_code == 200
        secret = browser.post("/v1/session", json={"key": tenant.key}).headers["set-cookie"].partition(";")[0]
        assert browser.get("/v1/session", headers={"Cookie": secret}).status_code == 200
    assert {answer for answer in CHECKED if answer[2] < 300} == successes()


def test_the_stream_sends_documented_data(tenant: Tenant) -> None:
    described = document()["paths"]["/v1/portal/stream"]["get"]["responses"]["200"]["x-events"]
    with tenant.client.stream("GET", "/v1/portal/stream") as answer:
        lines = answer.iter_lines()
        data = json.loads(next(line for line in lines if line.startswith("data: ")).removeprefix("data: "))
    validate(data, described["ping"])
    validate({**data, "customers": ["c-1"]}, described["changed"])
    validate({**data, "customers": None}, described["changed"])


def _rules(tenant: Tenant, temporal_address: str) -> None:
    client = tenant.client
    start_paused(tenant, temporal_address, 2)
    before = client.get("/v1/stages")
    changed = before.json()
    changed["scoring"]["risk_open_tickets"] = 5
    assert client.put("/v1/stages", json=changed, headers={"If-Match": before.headers["etag"]}).status_code == 202
    restored = client.post("/v1/stages/versions/1/restore", headers={"If-Match": '"2"'}, json={"reason": "a mistake"})
    assert restored.json()["version"] == 3
    for path in ("versions", "presets", "rollouts/3"):
        assert client.get(f"/v1/stages/{path}").status_code == 200
    for command in ("pause", "continue"):
        assert client.post(f"/v1/stages/rollouts/2/{command}").status_code == 200
    preview_id = preview(tenant, {"version": 1})["id"]
    for path in ("", "/customers", "/customers.csv"):
        assert client.get(f"/v1/stages/previews/{preview_id}{path}").status_code == 200
    assert client.delete(f"/v1/stages/previews/{preview_id}").status_code == 204


def _people_and_settings(client: httpx2.Client) -> None:
    assert client.put("/v1/outreach", json={"quiet_from": "00:00", "quiet_to": "00:00"}).status_code == 200
    assert client.get("/v1/outreach").status_code == 200
    for role in ("sales", "manager"):
        assert client.post("/v1/staff", json={"name": role, "role": role}).status_code == 201
    person = client.get("/v1/staff").json()["staff"][0]
    assert client.patch(f"/v1/staff/{person['id']}", json={"email": "grace@example.com"}).status_code == 200
    template = {"subject": "Hello", "text": "Hello {{ name }} from {{ company_name }}"}
    assert client.put("/v1/templates/welcome/de", json=template).status_code == 200
    assert client.get("/v1/templates/welcome/de").status_code == 200
    assert client.get("/v1/templates").json()["templates"][0]["own"]
    assert client.post("/v1/templates/welcome/preview", json={"locale": "en"}).status_code == 200
    assert client.delete("/v1/templates/welcome/de").status_code == 204
    added = client.post("/v1/webhooks", json={"url": "https://127.0.0.1:9/hooks"})
    assert added.status_code == 201, added.text
    endpoint = f"/v1/webhooks/{added.json()['id']}"
    assert client.patch(endpoint, json={"rotate_secret": True, "is_active": False}).json()["rotating"]
    assert client.get("/v1/webhooks").json()["webhooks"][0]["disabled_at"]
    assert client.get("/v1/stages").status_code == 200


def _one_journey(tenant: Tenant) -> None:
    client = tenant.client
    assert client.put("/v1/customers/c-1", json=PROFILE).status_code == 200
    day = datetime.now(UTC) - timedelta(days=100)
    visit = {"type": "appointment.completed", "amount": "12.50"}
    tenant.live("c-1", {"duration_seconds": 187, "type": "call.received"})
    tenant.live("c-2", {**visit, "occurred_at": day.isoformat()}, {"type": "support_ticket.opened", "ticket_id": "t"})
    event = tenant.event(customer_id="c-1")
    assert client.post("/v1/events", json={"events": [event, {"id": 7}]}).json()["rejected"]
    assert client.post("/v1/events?wait=10", json={**event, "duration_seconds": 1}).json()["outcomes"][0]["reason"]
    tenant.settled("c-1")
    for customer in ("c-1", "c-2"):
        journey = client.get(f"/v1/portal/customers/{customer}/journey").json()
        assert journey["transitions"]
        assert journey["events"]
        assert client.get(f"/v1/customers/{customer}").status_code == 200
        assert client.get(f"/v1/customers/{customer}/explain").json()["deadlines"]
        assert client.post(f"/v1/customers/{customer}/what-if", json={}).json()["without"]["after"]
        assert client.get(f"/v1/portal/customers/{customer}/timeline").json()["timeline"]
    assert client.get("/v1/portal/relationships?count=true&limit=1").json()["total"] == 2
    url, named = "/v1/customers/c-1/retractions", {"retracts": event["id"]}
    assert client.get(f"{url}/preview", params=named).status_code == 200
    assert client.post(url, json=named).status_code == 200
    assert client.put("/v1/customers/c-1/notes", json={"notes": "Fridays"}).status_code == 200
    assert client.put("/v1/customers/c-1/notes", json={"notes": "No", "previous": "Mondays"}).status_code == 409


def _analytics(tenant: Tenant) -> None:
    for path in ("customer-journey", "sankey", "stage-metrics", "churn-predictions", "funnel", "revenue"):
        assert tenant.client.get(f"/v1/portal/analytics/{path}").status_code == 200
    for number, fitted in enumerate((None, '{"r": 0.24, "alpha": 4.4, "a": 0.8, "b": 2.4}'), 1):
        tenant.rows(
            "insert into return_models (company_id, version, method, history_to, customers, returned_customers,"
            " parameters, log_likelihood, reason) values (%s, %s, 'BG/NBD', current_date, 4, 1, %s, %s, %s)"
            " returning id",
            *(tenant.id, number, fitted, fitted and -1.5, None if fitted else "too little history"),
        )
        found = tenant.client.get("/v1/portal/analytics/churn-predictions").json()
        assert [bool(row["inputs"]) for row in found["predictions"]] == [fitted is not None]


def _actions_and_tasks(tenant: Tenant) -> None:
    client = tenant.client
    requested = client.post("/v1/customers/c-1/actions", json={"type": "call", "note": "Opening hours?"})
    assert requested.status_code == 202
    tenant.settled("c-1")
    assert client.put("/v1/customers/c-1", json={**PROFILE, "consent": {"email": False}}).status_code == 200
    offer = client.post("/v1/customers/c-1/actions", json={"type": "offer"}).json()["action"]["id"]
    tenant.settled("c-1")
    assert client.get("/v1/customers/c-1/messages/preview?type=offer").json()["withheld"]
    assert client.get("/v1/customers/c-1/messages").json()["messages"]
    assert client.post(f"/v1/actions/{offer}/retry").status_code == 202
    tenant.settled("c-1")
    delayed = client.post("/v1/customers/c-1/actions", json={"type": "offer", "delay_seconds": 600})
    assert client.post(f"/v1/actions/{delayed.json()['action']['id']}/cancel").status_code == 200
    assert client.post("/v1/customers/c-1/actions", json={"type": "call"}).json()["task"]
    assert client.get("/v1/portal/actions?limit=1").json()["counts"]
    problems = client.get("/v1/portal/problems").json()
    assert problems["actions"]
    assert client.post("/v1/portal/problems/retry", json={"action_ids": [offer]}).status_code == 200
    staff = client.get("/v1/portal/staff").json()["staff"]
    task = client.get("/v1/portal/tasks").json()["tasks"][0]["id"]
    assert client.post(f"/v1/portal/tasks/{task}/assign", json={"staff_id": staff[0]["id"]}).status_code == 200
    assert client.post(f"/v1/portal/tasks/{task}/done", json={"note": "Reached"}).status_code == 200
    assert client.post(f"/v1/portal/tasks/{task}/assign", json={"staff_id": None}).status_code == 409
    assert client.post(f"/v1/portal/tasks/{task}/reopen").status_code == 200
    assert client.patch(f"/v1/portal/tasks/{task}", json={"due_at": "2199-01-01T00:00:00Z"}).status_code == 200
    assert client.post(f"/v1/portal/tasks/{task}/comments", json={"text": "Reached"}).status_code == 200
    question = _attendance_question(tenant)
    assert client.post(f"/v1/portal/tasks/{question}/answer", json={"outcome": "missed"}).status_code == 200
    period = {"from": "2020-01-01T00:00:00Z", "to": "2200-01-01T00:00:00Z"}
    (missed,) = client.get("/v1/portal/appointments", params=period).json()["appointments"]
    path = f"/v1/customers/{missed['customer_id']}/appointments/{missed['key']}/answer"
    assert client.post(path, json={"outcome": "completed"}).status_code == 200


def _attendance_question(tenant: Tenant) -> int:
    """The id of the task that asks whether a customer came, whose booked time and grace have passed."""
    booked = {"type": "appointment.requested", "scheduled_for": (datetime.now(UTC) - timedelta(hours=49)).isoformat()}
    tenant.live("c-3", {**booked, "occurred_at": (datetime.now(UTC) - timedelta(days=5)).isoformat()})
    until = time.monotonic() + 20
    while not (tasks := tenant.client.get("/v1/portal/tasks", params={"kind": "attendance"}).json()["tasks"]):
        assert time.monotonic() < until, "no task asks whether the customer came"
        time.sleep(0.1)
    return int(tasks[0]["id"])


def _in_a_week() -> str:
    return (datetime.now(UTC) + timedelta(days=7)).isoformat()


def _contacts(client: httpx2.Client) -> None:
    made = {"channel": "phone", "outcome": "booked", "appointment": {"scheduled_for": _in_a_week()}}
    contact = client.post("/v1/customers/c-1/contacts", json={**made, "note": "Asked for Mara"}).json()["contact"]
    assert client.get("/v1/portal/customers/c-1/timeline?kind=contact").json()["timeline"]
    assert client.delete(f"/v1/customers/c-1/contacts/{contact['id']}").status_code == 200
    assert client.delete("/v1/customers/c-1/do-not-contact").status_code == 200


def _overrides(client: httpx2.Client) -> None:
    change = {"stage": "vip", "reason": "Contract", "hold_until": "2199-01-01T00:00:00Z"}
    assert client.post("/v1/customers/c-1/stage", json=change).json()["held"]
    assert client.get("/v1/customers/c-1/explain").json()["hold"]
    assert client.delete("/v1/customers/c-1/hold").status_code == 200
