"""Revenue by week and month, its total, and that of the period before."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db.analytics.journey_analytics import PERIODS, AnalyticsQuery
from db.analytics.revenue import Unit, revenue
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool
from journey.event_validation import parse
from journey.events import Event
from journey.time import to_micros
from tests.support.journey_rows import insert_company, roll_up_all

NOTHING = {"appointments": 0, "revenue": 0, "adjustments": 0}


def paid(day: str, amount: str, kind: str = "appointment.completed") -> Event:
    event = {"id": f"{kind} {day} {amount}", "type": kind, "customer_id": "a", "occurred_at": f"{day}:00Z"}
    return parse(json.dumps({**event, "amount": amount}))


async def read(pool: Pool, as_of: str, period: str, unit: Unit, company: int = 1) -> dict[str, Any]:
    instant = datetime.fromisoformat(as_of).replace(tzinfo=UTC)
    result: dict[str, Any] = json.loads(await revenue(pool, company, AnalyticsQuery((), instant, period), unit))
    return result


def row(first: str, last: str, appointments: int, amount: float, adjustments: float = 0) -> dict[str, Any]:
    return {
        "first": first,
        "last": last,
        "appointments": appointments,
        "revenue": amount,
        "adjustments": adjustments,
    }


def about(day: str, type_: str, **fields: str) -> Event:
    head = {"id": f"{type_} {day}", "type": type_, "customer_id": "a", "occurred_at": f"{day}:00Z"}
    return parse(json.dumps(head | fields))


async def test_corrections_count_on_their_own_day(database_url: str, pool: Pool) -> None:
    """100 becomes 80 on the 3rd; a visit of 30 is cancelled on the 4th; a refund is retracted on the 5th."""
    refund = paid("2025-10-02T12:00", "-10.00", "payment.adjusted")
    events = [
        about("2025-10-01T12:00", "appointment.completed", appointment_id="one", amount="100.00"),
        about("2025-10-01T13:00", "appointment.completed", appointment_id="two", amount="30.00"),
        refund,
        about("2025-10-03T12:00", "appointment.completed", appointment_id="one", amount="80.00"),
        about("2025-10-04T12:00", "appointment.cancelled", appointment_id="two"),
        about("2025-10-05T12:00", "event.retracted", retracts=refund.id),
    ]
    insert_company(database_url, 3, [events], to_micros(datetime(2025, 11, 1, tzinfo=UTC)))
    for rolled_up in (False, True):
        totals = []
        for day in range(1, 6):
            found = await read(pool, f"2025-10-{day:02}T23:59", "month", "week", 3)
            totals.append((found["total"]["appointments"], found["total"]["revenue"], found["total"]["adjustments"]))
        assert totals == [(2, 130, 0), (2, 130, -10), (2, 110, -10), (1, 80, -10), (1, 80, 0)], rolled_up
        await roll_up_all(pool)
    metrics = [
        json.loads(await stage_metrics(pool, 3, AnalyticsQuery(as_of=end), end.date(), end.date()))
        for end in (datetime(2025, 10, day, 23, 59, tzinfo=UTC) for day in range(1, 6))
    ]
    assert [sum(each["revenue"] for each in day) for day in metrics] == [130, 0, -20, -30, 0]


@pytest.fixture
def company(database_url: str) -> None:
    """A company with visits in two months and around a Monday, 6 October 2025, and one without any."""
    events = [
        paid("2025-09-30T23:59", "100.00"),
        paid("2025-10-05T23:59", "20.00"),
        paid("2025-10-06T00:00", "3.10"),
        paid("2025-10-12T12:00", "0.05"),
        paid("2025-10-13T12:00", "-2.00", "payment.adjusted"),
        paid("2025-10-15T22:00", "7.00"),
    ]
    insert_company(database_url, 1, [events], to_micros(datetime(2025, 11, 1, tzinfo=UTC)))
    insert_company(database_url, 2, [], to_micros(datetime(2025, 11, 1, tzinfo=UTC)))


async def test_revenue_by_week(pool: Pool, company: None) -> None:
    # the 30 days to 15 October begin on 16 September, a Tuesday; the last day counts as a whole
    found = await read(pool, "2025-10-15T12:00", "month", "week")
    assert (found["first"], found["last"], found["by"], found["period"]) == (
        "2025-09-16",
        "2025-10-15",
        "week",
        "month",
    )
    assert found["rows"] == [
        row("2025-09-16", "2025-09-21", 0, 0),
        row("2025-09-22", "2025-09-28", 0, 0),
        row("2025-09-29", "2025-10-05", 2, 120),
        row("2025-10-06", "2025-10-12", 2, 3.15),
        row("2025-10-13", "2025-10-15", 1, 7, -2),
    ]
    assert found["total"] == {"appointments": 5, "revenue": 130.15, "adjustments": -2}
    assert found["previous"] == NOTHING


async def test_revenue_by_month(pool: Pool, company: None) -> None:
    found = await read(pool, "2025-10-31T23:59", "quarter", "month")
    assert found["rows"] == [
        row("2025-08-03", "2025-08-31", 0, 0),
        row("2025-09-01", "2025-09-30", 1, 100),
        row("2025-10-01", "2025-10-31", 4, 30.15, -2),
    ]
    everything = await read(pool, "2025-11-20T00:00", "all", "month")
    assert everything["rows"] == [
        row("2025-09-30", "2025-09-30", 1, 100),
        row("2025-10-01", "2025-10-31", 4, 30.15, -2),
        row("2025-11-01", "2025-11-20", 0, 0),
    ]
    assert (everything["total"], everything["previous"]) == (found["total"], None)
    assert (await read(pool, "2025-11-20T00:00", "all", "week"))["total"] == found["total"]


async def test_the_period_before_has_the_same_length(pool: Pool, company: None) -> None:
    week = await read(pool, "2025-10-13T12:00", "week", "week")
    assert (week["first"], week["total"]) == ("2025-10-07", {"appointments": 1, "revenue": 0.05, "adjustments": -2})
    assert week["previous"] == {"appointments": 3, "revenue": 123.1, "adjustments": 0}
    day = await read(pool, "2025-10-06T12:00", "day", "month")
    assert (day["rows"], day["previous"]["revenue"]) == ([row("2025-10-06", "2025-10-06", 1, 3.1)], 20)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("unit", ["week", "month"])
async def test_a_company_without_revenue(pool: Pool, company: None, period: str, unit: Unit) -> None:
    found = await read(pool, "2025-11-01T00:00", period, unit, company=2)
    assert found["total"] == NOTHING
    assert found["previous"] == (None if period == "all" else NOTHING)
    assert sum(line["revenue"] for line in found["rows"]) == 0
    assert (found["first"], found["rows"] == []) == ((None, True) if period == "all" else (found["first"], False))


async def test_rows_cover_each_day_of_the_period_once(pool: Pool, company: None) -> None:
    for period, length in PERIODS.items():
        for unit in ("week", "month"):
            found = await read(pool, "2025-10-20T10:00", period, unit)
            spans = [(date.fromisoformat(line["first"]), date.fromisoformat(line["last"])) for line in found["rows"]]
            days = [first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)]
            assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
            assert length in (None, len(days))
            assert sum(line["appointments"] for line in found["rows"]) == found["total"]["appointments"]
