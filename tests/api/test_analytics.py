"""Analytics over HTTP: fields, ranges and invalid parameters."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from journey.bgnbd import Model, expected_appointments, probability_of_return
from tests.api.conftest import Tenant

ROOT = "/v1/portal/analytics"


def test_journey_analytics(tenant: Tenant, working: None) -> None:
    tenant.live("c-1", {}, {"type": "appointment.completed", "amount": "1200.00"})
    tenant.live("c-2", {})
    found = tenant.client.get(f"{ROOT}/customer-journey").json()
    assert found.keys() == {
        *("period", "as_of", "total_customers", "at_risk_count", "at_risk_percentage", "vip_count", "vip_percentage"),
        *("avg_lifetime_value", "funnel_data", "transitions", "stage_times", "distribution", "previous", "period_from"),
    }
    nobody = {**dict.fromkeys(found["previous"], 0), "as_of": found["previous"]["as_of"]}
    assert found["previous"] == nobody  # both customers are new
    assert (found["period"], found["total_customers"], found["vip_percentage"]) == ("month", 2, 50)
    assert found["avg_lifetime_value"] == 600
    assert found["funnel_data"][1:3] == [
        {"stage": "lead", "customers": 2, "percentage": 100, "conversionRate": 100},
        {"stage": "customer", "customers": 1, "percentage": 50, "conversionRate": 50},
    ]
    assert {"from": None, "to": "prospect", "count": 2} in found["transitions"]
    assert (found["distribution"]["lead"], found["distribution"]["vip"]) == (1, 1)
    assert {"prospect", "lead", "vip"} <= found["stage_times"].keys()

    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    for query in (yesterday, yesterday.replace("+", "%2B")):
        past = tenant.client.get(f"{ROOT}/customer-journey?as_of={query}").json()
        assert (past["total_customers"], past["transitions"]) == (0, [])
        assert datetime.fromisoformat(past["as_of"]) == datetime.fromisoformat(yesterday)

    everybody = tenant.client.get(f"{ROOT}/funnel").json()
    assert (everybody["period"], everybody["period_from"]) == ("all", None)
    assert everybody["funnel_data"] == found["funnel_data"]
    assert tenant.client.get(f"{ROOT}/funnel?as_of={yesterday}").json()["funnel_data"][0]["customers"] == 0
    assert tenant.client.get(f"{ROOT}/funnel?period=week").json()["period_from"] is not None
    for by in ("week", "month"):
        revenue = tenant.client.get(f"{ROOT}/revenue?by={by}").json()
        assert revenue["total"] == {"appointments": 1, "revenue": 1200, "adjustments": 0}
        assert sum(row["revenue"] for row in revenue["rows"]) == 1200
        assert revenue["previous"]["revenue"] == 0

    metrics = tenant.client.get(f"{ROOT}/stage-metrics").json()["stage_metrics"]
    assert len({row["metric_date"] for row in metrics}) == 30
    assert sum(row["revenue"] for row in metrics if row["stage"] == "vip") == 1200
    churn = tenant.client.get(f"{ROOT}/churn-predictions").json()
    assert (churn["total"], churn["more"], churn["predictions"]) == (0, False, [])


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z")


def visit(days: int) -> dict[str, str]:
    return {"type": "appointment.completed", "occurred_at": days_ago(days)}


def put_at_risk(tenant: Tenant, customer: str) -> None:
    answer = tenant.client.post(f"/v1/customers/{customer}/stage", json={"stage": "at_risk", "reason": "test"})
    assert answer.status_code == 200


def test_at_risk_means_one_thing(tenant: Tenant, working: None) -> None:
    """The analytics tile, the churn predictions and the search by stage give the same number at the same moment."""
    tickets = [{"type": "support_ticket.opened", "ticket_id": f"t-{n}", "occurred_at": days_ago(99)} for n in (1, 2)]
    missed = {"type": "appointment.missed", "occurred_at": days_ago(100)}
    tenant.live("quiet", visit(100))
    tenant.live("manual", {"occurred_at": days_ago(5)})
    put_at_risk(tenant, "manual")
    tenant.live("risky", missed, *tickets)  # a high risk score, in a growth stage
    tenant.live("gone", visit(200))
    tenant.live("fine", visit(1))

    def listed(**params: Any) -> tuple[int, set[str]]:
        answer = tenant.client.get(f"{ROOT}/churn-predictions", params=params).json()
        assert not answer["more"]
        return answer["total"], {row["customer_id"] for row in answer["predictions"]}

    assert listed() == (2, {"quiet", "manual"})
    assert tenant.client.get(f"{ROOT}/customer-journey").json()["at_risk_count"] == 2
    search: dict[str, str | bool] = {"stage": "at_risk", "count": True}
    assert tenant.client.get("/v1/portal/relationships", params=search).json()["total"] == 2
    assert listed(min_risk=0.71) == (3, {"quiet", "manual", "risky"})
    assert listed(min_risk=0.71, stage=["prospect", "lead"]) == (1, {"risky"})
    assert listed(include_lost=True) == (3, {"quiet", "manual", "gone"})
    assert listed(include_lost=True, stage="churned") == (1, {"gone"})
    assert listed(stage="churned") == (0, set())
    assert listed(limit=1)[0] == 2


def test_churn_predictions_include_return_forecasts(tenant: Tenant, other: Tenant, working: None) -> None:
    tenant.live("c-1", visit(150), visit(120), visit(100))
    tenant.live("c-2", visit(100) | {"amount": "900.00"})
    tenant.live("c-3", visit(10))
    tenant.live("never", {"occurred_at": days_ago(99)})
    put_at_risk(tenant, "never")  # at risk without any visit
    fields = ("return_probability", "expected_appointments", "year_value", "model", "inputs")

    def found() -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
        answer = tenant.client.get(f"{ROOT}/churn-predictions").json()
        return answer["model"], {row["customer_id"]: row for row in answer["predictions"]}

    model, rows = found()
    assert rows.keys() == {"c-1", "c-2", "never"}
    assert (model["id"], "no model was fitted yet" in model["reason"]) == (None, True)
    assert {row[field] for row in rows.values() for field in fields} == {None}

    parameters = {"r": 0.25, "alpha": 30.0, "a": 0.8, "b": 2.5}
    tenant.rows(
        "insert into return_models (company_id, version, method, history_to, customers, returned_customers,"
        " parameters, log_likelihood) values (%s, 1, 'BG/NBD', current_date, 4, 1, %s, -1.5) returning id",
        *(tenant.id, json.dumps(parameters)),
    )
    model, rows = found()
    assert (model["version"], model["parameters"], model["reason"]) == (1, parameters, None)
    assert list(rows) == ["c-2", "c-1", "never"]  # by the current probability × value
    assert rows["c-2"]["expected_value"] == round(rows["c-2"]["return_probability"] * 900, 2)
    assert (rows["c-1"]["expected_value"], rows["never"]["expected_value"]) == (0, 0)
    assert rows["c-1"]["model"] == {name: model[name] for name in ("id", "version", "method", "fitted_at")}
    assert rows["c-1"]["inputs"] == {"repeat_days": 2, "recency_days": 50, "age_days": 150}
    assert rows["c-2"]["inputs"] == {"repeat_days": 0, "recency_days": 0, "age_days": 100}
    known, customer = Model(**parameters), (2, 50, 150)
    assert rows["c-1"]["return_probability"] == round(probability_of_return(known, *customer, 90), 4)
    assert rows["c-1"]["expected_appointments"] == round(expected_appointments(known, *customer, 90), 4)
    assert 0 < rows["c-2"]["return_probability"] < rows["c-1"]["return_probability"] < 1
    assert [rows["never"][field] for field in fields] == [None] * len(fields)

    tenant.rows(
        "insert into return_models (company_id, version, method, history_to, customers, returned_customers, reason)"
        " values (%s, 2, 'BG/NBD', current_date, 4, 1, 'too little history: …') returning id",
        tenant.id,
    )
    model, rows = found()  # the newest version counts, even without a model
    assert (model["version"], model["parameters"], model["reason"]) == (2, None, "too little history: …")
    assert {row[field] for row in rows.values() for field in fields} == {None}
    assert other.client.get(f"{ROOT}/churn-predictions").json()["model"]["id"] is None


def test_a_visit_makes_the_stored_return_probability_unknown(tenant: Tenant, working: None) -> None:
    tenant.live("c-1", visit(10))
    params = {"max_return_probability": "0.5", "stage": "customer"}

    def listed() -> int:
        total: int = tenant.client.get(f"{ROOT}/churn-predictions", params=params).json()["total"]
        return total

    assert listed() == 0
    tenant.rows(
        "update customer_relationships set return_probability = 0.3 where company_id = %s returning id", tenant.id
    )
    assert listed() == 1
    tenant.live("c-1", {"type": "call.received", "duration_seconds": 5})
    assert listed() == 1
    tenant.live("c-1", visit(3))
    assert listed() == 0


def test_the_days_of_stage_metrics(tenant: Tenant) -> None:
    today = datetime.now(UTC).date()

    def days(**params: str) -> set[str]:
        rows = tenant.client.get(f"{ROOT}/stage-metrics", params=params).json()["stage_metrics"]
        return {row["metric_date"] for row in rows}

    assert days(**{"from": "2026-01-01", "to": "2026-01-02"}) == {"2026-01-01", "2026-01-02"}
    assert days(to="1999-03-01") == {(date(1999, 3, 1) - timedelta(days=n)).isoformat() for n in range(30)}
    assert days(**{"from": today.isoformat(), "to": (today + timedelta(days=9)).isoformat()}) <= {
        today.isoformat(),
        (today + timedelta(days=1)).isoformat(),  # in case midnight has passed
    }
    assert days(**{"from": "2090-01-01", "to": "2090-01-02"}) == set()
    assert days(as_of="2020-05-05T23:00:00-02:00", **{"from": "2020-05-05"}) == {"2020-05-05", "2020-05-06"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("customer-journey?period=fortnight", "period"),
        ("customer-journey?as_of=yesterday", "as_of"),
        ("customer-journey?as_of=2026-01-01T00:00:00", "as_of"),
        ("customer-journey?as_of=2190-01-01T00:00:00Z", "as_of"),
        ("customer-journey?as_of=0001-01-01T00:00:00%2B14:00", "as_of"),
        ("stage-metrics?as_of=1", "as_of"),
        ("funnel?period=decade", "period"),
        ("funnel?as_of=tomorrow", "as_of"),
        ("revenue?by=day", "by"),
        ("revenue?as_of=2999-01-01T00:00:00Z", "as_of"),
        ("stage-metrics?from=2026-01-02&to=2026-01-01", "from"),
        ("stage-metrics?from=2024-01-01&to=2025-01-01", "from"),
        ("stage-metrics?to=0001-01-01", "to"),
        ("stage-metrics?from=today", "from"),
        ("churn-predictions?limit=0", "limit"),
        ("churn-predictions?limit=1001", "limit"),
        ("churn-predictions?min_risk=1.1", "min_risk"),
        ("churn-predictions?min_risk=nan", "min_risk"),
        ("churn-predictions?max_return_probability=-0.1", "max_return_probability"),
        ("churn-predictions?include_lost=perhaps", "include_lost"),
        ("churn-predictions?stage=at-risk", "stage"),
    ],
)
def test_invalid_parameters_are_named(tenant: Tenant, path: str, field: str) -> None:
    answer = tenant.client.get(f"{ROOT}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert field in answer.json()["errors"][0]["field"]
