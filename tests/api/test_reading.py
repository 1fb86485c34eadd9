"""Read journeys: history, explanation, search and stages."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.api.conftest import Tenant


def ago(**duration: float) -> str:
    return (datetime.now(UTC) - timedelta(**duration)).isoformat()


def live(tenant: Tenant, customer_id: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Send events of one customer, wait until they are applied and return the outcomes."""
    batch = [tenant.event(customer_id=customer_id, **fields) for fields in events]
    answer = tenant.client.post("/v1/events?wait=10", json={"events": batch}).json()
    outcomes: list[dict[str, Any]] = answer["outcomes"]
    assert {outcome["outcome"] for outcome in outcomes} == {"applied"}
    return outcomes


VISIT = {"type": "appointment.completed", "amount": "100.10"}


def test_the_timeline(tenant: Tenant, working: None) -> None:
    call = {"type": "call.received", "duration_seconds": 100, "occurred_at": ago(days=40)}
    live(tenant, "c-1", call, *({**VISIT, "occurred_at": ago(days=n)} for n in (30, 20, 10.5)))
    answer = tenant.client.get("/v1/portal/customers/c-1/journey")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    journey = found["journey"]
    assert (journey["customer_id"], journey["current_stage"], journey["stage_name"]) == (
        "c-1",
        "regular",
        "Regular Customer",
    )
    assert (journey["lifetime_value"], journey["total_appointments"], journey["previous_stage"]) == (
        300.3,
        3,
        "customer",
    )
    assert (journey["days_in_current_stage"], journey["days_inactive"], journey["held"]) == (10, 10, False)
    assert (journey["risk_score"], 0 < journey["engagement_score"] <= 1) == (0, True)
    assert datetime.fromisoformat(journey["next_deadline"]) > datetime.now(UTC)
    assert journey["temporal_url"] == (
        f"http://ui.example:8233/namespaces/default/workflows/journey%2F{tenant.id}%2Fc-1"
    )
    assert b'"lifetime_value":300.30' in answer.content
    assert [t["to_stage"] for t in found["transitions"]] == ["regular", "customer", "lead", "prospect"]
    newest = found["transitions"][0]
    assert (newest["from_stage_name"], newest["to_stage_name"]) == ("Customer", "Regular Customer")
    assert (newest["trigger_type"], newest["trigger_event"]) == ("automatic", "appointment_count")
    assert newest["reason"]
    assert newest["performed_by"] is newest["notes"] is None
    assert [e["outcome"] for e in found["events"]] == ["applied"] * 4
    assert found["events"][0]["fields"]["amount"] == "100.10"
    assert found["actions"] == []


def test_an_event_a_few_minutes_ahead_is_zero_days_old(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", {**VISIT, "occurred_at": ago(seconds=-290)})
    journey = tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]
    assert (journey["days_in_current_stage"], journey["days_inactive"]) == (0, 0)
    [listed] = tenant.client.get("/v1/portal/relationships").json()["relationships"]
    assert (listed["days_in_current_stage"], listed["days_inactive"]) == (0, 0)


