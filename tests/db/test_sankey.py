"""The stage flow of journeys with loops has no cycles."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from db.analytics.journey_analytics import PERIODS, AnalyticsQuery
from db.analytics.sankey import sankey
from db.connections import Pool
from journey.event_validation import parse
from journey.events import Event
from journey.time import to_micros
from tests.support.journey_rows import insert_company

START = datetime(2025, 3, 1, 12, tzinfo=UTC)


def visits(customer: str, *days: float) -> list[Event]:
    """Create completed appointments this many days after START."""
    return [
        parse(
            json.dumps(
                {
                    "id": f"{customer} {day}",
                    "type": "appointment.completed",
                    "customer_id": customer,
                    "occurred_at": (START + timedelta(days=day)).isoformat(),
                    "amount": "1.00",
                }
            )
        )
        for day in days
    ]


async def drawn(pool: Pool, days: float, period: str = "all", steps: int = 8) -> dict[str, Any]:
    query = AnalyticsQuery(as_of=START + timedelta(days=days), period=period)
    flow: dict[str, Any] = json.loads(await sankey(pool, 1, query, steps=steps))
    return flow


def links(flow: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {(link["source"], link["target"]): link["count"] for link in flow["links"]}


def assert_sound(flow: dict[str, Any]) -> None:
    """Check that every link leads to the next step (so there are no cycles), and that nodes exist and are unique."""
    steps = {node["id"]: node["step"] for node in flow["nodes"]}
    assert len(steps) == len(flow["nodes"])
    assert all(node["id"] == f"{node['step']}:{node['stage']}" for node in flow["nodes"])
    for source, target in links(flow):
        assert steps[target] == steps[source] + 1
    # the inflow of a node is at least its outflow, except where journeys begin
    into, out = Counter[str](), Counter[str]()
    for (source, target), count in links(flow).items():
        out[source] += count
        into[target] += count
    assert all(out[node] <= into[node] for node, step in steps.items() if step)


async def test_a_loop_becomes_steps(pool: Pool, database_url: str) -> None:
    # one customer lapses and returns twice; another one visits once and is lost
    looping = visits("loop", 0, 100, 200)
    insert_company(database_url, 1, [looping, visits("lost", 0)], to_micros(START + timedelta(days=205)))
    flow = await drawn(pool, 205)
    assert_sound(flow)
    assert links(flow) == {
        ("0:prospect", "1:customer"): 2,
        ("1:customer", "2:at_risk"): 2,
        ("2:at_risk", "3:customer"): 1,
        ("2:at_risk", "3:churned"): 1,
        ("3:customer", "4:at_risk"): 1,
        ("4:at_risk", "5:regular"): 1,
    }
    assert flow["nodes"][0] == {"id": "0:prospect", "step": 0, "stage": "prospect"}
    assert [node["stage"] for node in flow["nodes"] if node["step"] == 3] == ["customer", "churned"]


async def test_moves_beyond_the_last_step_are_merged_into_it(pool: Pool, database_url: str) -> None:
    many = visits("loop", *range(0, 2000, 100))  # 40 moves
    insert_company(database_url, 1, [many, visits("twice", 0, 100)], to_micros(START + timedelta(days=1950)))
    for steps in (1, 2, 5, 8):
        flow = await drawn(pool, 1950, steps=steps)
        assert_sound(flow)
        assert max(node["step"] for node in flow["nodes"]) == min(steps, 8)
        last = [target for _, target in links(flow) if target.startswith(f"{steps}:")]
        assert f"{steps}:regular" in last, "the final stage of the customer with many moves"


async def test_a_period_starts_with_the_current_stage(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [visits("loop", 0, 100)], to_micros(START + timedelta(days=105)))
    flow = await drawn(pool, 105, "month")
    assert links(flow) == {("0:customer", "1:at_risk"): 1, ("1:at_risk", "2:customer"): 1}
    assert links(await drawn(pool, 105, "week")) == {("0:at_risk", "1:customer"): 1}
    assert links(await drawn(pool, 90)) == {
        ("0:prospect", "1:customer"): 1
    }  # the deadline "more than 90 days" has not passed


async def test_a_journey_without_moves_is_a_node(pool: Pool, database_url: str) -> None:
    call = {"id": "a", "type": "call.received", "customer_id": "c", "duration_seconds": 5}
    event = parse(json.dumps({**call, "occurred_at": START.isoformat()}))
    insert_company(database_url, 1, [[event]], to_micros(START + timedelta(days=1)))
    flow = await drawn(pool, 1)
    assert (flow["nodes"], flow["links"]) == ([{"id": "0:prospect", "step": 0, "stage": "prospect"}], [])


@pytest.mark.parametrize("period", PERIODS)
async def test_an_empty_company_has_an_empty_diagram(pool: Pool, database_url: str, period: str) -> None:
    insert_company(database_url, 1, [], to_micros(START))
    flow = json.loads(await sankey(pool, 1, AnalyticsQuery(period=period)))
    assert (flow["period"], flow["nodes"], flow["links"]) == (period, [], [])
