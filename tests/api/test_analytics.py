"""The figures over HTTP: names, ranges, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.api.conftest import Tenant

ROOT = "/v1/portal/analytics"


def test_the_figures_of_a_living_company(tenant: Tenant, working: None) -> None:
    tenant.live("c-1", {}, {"type": "appointment.completed", "amount": "1200.00"})
    tenant.live("c-2", {})
    found = tenant.client.get(f"{ROOT}/customer-journey").json()
    assert found.keys() == {
        *("period", "as_of", "total_customers", "at_risk_count", "at_risk_percentage", "vip_count", "vip_percentage"),
        *("avg_lifetime_value", "funnel_data", "transitions", "stage_times", "distribution"),
    }
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
        assert (past["total_customers"], past["transitions"], past["as_of"]) == (0, [], yesterday)

    metrics = tenant.client.get(f"{ROOT}/stage-metrics").json()["stage_metrics"]
    assert len({row["metric_date"] for row in metrics}) == 30
    assert sum(row["revenue"] for row in metrics if row["stage"] == "vip") == 1200
    assert tenant.client.get(f"{ROOT}/churn-predictions").json() == {"total": 0, "more": False, "predictions": []}


def test_the_days_of_stage_metrics(tenant: Tenant) -> None:
    today = datetime.now(UTC).date()

    def days(**params: str) -> set[str]:
        rows = tenant.client.get(f"{ROOT}/stage-metrics", params=params).json()["stage_metrics"]
        return {row["metric_date"] for row in rows}

    assert days(**{"from": "2026-01-01", "to": "2026-01-02"}) == {"2026-01-01", "2026-01-02"}
    assert days(to="1999-03-01") == {(date(1999, 3, 1) - timedelta(days=n)).isoformat() for n in range(30)}
    assert days(**{"from": today.isoformat(), "to": (today + timedelta(days=9)).isoformat()}) <= {
        today.isoformat(),
        (today + timedelta(days=1)).isoformat(),  # should midnight have passed
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
        ("stage-metrics?from=2026-01-02&to=2026-01-01", "from"),
        ("stage-metrics?from=2024-01-01&to=2025-01-01", "from"),
        ("stage-metrics?to=0001-01-01", "to"),
        ("stage-metrics?from=today", "from"),
        ("churn-predictions?limit=0", "limit"),
        ("churn-predictions?limit=1001", "limit"),
    ],
)
def test_what_cannot_be_asked_is_named(tenant: Tenant, path: str, field: str) -> None:
    answer = tenant.client.get(f"{ROOT}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert field in answer.json()["errors"][0]["field"]
