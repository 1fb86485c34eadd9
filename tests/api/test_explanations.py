"""Why a journey was in its stage on a date, and what would happen to it, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Tenant

pytestmark = pytest.mark.usefixtures("working")
NOW = datetime.now(UTC)


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def visit(id_: str, days: float, amount: str = "40.00", **fields: Any) -> dict[str, Any]:
    return {"id": id_, "type": "appointment.completed", "amount": amount, "occurred_at": days_ago(days), **fields}


def explained(tenant: Tenant, customer: str = "c-1", **query: str) -> dict[str, Any]:
    answer = tenant.client.get(f"/v1/customers/{customer}/explain", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_imported_past_is_explained_at_any_instant(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1", 200, "1200.00"), visit("v-2", 10))
    vip = explained(tenant, as_of=days_ago(190))
    assert (vip["current_stage"], vip["stage_name"], vip["today"]) == ("vip", "VIP Customer", None)
    assert (vip["facts"]["total_appointments"], vip["facts"]["lifetime_value"]) == (1, "1200.00")
    assert [move["to_stage"] for move in vip["transitions"]] == ["vip", "customer", "prospect"]
    assert vip["deadlines"][-1]["leads_to"] == "churned"
    lapsed = explained(tenant, as_of=days_ago(100))
    assert (lapsed["current_stage"], lapsed["scores"]["risk"]["score"] > "0.00") == ("at_risk", True)
    assert explained(tenant)["current_stage"] == explained(tenant, as_of=days_ago(1))["current_stage"]
    assert (lapsed["rules_version"], lapsed["rules_since"], lapsed["held_back"]) == (1, None, [])


def test_before_it_began_and_times_that_are_none(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1", 20))
    before = tenant.client.get("/v1/customers/c-1/explain", params={"as_of": days_ago(30)})
    assert (before.status_code, "it began on" in before.json()["detail"]) == (404, True)
    for text in ("tomorrow", "2026-03-12T09:00:00", (NOW + timedelta(days=2)).isoformat(), "1700-01-01T00:00:00Z"):
        answer = tenant.client.get("/v1/customers/c-1/explain", params={"as_of": text})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "as_of")
    assert tenant.client.get("/v1/customers/c-9/explain", params={"as_of": days_ago(1)}).status_code == 404


def test_a_past_that_looks_different_today_shows_both(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1", 3, "1200.00"))
    tenant.live("c-1", visit("v-2", 2))
    then = datetime.now(UTC).isoformat()
    tenant.live("c-1", {"id": "r-1", "type": "event.retracted", "retracts": "v-1", "occurred_at": days_ago(1)})
    found = explained(tenant, as_of=then)
    assert (found["current_stage"], found["facts"]["lifetime_value"]) == ("vip", "1240.00")
    assert found["today"]["stage"] == "customer"
    assert [each["event_id"] for each in found["today"]["because"]] == ["r-1"]
    assert explained(tenant)["current_stage"] == "customer"


def everything(tenant: Tenant) -> dict[str, list[tuple[str]]]:
    """All rows of the company, by table; without the keys, which record when they were used."""
    named = "select table_name from information_schema.columns where table_schema = 'public' and column_name = %s"
    tables = [name for (name,) in tenant.rows(named, "company_id") if name != "api_keys"]
    found = {name: tenant.rows(f"select t::text from {name} t where company_id = %s", tenant.id) for name in tables}
    assert found["journey_events"]
    assert found["journey_transitions"]
    return {name: sorted(rows) for name, rows in found.items()}


def test_what_if_answers_and_writes_nothing(tenant: Tenant) -> None:
    tenant.live("c-1", visit("v-1", 10, "400.00"))
    tenant.settled("c-1")
    before = everything(tenant)
    ahead = (NOW + timedelta(days=3)).isoformat()
    body = {"events": [{"type": "appointment.completed", "amount": "700.00", "occurred_at": ahead}]}
    answer = tenant.client.post("/v1/customers/c-1/what-if", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [move["to_stage"] for move in found["with"]["transitions"]] == ["vip"]
    assert (found["with"]["after"]["current_stage"], found["without"]["after"]["current_stage"]) == ("vip", "customer")
    nothing = tenant.client.post("/v1/customers/c-1/what-if", json={}).json()
    assert [move["to_stage"] for move in nothing["with"]["transitions"]] == ["at_risk", "churned"]
    assert explained(tenant, as_of=days_ago(1))["current_stage"] == "customer"
    assert everything(tenant) == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": [{"type": "nonsense"}]}, "events[0].type"),
        ({"events": [{"type": "appointment.completed", "amount": "x"}]}, "events[0].amount"),
        (
            {"events": [{"type": "appointment.completed", "occurred_at": "2020-01-01T00:00:00Z"}]},
            "events[0].occurred_at",
        ),
        ({"events": [{"type": "appointment.missed", "id": "mine"}]}, "events[0].id"),
        ({"events": [{"type": "event.retracted", "retracts": "v-1"}]}, "events[0].type"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": "2999-01-01T00:00:00Z"}, "until"),
        ({"events": [{"type": "appointment.missed"}] * 21}, "events"),
        ({"event": []}, "event"),
    ],
)
def test_assumptions_that_are_refused(tenant: Tenant, body: dict[str, Any], field: str) -> None:
    tenant.live("c-1", visit("v-1", 10))
    answer = tenant.client.post("/v1/customers/c-1/what-if", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
