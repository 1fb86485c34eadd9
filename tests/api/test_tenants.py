"""Tenant isolation: on every route, company A neither sees nor changes anything of company B."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journey.appointments import appointment_key
from journey.presets import DEFAULT_STAGES
from tests.api.conftest import Tenant
from tests.api.test_auth import GUARDED, PARTS, ask, method, named

SECRET = "SECRET-OF-B"
CUSTOMER = "b-secret-1"

#: a body that each route would take; a route without one here gets none
BODIES: dict[str, dict[str, Any]] = {
    "/v1/customers/{customer_id}": {"name": "of A"},
    "/v1/customers/{customer_id}/stage": {"stage": "churned", "reason": "of A", "hold": True},
    "/v1/customers/{customer_id}/actions": {"type": "call", "note": "of A"},
    "/v1/customers/{customer_id}/notes": {"notes": "of A"},
    "/v1/portal/tasks/{task_id}/done": {"note": "of A"},
    "/v1/portal/tasks/{task_id}/assign": {"staff_id": None},
    "/v1/portal/tasks/{task_id}/answer": {"outcome": "missed"},
    "/v1/customers/{customer_id}/appointments/{key}/answer": {"outcome": "missed"},
    "/v1/portal/tasks/{task_id}": {"due_at": "2199-01-01T00:00:00Z"},
    "/v1/portal/tasks/{task_id}/comments": {"text": "of A"},
    "/v1/customers/{customer_id}/contacts": {"channel": "phone", "outcome": "reached", "note": "of A"},
    "/v1/customers/{customer_id}/merge": {"into": "c-1"},
    "/v1/customers/{customer_id}/what-if": {"events": [{"type": "appointment.missed"}]},
    "/v1/customers/{customer_id}/retractions": {"retracts": f"{SECRET}-event"},
    "/v1/outreach": {"cap_messages": 99, "campaign": []},
    "/v1/stages": {"stages": DEFAULT_STAGES},
    "/v1/stages/preview": {"stages": DEFAULT_STAGES},
    "/v1/staff": {"name": "of A", "role": "sales"},
    "/v1/staff/{staff_id}": {"name": "of A", "is_active": False},
    "/v1/webhooks": {"url": "https://a.example.com/hook"},
    "/v1/webhooks/{endpoint_id}": {"is_active": True, "rotate_secret": True, "finish_rotation": True},
    "/v1/templates/{name}/{locale}": {"subject": "of A", "text": "of A"},
    "/v1/templates/{name}/preview": {"locale": "de"},
}
#: required query parameters
REQUIRED: dict[str, dict[str, str]] = {
    "/v1/customers/{customer_id}/retractions/preview": {"retracts": f"{SECRET}-event"},
}
QUERIES = [
    {},
    {"search": "SECRET"},
    {"search": CUSTOMER},
    {"stage": "lead"},
    {"min_risk": "0"},
    {"limit": "200"},
    {"customer_id": CUSTOMER},
    {"status": "all"},
    {"status": "succeeded"},
]
#: parameters that name something of one company
ITS_OWN = ("{customer_id}", "{action_id}", "{task_id}", "{staff_id}", "{endpoint_id}", "{preview_id}")
COUNTED = [
    "customers",
    "customer_relationships",
    "journey_transitions",
    "journey_events",
    "journey_actions",
    "action_attempts",
    "sent_messages",
    "tasks",
    "assignments",
    "staff",
    "webhook_endpoints",
    "message_templates",
    "retention_campaigns",
    "appointments",
    "api_keys",
    "sessions",
    "sign_in_links",
    "audit_log",
    "customer_journey_stages",
    "rulebook_versions",
    "rule_previews",
    "rule_preview_customers",
]
#: a complete preview of changed rules, and a customer whom it concerns
PREVIEW = """
with preview as (
    insert into rule_previews (company_id, actor, base_version, stages, scoring, as_of, status, reason, total, result)
    values (%s, 'key/1', 1, '[]', '{}', now(), 'complete', %s, 1, '{}') returning company_id, id)
insert into rule_preview_customers (company_id, preview_id, relationship_id, customer_id, version, from_stage, to_stage,
    actions, messages, is_different, past_old, past_new)
select p.company_id, p.id, 1, c.id, 1, 'lead', %s, '{}', 0, true, '{}', '{}'
  from preview p join customers c on c.company_id = p.company_id where c.external_id = %s returning 1
