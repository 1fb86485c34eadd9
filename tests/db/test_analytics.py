"""Analytics of small companies, and churn predictions."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from db.analytics import journey_analytics
from db.analytics.churn_predictions import ChurnSearch, churn_predictions
from db.analytics.journey_analytics import PERIODS, AnalyticsQuery
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool
from journey.event_validation import parse
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from tests.support.journey_rows import insert_company

STAGES = ["prospect", "lead", "customer", "regular", "vip", "at_risk", "churned"]
NOBODY = dict.fromkeys(STAGES, 0)
START = datetime(2025, 3, 1, 12, tzinfo=UTC)


def visit(customer: str, days: float, amount: str = "10.00", name: str = "") -> Event:
    """Create a completed appointment this many days after START."""
    at = (START + timedelta(days=days)).isoformat()
    event = {"id": name or f"{customer} {days}", "type": "appointment.completed", "customer_id": customer}
    return parse(json.dumps({**event, "occurred_at": at, "amount": amount}))


def after(days: float, period: str = "all") -> AnalyticsQuery:
    return AnalyticsQuery(as_of=START + timedelta(days=days), period=period)


async def figures(pool: Pool, query: AnalyticsQuery, company: int = 1) -> dict[str, Any]:
    dashboard: dict[str, Any] = json.loads(await journey_analytics.dashboard(pool, company, query))
    return dashboard


async def metrics(pool: Pool, query: AnalyticsQuery, days: int, company: int = 1) -> dict[str, dict[str, Any]]:
    """Return the rows of the day this many days after START, by stage."""
    day = date.fromordinal(START.toordinal() + days)
    rows = json.loads(await stage_metrics(pool, company, query, day, day))
    return {row["stage"]: row for row in rows}


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("as_of", [None, START])
async def test_an_empty_company_has_zeros(pool: Pool, database_url: str, as_of: datetime | None, period: str) -> None:
    insert_company(database_url, 1, [], to_micros(START))
    dashboard = await figures(pool, AnalyticsQuery(as_of=as_of, period=period))
    assert dashboard["distribution"] == NOBODY
    assert (dashboard["transitions"], dashboard["stage_times"]) == ([], {})
    assert [step["stage"] for step in dashboard["funnel_data"]] == STAGES[:5]
    assert {value for step in dashboard["funnel_data"] for key, value in step.items() if key != "stage"} == {0}
    counted = ("total_customers", "at_risk_count", "at_risk_percentage", "vip_count", "vip_percentage")
    assert [dashboard[name] for name in (*counted, "avg_lifetime_value")] == [0] * 6
    assert {(row["customer_count"], row["revenue"]) for row in (await metrics(pool, after(0), 0)).values()} == {(0, 0)}
    assert json.loads(await churn_predictions(pool, 1, DEFAULT_RULEBOOK, ChurnSearch(limit=10))) == {
        "total": 0,
        "more": False,
        "predictions": [],
    }


async def test_one_customer_through_all_stages(pool: Pool, database_url: str) -> None:
    insert_company(
        database_url, 1, [[visit("a", 0, "1200.00"), visit("a", 200)]], to_micros(START + timedelta(days=210))
    )
    before = await figures(pool, after(-1))
    assert (before["total_customers"], before["distribution"], before["transitions"]) == (0, NOBODY, [])
    vip = await figures(pool, after(10))
    assert (vip["vip_count"], vip["vip_percentage"], vip["avg_lifetime_value"]) == (1, 100, 1200)
    assert vip["stage_times"] == {"prospect": 0, "customer": 0, "vip": 10}
    lapsed = await figures(pool, after(190))
    assert lapsed["distribution"] == {**NOBODY, "churned": 1}
    assert lapsed["stage_times"] == {"prospect": 0, "customer": 0, "vip": 90, "at_risk": 90, "churned": 10}
    returned = await figures(pool, after(210))
    assert returned["distribution"] == {**NOBODY, "vip": 1}
    assert (returned["stage_times"]["vip"], returned["avg_lifetime_value"]) == (50, 1210)
    assert [step["customers"] for step in returned["funnel_data"]] == [1] * 5
    back = (await metrics(pool, after(210), 200))["churned"]
    assert (back["avg_time_in_stage"], back["journeys_entered_30d"], back["conversion_rate"]) == (20, 1, 100)


async def test_analytics_now_equal_analytics_as_of_now(pool: Pool, database_url: str) -> None:
    now = datetime.now(UTC)
    ages = [(name, (now - START).days - days) for name, days in [("a", 10), ("b", 100), ("c", 300)]]
    insert_company(database_url, 1, [[visit(name, days)] for name, days in ages], to_micros(now))
    live_now, as_of_now = (
        await figures(pool, AnalyticsQuery()),
        await figures(pool, AnalyticsQuery(as_of=datetime.now(UTC))),
    )
    assert live_now["distribution"] == {**NOBODY, "customer": 1, "at_risk": 1, "churned": 1}
    assert {**live_now, "as_of": None, "stage_times": None} == {**as_of_now, "as_of": None, "stage_times": None}
    for name, figure in [("distribution", journey_analytics.distribution), ("funnel_data", journey_analytics.funnel)]:
        assert await figure(pool, 1, AnalyticsQuery()) == live_now[name]
    assert await journey_analytics.transitions(pool, 1, AnalyticsQuery()) == live_now["transitions"]
    assert (await journey_analytics.summary(pool, 1, AnalyticsQuery())).items() <= live_now.items()
    assert (await journey_analytics.time_in_stage(pool, 1, AnalyticsQuery())).keys() == live_now["stage_times"].keys()


async def test_all_customers_churned(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [[visit(name, 0)] for name in "abc"], to_micros(START + timedelta(days=400)))
    dashboard = await figures(pool, after(400))
    assert dashboard["distribution"] == {**NOBODY, "churned": 3}
    assert (dashboard["at_risk_count"], dashboard["avg_lifetime_value"]) == (0, 10)
    assert {row["conversion_rate"] for row in (await metrics(pool, after(400), 400)).values()} == {None}
    assert (await metrics(pool, after(400), 180))["churned"]["conversion_rate"] == 0
    assert json.loads(await churn_predictions(pool, 1, DEFAULT_RULEBOOK, ChurnSearch(limit=10))) == {
        "total": 0,
        "more": False,
        "predictions": [],
    }


async def test_a_period_ends_at_as_of(pool: Pool, database_url: str) -> None:
    insert_company(
        database_url, 1, [[visit("a", 0)], [visit("b", 6)], [visit("c", 7)]], to_micros(START + timedelta(days=40))
    )
    started = {period: (await figures(pool, after(7, period)))["funnel_data"][0]["customers"] for period in PERIODS}
    assert started == {"day": 1, "week": 2, "month": 3, "quarter": 3, "year": 3, "all": 3}
    moved = {period: len((await figures(pool, after(-1, period)))["transitions"]) for period in PERIODS}
    assert set(moved.values()) == {0}


async def test_the_figures_of_the_period_before(pool: Pool, database_url: str) -> None:
    lives = [[visit("a", 0, "1200.00")], [visit("b", 30, "90.00")], [visit("c", 118, "30.00")]]
    insert_company(database_url, 1, lives, to_micros(START + timedelta(days=125)))
    previous: dict[str, Any] = {}
    for query in (after(119, "month"), AnalyticsQuery(as_of=START + timedelta(days=119, hours=3), period="month")):
        dashboard = await figures(pool, query)
        # 30 days with that of day 119: from day 90 on, at whose noon a has been inactive for 90 days
        assert dashboard["period_from"] == (START + timedelta(days=90)).date().isoformat()
        previous = dashboard["previous"]
        assert datetime.fromisoformat(previous.pop("as_of")) == START.replace(hour=0) + timedelta(days=90)
        assert previous == {
            "total_customers": 2,
            "at_risk_count": 0,
            "at_risk_percentage": 0,
            "vip_count": 1,
            "vip_percentage": 50,
            "avg_lifetime_value": 645,
        }
        assert (dashboard["total_customers"], dashboard["at_risk_count"], dashboard["vip_count"]) == (3, 1, 0)
    # the same as the figures of that instant
    then = await figures(pool, AnalyticsQuery(as_of=START.replace(hour=0) + timedelta(days=90)))
    assert {name: then[name] for name in previous} == previous
    assert (then["previous"], then["period_from"]) == (None, None)


async def test_a_lapse_exactly_at_as_of_has_not_taken_effect(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [[visit("a", 0)]], to_micros(START + timedelta(days=100)))
    assert (await journey_analytics.distribution(pool, 1, after(90)))["customer"] == 1
    just_after = AnalyticsQuery(as_of=START + timedelta(days=90, microseconds=1))
    assert (await journey_analytics.distribution(pool, 1, just_after))["at_risk"] == 1


async def test_revenue_counts_for_the_stage_after_the_appointment(pool: Pool, database_url: str) -> None:
    both = [visit("a", 0, "30.00", "e-1"), visit("a", 0, "970.00", "e-2"), visit("a", 1, "5.00")]
    insert_company(database_url, 1, [both], to_micros(START + timedelta(days=2)))
    revenue = {stage: row["revenue"] for stage, row in (await metrics(pool, after(2), 0)).items()}
    assert revenue == {**NOBODY, "customer": 30, "vip": 970}
    assert (await metrics(pool, after(2), 1))["vip"]["revenue"] == 5


async def test_companies_are_counted_separately(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [[visit("a", 0)]], to_micros(START + timedelta(days=100)))
    insert_company(database_url, 2, [], to_micros(START))
    for query in (AnalyticsQuery(), after(100)):
        assert (await figures(pool, query, 2))["distribution"] == NOBODY
    assert (await metrics(pool, after(100), 0, 2))["customer"]["revenue"] == 0
    assert json.loads(await churn_predictions(pool, 2, DEFAULT_RULEBOOK, ChurnSearch(limit=10)))["total"] == 0


async def predictions(pool: Pool, limit: int = 10) -> list[dict[str, Any]]:
    churn = json.loads(await churn_predictions(pool, 1, DEFAULT_RULEBOOK, ChurnSearch(limit=limit)))
    assert churn["total"] >= len(churn["predictions"])
    return list(churn["predictions"])


async def test_churn_without_history_is_predicted_by_the_deadline(pool: Pool, database_url: str) -> None:
    now = datetime.now(UTC)
    days = (now - START).total_seconds() / 86_400 - 100
    insert_company(database_url, 1, [[visit("a", days)], [visit("b", days + 95)]], to_micros(now))
    (prediction,) = await predictions(pool)
    assert (prediction["customer_id"], prediction["days_inactive"], prediction["predicted_by"]) == (
        "a",
        100,
        "deadline",
    )
    assert prediction["predicted_churn_date"] == (START + timedelta(days=days + 180)).date().isoformat()
    assert [action["type"] for action in prediction["retention_actions"]] == ["special_offer", "email_campaign"]
    assert [action["priority"] for action in prediction["retention_actions"]] == ["medium", "low"]


async def test_churn_with_history_is_predicted_by_the_mean_stay(pool: Pool, database_url: str) -> None:
    now = datetime.now(UTC)
    age = (now - START).total_seconds() / 86_400
    insert_company(
        database_url, 1, [[visit("a", age - 100)], [visit("b", age - 170)], [visit("c", age - 400)]], to_micros(now)
    )
    with psycopg.connect(database_url) as connection:
        connection.execute("update journey_transitions set stay = '30 days' where to_stage = 'churned'")
        connection.execute("update customer_relationships set risk_score = 0.9 where id = 1000001")
    first, second = await predictions(pool)
    assert (first["customer_id"], second["customer_id"]) == ("b", "a")  # highest risk first
    assert first["predicted_churn_date"] == datetime.now(UTC).date().isoformat()  # 50 days ago by history
    assert second["predicted_churn_date"] == (START + timedelta(days=age - 100 + 90 + 30)).date().isoformat()
    assert (first["predicted_by"], second["predicted_by"]) == ("history", "history")
    assert [action["type"] for action in first["retention_actions"]] == [
        "personal_call",
        "special_offer",
        "email_campaign",
    ]
    assert len(await predictions(pool, 1)) == 1