def test_inactivity_before_the_first_appointment_counts_from_the_last_event(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", {"type": "call.received", "duration_seconds": 5, "occurred_at": ago(days=12.5)})
    journey = tenant.client.get("/v1/portal/customers/c-1/journey").json()["journey"]
    assert (journey["days_inactive"], journey["last_appointment_at"]) == (12, None)


def test_events_are_limited_to_the_newest(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", *({**VISIT, "occurred_at": ago(days=n)} for n in range(1, 6)))
    events = tenant.client.get("/v1/portal/customers/c-1/journey?limit=2").json()["events"]
    assert [e["occurred_at"] for e in events] == sorted((e["occurred_at"] for e in events), reverse=True)
    assert len(events) == 2
    for wrong in ("0", "1001", "x", "-1", "1e2", "٣"):
        answer = tenant.client.get("/v1/portal/customers/c-1/journey", params={"limit": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "limit")


def test_conflicts_and_quarantined_events_are_shown(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", {**VISIT, "id": "e-1"})
    tenant.client.post("/v1/events?wait=10", json=tenant.event(customer_id="c-1", id="e-1"))
    events = tenant.client.get("/v1/portal/customers/c-1/journey").json()["events"]
    assert sorted(e["outcome"] for e in events) == ["applied", "conflict"]
    assert next(e["reason"] for e in events if e["outcome"] == "conflict")


NO_JOURNEY = dict.fromkeys(
    (
        *("current_stage", "stage_name", "stage_entered_at", "previous_stage", "days_in_current_stage", "created_at"),
        *("lifetime_value", "total_appointments", "last_appointment_at", "risk_score", "engagement_score"),
        *("days_inactive", "next_deadline", "next_stage", "held", "hold_until", "next_appointment_at"),
        *("usual_interval", "expected_at"),
    )
)


def test_a_customer_without_a_journey_has_a_page(tenant: Tenant) -> None:
    stored = tenant.client.put("/v1/customers/c-7", json={"name": "Ada Example", "phone": "030 1234567"}).json()
    answer = tenant.client.get("/v1/portal/customers/c-7/journey")
    assert answer.status_code == 200
    assert answer.json() == {"journey": None, "transitions": [], "events": [], "actions": []}
    assert tenant.client.get("/v1/customers/c-7").json() == stored
    for unknown in ("/v1/portal/customers/nobody/journey", "/v1/customers/nobody", "/v1/customers/c-7/explain"):
        assert tenant.client.get(unknown).status_code == 404


@pytest.mark.parametrize("sort", ["risk", "lifetime_value", "name", "days_inactive", "created_at"])
def test_a_customer_without_a_journey_is_found(crowd: Tenant, sort: str) -> None:
    """Between others with the same name, once, on some page, and only by a search."""
    for number in range(3):
        profile = {"name": f"Ädä_{number}%", "email": f"{number}@example.org"}
        assert crowd.client.put(f"/v1/customers/new-{number}", json=profile).status_code == 200
    for order in ("asc", "desc"):
        found = pages(crowd, search="ädä", sort=sort, order=order, limit=2)
        assert sorted(row["customer_id"] for row in found) == [
            *("new-0", "new-1", "new-2"),
            *("p-0", "p-10", "p-15", "p-20", "p-5"),
        ]
        new = [row for row in found if row["customer_id"] == "new-1"]
        assert new == [{**NO_JOURNEY, "customer_id": "new-1", "name": "Ädä_1%", "email": "1@example.org"}]
        counted = crowd.client.get("/v1/portal/relationships", params={"search": "ädä", "count": True}).json()
        assert counted["total"] == 8
        assert len(pages(crowd, search="ädä", stage=["lead", "vip"], sort=sort, order=order)) == 5
        assert len(pages(crowd, sort=sort, order=order)) == 25


@pytest.mark.parametrize("route", ["/v1/portal/customers/{}/journey", "/v1/customers/{}/explain", "/v1/customers/{}"])
def test_unknown_and_malformed_customers(tenant: Tenant, route: str) -> None:
    assert tenant.client.get(route.format("nobody")).status_code == 404
    for malformed in ("a%20b", "x" * 65, "%00", "caf%C3%A9", "a'%22", "a%0A", "%2E", "%2E%2E"):
        answer = tenant.client.get(route.format(malformed))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "customer_id")


def test_the_companys_stage_names_are_shown(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", VISIT)
    tenant.rows(
        "insert into customer_journey_stages (company_id, stage_key, stage_name, order_index)"
        " values (%s, 'customer', 'Stammkunde', 1) returning 1",
        tenant.id,
    )
    found = tenant.client.get("/v1/portal/customers/c-1/journey").json()
    assert found["journey"]["stage_name"] == found["transitions"][0]["to_stage_name"] == "Stammkunde"
    assert found["transitions"][0]["from_stage_name"] == "Prospect"


def test_the_explanation(tenant: Tenant, working: None) -> None:
    live(tenant, "c-1", {**VISIT, "occurred_at": ago(days=61)})
    found = tenant.client.get("/v1/customers/c-1/explain").json()
    assert (found["customer_id"], found["current_stage"], found["scores"]["risk"]["score"]) == (
        "c-1",
        "customer",
        "0.30",
    )
    assert {rule["stage_key"] for rule in found["rules"]} >= {"vip", "at_risk"}
    assert any(deadline["leads_to"] == "at_risk" for deadline in found["deadlines"])
    assert [t["to_stage"] for t in found["transitions"]] == ["customer", "prospect"]


def test_the_stages(tenant: Tenant) -> None:
    found = tenant.client.get("/v1/stages").json()
    keys = [stage["stage_key"] for stage in found["stages"]]
    assert keys == ["prospect", "lead", "customer", "regular", "vip", "at_risk", "churned"]
    tenant.rows(
        """update companies set rules_version = 2, settings = '{"scoring": {"risk_open_tickets": 3}}'
        where id = %s returning 1""",
        tenant.id,
    )
    found = tenant.client.get("/v1/stages").json()
    assert (found["version"], found["scoring"]["risk_open_tickets"]) == (2, 3)


@pytest.fixture
def crowd(tenant: Tenant) -> Tenant:
    """25 journeys: risk 0.00 to 0.24 or null, two stages, some with a name."""
    tenant.rows(
        """with made as (
            insert into customers (company_id, external_id, name, email)
            select %s, 'p-' || n, case when n %% 5 = 0 then 'Ädä_' || n || '%%' end, 'p' || n || '@example.com'
            from generate_series(0, 24) n returning id, external_id)
        insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, lifetime_value,
            last_appointment_at, risk_score, engagement_score, version, run_id, decided_at, state, next_deadline)
        select %s, id, case when n %% 2 = 0 then 'lead' else 'vip' end, now() - n * interval '1 hour', n %% 7,
            case when n %% 4 > 0 then now() - (n %% 3) * interval '1 day' end,
            case when n %% 6 > 0 then n / 100.0 end, 0.5, 1, 'r', now(), '{}', null
        from made, lateral (select substr(external_id, 3)::int as n) x returning 1""",
        tenant.id,
        tenant.id,
    )
    return tenant


def pages(tenant: Tenant, limit: int = 4, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = tenant.client.get("/v1/portal/relationships", params={**query, **cursor, "limit": limit})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        rows += found["relationships"]
        if found["next_cursor"] is None:
            return rows
        assert len(found["relationships"]) == limit
        cursor = {"cursor": found["next_cursor"]}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize(
    ("sort", "shown"),
    [
        ("risk", "risk_score"),
        ("lifetime_value", "lifetime_value"),
        ("last_appointment_at", "last_appointment_at"),
        ("stage_entered_at", "stage_entered_at"),
        ("next_deadline", "next_deadline"),
    ],
)
def test_pages_show_each_relationship_once_and_in_order(crowd: Tenant, sort: str, shown: str, order: str) -> None:
    rows = pages(crowd, sort=sort, order=order)
    assert {row["customer_id"] for row in rows} == {f"p-{n}" for n in range(25)}
    assert len(rows) == 25
    values = [row[shown] for row in rows]
    present = [value for value in values if value is not None]
    assert present == sorted(present, reverse=order == "desc")
    assert values[len(present) :] == [None] * (25 - len(present))


def test_filters(crowd: Tenant) -> None:
    assert {row["current_stage"] for row in pages(crowd, stage="vip")} == {"vip"}
    assert len(pages(crowd, stage=["vip", "lead"])) == 25
    assert pages(crowd, stage="nosuch") == []
    risks = [row["risk_score"] for row in pages(crowd, min_risk=0.05, max_risk=0.1)]
    assert sorted(risks) == [0.05, 0.07, 0.08, 0.09, 0.1]


@pytest.mark.parametrize(
    ("text", "count"),
    [("ÄDÄ", 5), ("ä_2", 1), ("%", 0), ("_", 0), ("p1@EXAMPLE", 1), ("P-2", 6), ("\\", 0), ("'; drop table x;", 0)],
)
def test_punctuation_has_no_meaning_in_a_search(crowd: Tenant, text: str, count: int) -> None:
    assert len(pages(crowd, search=text)) == count


def forged(*fields: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(fields)).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", "rubbish"),
        ("cursor", "%%%"),
        ("cursor", ""),
        ("cursor", forged("risk", "desc", "0.1")),
        ("cursor", forged("risk", "asc", "0.1", 1)),
        ("cursor", forged("risk", "desc", "NaN", 1)),
        ("cursor", forged("risk", "desc", "1e99999", 1)),
        ("cursor", forged("risk", "desc", "one", 1)),
        ("cursor", forged("risk", "desc", 1, 1)),
        ("cursor", forged("risk", "desc", "0.1", 1 << 63)),
        ("cursor", forged("risk", "desc", "0.1", True)),
        ("cursor", forged("days_inactive", "desc", "-12.5", 1)),
        ("limit", 0),
        ("limit", 201),
        ("min_risk", -0.1),
        ("max_risk", "nan"),
        ("sort", "colour"),
        ("order", "down"),
        ("search", ""),
        ("search", "a\x00"),
        ("stage", "a\x00"),
    ],
)
def test_bad_queries(tenant: Tenant, name: str, value: object) -> None:
    answer = tenant.client.get("/v1/portal/relationships", params={name: str(value)})
    assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".")[0]) == (422, name)


def test_an_empty_company_has_an_empty_list(tenant: Tenant) -> None:
    assert tenant.client.get("/v1/portal/relationships").json() == {"relationships": [], "next_cursor": None}