"""
WHEN_USED = "array['last_used_at', 'last_seen_at']"


@pytest.fixture
def secret(other: Tenant, working: None) -> Tenant:
    """Company B with a profile, a journey, a stage, staff, actions, tasks, a webhook endpoint and a template."""
    event = other.event(customer_id=CUSTOMER, id=f"{SECRET}-event")
    other.rows(
        "insert into customer_journey_stages (company_id, stage_key, stage_name, order_index, auto_transition_rules)"
        " values (%s, 'prospect', %s, 1, null), (%s, 'lead', %s, 2,"
        """ '{"trigger": "call_received", "conditions": {"call_duration": "> 60"}}') returning 1""",
        other.id,
        SECRET,
        other.id,
        SECRET,
    )
    assert other.client.put(f"/v1/customers/{CUSTOMER}", json={"name": SECRET}).status_code == 200
    for role in ("sales", "manager"):
        person = {"name": SECRET, "role": role, "email": f"{SECRET}@example.com"}
        assert other.client.post("/v1/staff", json=person).status_code == 201
    ahead = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    booking = {"appointment_id": SECRET, "scheduled_for": ahead, "service": SECRET}
    booked = other.event(type="appointment.rescheduled", customer_id=CUSTOMER, **booking)
    batch = {"events": [event, booked]}
    outcomes = other.client.post("/v1/events?wait=10", json=batch).json()["outcomes"]
    assert [outcome["outcome"] for outcome in outcomes] == ["applied"] * 2
    note = {"type": "call", "note": SECRET}
    assert other.client.post(f"/v1/customers/{CUSTOMER}/actions", json=note).status_code == 202
    assert other.client.put("/v1/outreach", json={"sender_name": SECRET}).status_code == 200
    assert other.client.put("/v1/templates/welcome/de", json={"subject": SECRET, "text": SECRET}).status_code == 200
    statuses = {action["status"] for action in other.settled(CUSTOMER)}
    assert statuses == {"succeeded", "waiting"}
    other.rows(PREVIEW, other.id, SECRET, SECRET, CUSTOMER)
    # after the journey's actions: nothing listens at this URL
    assert other.client.post("/v1/webhooks", json={"url": f"https://b.example.com/{SECRET}"}).status_code == 201
    return other


def parts_of(tenant: Tenant) -> dict[str, Any]:
    """Values for path parameters, all of this company."""

    def newest(table: str) -> int:
        ((row_id,),) = tenant.rows(f"select max(id) from {table} where company_id = %s", tenant.id)
        assert row_id
        return int(row_id)

    return {
        **PARTS,
        "customer_id": CUSTOMER,
        "key": appointment_key(SECRET),
        "action_id": newest("journey_actions"),
        "task_id": newest("tasks"),
        "staff_id": newest("staff"),
        "endpoint_id": newest("webhook_endpoints"),
        "preview_id": newest("rule_previews"),
    }


def everything(tenant: Tenant) -> list[list[tuple[Any, ...]]]:
    """All rows of a company, without `last_used_at` of its keys."""
    return [
        tenant.rows(f"select to_jsonb(t) - {WHEN_USED} from {table} t where company_id = %s order by 1", tenant.id)
        for table in COUNTED
    ] + [tenant.rows("select to_jsonb(c) from companies c where id = %s", tenant.id)]


@pytest.mark.parametrize("route", GUARDED, ids=named)
def test_resources_of_another_company_are_not_visible(tenant: Tenant, secret: Tenant, route: APIRoute) -> None:
    before = everything(secret)
    path = route.path.format_map(parts_of(secret))
    body = tenant.event(customer_id=CUSTOMER) if route.path == "/v1/events" else BODIES.get(route.path)
    required = REQUIRED.get(route.path, {})
    for query in QUERIES:
        answer = ask(tenant.client, route, path, params=query | required, json=body)
        assert SECRET not in answer.text, f"{named(route)} reveals another company"
        assert answer.status_code < 500
    if any(part in route.path for part in ITS_OWN) and route.path != "/v1/customers/{customer_id}":
        assert ask(tenant.client, route, path, params=required, json=body).status_code == 404
    assert everything(secret) == before, f"{named(route)} changes another company's rows"
    assert secret.client.get(f"/v1/portal/customers/{CUSTOMER}/journey").json()["journey"]["stage_name"] == SECRET


def test_the_same_event_id_and_customer_in_two_companies_are_two(tenant: Tenant, secret: Tenant) -> None:
    event = tenant.event(customer_id=CUSTOMER, id=f"{SECRET}-event")
    (outcome,) = tenant.client.post("/v1/events?wait=10", json=event).json()["outcomes"]
    assert outcome["outcome"] == "applied"
    found = tenant.client.get(f"/v1/portal/customers/{CUSTOMER}/journey")
    assert (found.json()["journey"]["stage_name"], len(found.json()["events"])) == ("Lead", 1)


def test_guessed_ids_and_cursors_reveal_nothing(tenant: Tenant, secret: Tenant) -> None:
    """Requests of A for B's customer, with B's row ids in cursors, return nothing of B."""
    ids = [row[0] for row in secret.rows("select id from customer_relationships where company_id = %s", secret.id)]
    tries = st.sampled_from([CUSTOMER, CUSTOMER.upper(), f"{secret.id}", f"{secret.id}:{CUSTOMER}", *map(str, ids)])

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(guess=tries, route=st.sampled_from(GUARDED), number=st.sampled_from([*ids, 1, 1 << 40]))
    def probe(guess: str, route: APIRoute, number: int) -> None:
        if method(route) != "GET":
            return
        numbers = dict.fromkeys(("action_id", "task_id", "staff_id", "endpoint_id", "preview_id"), number)
        path = route.path.format_map({**PARTS, **numbers, "customer_id": guess})
        for query in ({}, {"search": guess}, {"company_id": str(secret.id)}, {"limit": str(number % 200 + 1)}):
            asked = query | REQUIRED.get(route.path, {})
            answer = ask(tenant.client, route, path, params=asked, headers={"X-Company-Id": str(secret.id)})
            assert SECRET not in answer.text
            if "{customer_id}" in route.path:
                assert answer.status_code == 404

    probe()
    assert tenant.client.get("/v1/portal/relationships").json()["relationships"] == []
