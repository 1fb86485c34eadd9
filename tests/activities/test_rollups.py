"""The figures while journeys are committed and rolled up at the same time: at every moment those of a full count."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest_asyncio

from db.analytics import journey_analytics
from db.analytics.journey_analytics import AnalyticsQuery, stages_json
from db.analytics.rollup_reader import rollup_drift
from db.analytics.rollup_writer import companies_with_pending_rollups, rebuild, roll_up
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool, tenant_rows
from journey.stages import DEFAULT_RULEBOOK
from tests.support.commit_story import NOON, Story, Workers
from tests.support.workflow_life import new_company

STAGES = stages_json(DEFAULT_RULEBOOK.all_stages)
OTHER_STAGES = stages_json(DEFAULT_RULEBOOK.all_stages[:4] + DEFAULT_RULEBOOK.all_stages[5:])
CUSTOMERS = 12
COMMITS = 15

MOVES = "select count(*) from journey_transitions where company_id = %s"


async def check(pool: Pool, company: int) -> int:
    """Assert that all figures are those of a full count; the number of transitions by then."""
    assert await rollup_drift(pool, company, STAGES) == []
    return int((await tenant_rows(pool, company, MOVES, [company]))[0][0])


@pytest_asyncio.fixture
async def company(commits_url: str) -> AsyncIterator[int]:
    yield new_company(commits_url)


async def live(story: Story, chance: random.Random) -> None:
    """A life with late events, corrections, answers that are lost, and refunds; days pass between its commits."""
    sent: list[str] = []
    for _ in range(COMMITS):
        story.now += timedelta(days=chance.choice([0, 0.2, 1, 5, 20, 95, 190]))
        messages = []
        for _ in range(chance.randint(1, 3)):
            late = -chance.choice([0, 0, 0, 0.01, 3, 40, 200])
            event = chance.choice(
                [
                    story.visit(late, chance.choice(["20.00", "400.00"])),
                    story.call(late, chance.choice([10, 200])),
                    story.event("payment.adjusted", late, amount="-5.00"),
                    story.visit(late, chance.choice(["30.00", "60.00"]), appointment_id=chance.choice("abc")),
                    story.event("appointment.cancelled", late, appointment_id=chance.choice("abc")),
                    story.event("event.retracted", late, retracts=chance.choice([*sent, "unknown"])),
                ]
            )
            sent.append(event["id"])
            messages.append(("events", [json.dumps([event])]))
        if chance.random() < 0.3:
            await story.lost(*messages)
            messages.append(("events", [json.dumps([story.visit(-0.5)])]))
        await story.commit(*messages)


async def test_at_every_moment_the_figures_are_those_of_a_full_count(
    commits_url: str, pool: Pool, company: int
) -> None:
    chance = random.Random(4)
    stories = [
        Story(Workers(pool, n % 2 == 0), commits_url, company, f"c-{n}", f"run-{n}", made=1000 * n)
        for n in range(CUSTOMERS)
    ]
    living = asyncio.gather(*(live(story, random.Random(chance.random())) for story in stories))
    rolled, seen = 0, []

    async def roll() -> None:
        nonlocal rolled
        while not living.done():
            rolled += await roll_up(pool, company, STAGES)
            await asyncio.sleep(chance.random() / 20)

    rolling = asyncio.create_task(roll())
    while not living.done():
        seen.append(await check(pool, company))
    await asyncio.gather(living, rolling)
    assert rolled > 3 * CUSTOMERS, "hardly anything was rolled up while journeys lived"
    assert len(set(seen)) > 5, "hardly anything was seen while journeys lived"
    while await roll_up(pool, company, STAGES):
        pass
    assert company not in await companies_with_pending_rollups(pool)
    assert await check(pool, company) > 5 * CUSTOMERS
    await the_same_by_another_way(commits_url, pool, company, max(story.now for story in stories))
    before = rows(commits_url, company)
    await rebuild(pool, company, STAGES)
    assert before == rows(commits_url, company)


async def the_same_by_another_way(url: str, pool: Pool, company: int, now: Any) -> None:
    """The figures of a past instant look at single journeys where those of now are sums."""
    then = now + timedelta(days=1)
    for figure in (journey_analytics.funnel, journey_analytics.summary, journey_analytics.transitions):
        assert await figure(pool, company, AnalyticsQuery()) == await figure(pool, company, AnalyticsQuery(as_of=then))
    for days in range(0, 400, 13):
        day = then.date() - timedelta(days=days)
        end = NOON.replace(
            year=day.year, month=day.month, day=day.day, hour=23, minute=59, second=59, microsecond=999999
        )
        cut = json.loads(await stage_metrics(pool, company, AnalyticsQuery(as_of=end), day, day))
        assert json.loads(await stage_metrics(pool, company, AnalyticsQuery(), day, day)) == cut
        standing = await journey_analytics.distribution(pool, company, AnalyticsQuery(as_of=end))
        assert {row["stage"]: row["customer_count"] for row in cut} == standing
    with psycopg.connect(url) as connection:
        projected: dict[str, int] = dict(
            connection.execute(
                "select current_stage, count(*) from customer_relationships where company_id = %s group by 1", [company]
            ).fetchall()
        )
    assert {
        k: n for k, n in (await journey_analytics.distribution(pool, company, AnalyticsQuery())).items() if n
    } == projected


def rows(url: str, company: int) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(
            "select figure, grain, day, key, n, amount from journey_rollups"
            " where company_id = %s and (n <> 0 or amount <> 0) order by 1, 2, 3, 4",
            [company],
        ).fetchall()


async def test_other_stages_are_counted_by_at_once(commits_url: str, pool: Pool, company: int) -> None:
    story = Story(Workers(pool, True), commits_url, company)
    await story.commit(("events", [json.dumps([story.call(-3), story.visit(-2), story.visit(0, "1000.00")])]))
    await roll_up(pool, company, OTHER_STAGES)
    day = NOON.date()

    async def vips() -> dict[str, Any]:
        metrics = json.loads(await stage_metrics(pool, company, AnalyticsQuery(), day, day))
        return {row["stage"]: row["conversion_rate"] for row in metrics}

    live = await vips()  # the conversions are by other stages than those of now
    assert (live["lead"], live["customer"], live["vip"]) == (100, 100, 0)
    await roll_up(pool, company, STAGES)
    assert await vips() == live
    await check(pool, company)


async def test_what_is_wrong_with_roll_ups_is_found_and_repaired(commits_url: str, pool: Pool, company: int) -> None:
    story = Story(Workers(pool, True), commits_url, company)
    await story.commit(("events", [json.dumps([story.call(-3), story.visit(-2), story.visit(0, "1000.00")])]))
    await roll_up(pool, company, STAGES)
    with psycopg.connect(commits_url) as connection:
        spoil = "update journey_rollups set n = n + 1 where company_id = %s and figure = 'start' and grain = 'day'"
        assert connection.execute(spoil, [company]).rowcount == 1
    found = await rollup_drift(pool, company, STAGES)
    assert {row["problem"] for row in found} == {"missing", "surplus", "month differs from the sum of its days"}
    await rebuild(pool, company, STAGES)
    assert await check(pool, company) == 4
