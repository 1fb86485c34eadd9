"""Churn predictions: who is listed, in which order, and the stored return probabilities that they go by."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from db.analytics.churn_predictions import ChurnSearch, churn_predictions
from db.analytics.journey_analytics import AnalyticsQuery, summary
from db.analytics.return_probabilities import store_return_probabilities
from db.connections import Pool
from journey.event_validation import parse
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from journey.visits import Visits
from tests.support.journey_rows import insert_company

NOW = datetime.now(UTC).replace(microsecond=0)
NEW, QUIET, GONE = 10, 100, 200  # days since the last visit: a customer, at risk, churned


def event(customer: str, days_ago: int, kind: str = "appointment.completed", **fields: Any) -> Event:
    at = (NOW - timedelta(days=days_ago)).isoformat()
    head = {"id": f"{customer}-{days_ago}-{kind}", "type": kind, "customer_id": customer, "occurred_at": at}
    return parse(json.dumps({**head, **fields}))


@pytest.fixture
def salon(database_url: str) -> str:
    """Four customers at risk, two who still come, one who has left, and a prospect; with scores and probabilities."""
    visits = {
        "small": (QUIET, "10.00"),
        "large": (QUIET, "900.00"),
        "middle": (QUIET, "100.00"),
        "unknown": (QUIET, "50.00"),
        "late": (NEW, "400.00"),
        "sure": (NEW, "30.00"),
        "gone": (GONE, "5000.00"),
    }
    journeys = [[event(customer, days, amount=amount)] for customer, (days, amount) in visits.items()]
    journeys.append([event("caller", 1, "call.received", duration_seconds=5)])
    insert_company(database_url, 1, journeys, to_micros(NOW))
    probabilities = {"small": 1, "large": 0.05, "middle": 0.6, "late": 0.2, "sure": 0.9, "gone": 0.01}
    with psycopg.connect(database_url) as connection:
        for customer, probability in probabilities.items():
            update(connection, customer, "return_probability", probability)
        update(connection, "late", "risk_score", 0.3)
        update(connection, "sure", "risk_score", 0.8)
    return database_url


def update(connection: psycopg.Connection[Any], customer: str, column: str, value: object) -> None:
    connection.execute(
        f"update customer_relationships set {column} = %s"
        " where customer_id = (select id from customers where external_id = %s)".encode(),
        [value, customer],
    )


async def listed(pool: Pool, **search: Any) -> list[str]:
    answer = json.loads(await churn_predictions(pool, 1, DEFAULT_RULEBOOK, ChurnSearch(**search)))
    customers = [row["customer_id"] for row in answer["predictions"]]
    assert (answer["total"], answer["more"]) == (len(customers), False) or search.get("limit")
    return customers


async def test_the_order_is_return_probability_times_value(pool: Pool, salon: str) -> None:
    """60, 50 (an unknown probability counts as 1), 45 and 10."""
    assert await listed(pool) == ["middle", "unknown", "large", "small"]
    assert await listed(pool, limit=2) == ["middle", "unknown"]
    assert (await summary(pool, 1, AnalyticsQuery()))["at_risk_count"] == 4


async def test_others_are_listed_on_request_only(pool: Pool, salon: str) -> None:
    at_risk = {"small", "large", "middle", "unknown"}
    assert set(await listed(pool, include_lost=True)) == {*at_risk, "gone"}
    assert set(await listed(pool, min_risk=0.8)) == {*at_risk, "sure"}
    assert set(await listed(pool, min_risk=0.81)) == at_risk
    assert set(await listed(pool, min_risk=0)) == {*at_risk, "late", "sure", "caller"}


async def test_customers_who_still_come_are_found_by_return_probability(pool: Pool, salon: str) -> None:
    growth = [stage.key for stage in DEFAULT_RULEBOOK.growth]
    assert await listed(pool, max_return_probability=0.5, stages=growth) == ["late"]
    assert await listed(pool, max_return_probability=0.9, stages=growth) == ["late", "sure"]
    assert await listed(pool, max_return_probability=0.9, min_risk=0.7, stages=growth) == ["sure"]
    assert await listed(pool, max_return_probability=0.2) == ["late", "middle", "unknown", "large", "small"]
    assert await listed(pool, max_return_probability=0.19, stages=growth) == []


async def test_others_are_counted_up_to_a_limit(pool: Pool, salon: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.analytics.churn_predictions.MAX_COUNTED", 2)
    answer = json.loads(await churn_predictions(pool, 1, DEFAULT_RULEBOOK, ChurnSearch(min_risk=0)))
    assert (answer["total"], answer["more"]) == (4 + 2, True)
    assert len(answer["predictions"]) == 7


async def test_probabilities_are_stored_for_every_journey(
    pool: Pool, salon: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.analytics.return_probabilities.PAGE", 3)
    seen = []

    def probability(visits: Visits) -> float:
        seen.append(visits)
        return 0.5 if visits.age(NOW.date().toordinal()) > QUIET else 0.25

    with psycopg.connect(salon, autocommit=True) as connection:
        changes = connection.execute("select id, changed from customer_relationships order by id").fetchall()
        await store_return_probabilities(pool, 1, NOW.date(), probability)
        rows = connection.execute(
            "select c.external_id, return_probability::float from customer_relationships r"
            " join customers c on c.id = r.customer_id order by r.id"
        ).fetchall()
        assert rows == [
            *((customer, 0.25) for customer in ("small", "large", "middle", "unknown", "late", "sure")),
            ("gone", 0.5),
            ("caller", None),
        ]
        assert (seen[0].x, seen[0].t_x, seen[0].age(NOW.date().toordinal())) == (0, 0, QUIET)
        assert len(seen) == 7
        # The change feed does not report them.
        assert connection.execute("select id, changed from customer_relationships order by id").fetchall() == changes
        await store_return_probabilities(pool, 1, NOW.date(), lambda _: None)
        left = connection.execute("select count(return_probability) from customer_relationships").fetchone()
        assert left == (0,)


async def test_a_visit_during_a_fit_keeps_the_probability_unknown(pool: Pool, salon: str) -> None:
    with psycopg.connect(salon, autocommit=True) as connection:

        def probability(visits: Visits) -> float:
            if visits.age(NOW.date().toordinal()) == GONE:  # what a commit does
                update(connection, "gone", "total_appointments", 2)
                update(connection, "gone", "return_probability", None)
            return 0.125

        await store_return_probabilities(pool, 1, NOW.date(), probability)
        unknown = connection.execute(
            "select c.external_id from customer_relationships r join customers c on c.id = r.customer_id"
            " where return_probability is null order by 1"
        ).fetchall()
    assert unknown == [("caller",), ("gone",)]
