"""Nightly stage metrics: each day once, also after a downtime, a killed worker or late events."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from temporalio.client import Client

from contracts import names
from contracts.maintenance import SweepStart
from db.analytics.journey_analytics import AnalyticsQuery
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool
from settings import Settings
from tests.support.workflow_sweeps import Before, day, lived_company, run_sweep
from worker import build_worker

COLUMNS = "metric_date, stage_key, customer_count, avg_time_in_stage, conversion_rate, revenue"


@pytest.fixture
def company(journeys_url: str) -> int:
    number = random.randrange(10**3, 10**6)
    lived_company(journeys_url, number, since=120)
    return number


def rows(url: str, company: int) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        statement = f"select {COLUMNS} from journey_stage_metrics where company_id = %s order by 1, 2"
        return connection.execute(statement, [company]).fetchall()


def days_of(url: str, company: int) -> list[date]:
    return sorted({row[0] for row in rows(url, company)})


def spoil(url: str, company: int, *days: date) -> None:
    with psycopg.connect(url) as connection:
        statement = (
            "update journey_stage_metrics set customer_count = 999 where company_id = %s and metric_date = any(%s)"
        )
        connection.execute(statement, [company, list(days)])


def spoilt(url: str, company: int) -> set[date]:
    return {row[0] for row in rows(url, company) if row[2] == 999}


@pytest.mark.usefixtures("worker")
async def test_the_days_of_a_downtime_are_written_once_each(
    client: Client, journeys_url: str, pool: Pool, company: int
) -> None:
    first = await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company, until=str(day(4))))
    assert (first["companies"], first["failures"]) == (1, 0)
    written = days_of(journeys_url, company)
    assert written == [day(ago) for ago in range(120, 3, -1)], "from the first transition on"
    # two nights without a worker, and then a scheduled sweep
    second = await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company, until=str(day(1))))
    assert second["days"] == 35, "the last weeks again"
    assert days_of(journeys_url, company) == [day(ago) for ago in range(120, 0, -1)]
    counted = json.loads(await stage_metrics(pool, company, AnalyticsQuery(), day(120), day(1)))
    names_of = ("stage", "customer_count", "avg_time_in_stage", "conversion_rate", "revenue")
    assert sorted(
        [str(row[0]), *(None if v is None else str(v) for v in row[1:])] for row in rows(journeys_url, company)
    ) == sorted([row["metric_date"], *(_decimal(row[name]) for name in names_of)] for row in counted)


def _decimal(value: Any) -> str | None:
    return f"{value:.2f}" if isinstance(value, float) else None if value is None else str(value)


@pytest.mark.usefixtures("worker")
async def test_yesterday_is_the_default_last_day(client: Client, journeys_url: str, company: int) -> None:
    await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company))
    assert days_of(journeys_url, company)[-1] == day(1)


@pytest.mark.usefixtures("worker")
async def test_late_events_are_counted_on_their_days(client: Client, journeys_url: str, company: int) -> None:
    await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company))
    spoil(journeys_url, company, day(20), day(60), day(100))
    await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company))
    assert spoilt(journeys_url, company) == {day(60), day(100)}, "only the last 35 days are recounted"
    with psycopg.connect(journeys_url) as connection:  # an import of last month's forgotten event
        connection.execute(
            "insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,"
            " outcome, version, rules_version) select company_id, id, 'late', decode(repeat('00', 16), 'hex'),"
            " 'feedback.received', %s::date + interval '1 hour', '{}', 'applied', 2, 1 from customers"
            " where company_id = %s limit 1",
            [day(70), company],
        )
    assert (await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company)))["days"] == 70
    assert spoilt(journeys_url, company) == {day(100)}, "from the event's day on"


@pytest.mark.usefixtures("worker")
async def test_rows_of_a_removed_stage_are_deleted(client: Client, journeys_url: str, company: int) -> None:
    await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company))
    with psycopg.connect(journeys_url) as connection:
        statement = "insert into journey_stage_metrics (company_id, stage_key, metric_date) values (%s, 'nowhere', %s)"
        connection.execute(statement, [company, day(3)])
    await run_sweep(client, names.STAGE_METRICS, SweepStart(company=company))
    assert "nowhere" not in {row[1] for row in rows(journeys_url, company)}


async def test_a_failing_company_does_not_stop_the_others(
    client: Client, journeys_url: str, pool: Pool, company: int
) -> None:
    broken, empty = company + 10**7, company + 2 * 10**7
    with psycopg.connect(journeys_url) as connection:
        settings = '{"scoring": {"recency_days": "never"}}'
        connection.execute("insert into companies (id, name, settings) values (%s, 'b', %s)", [broken, settings])
        connection.execute("insert into companies (id, name) values (%s, 'e')", [empty])
    async with build_worker(client, pool, Settings()):
        result = await run_sweep(client, names.STAGE_METRICS, SweepStart(after=company - 1))
    assert result["failed"].keys() == {str(broken)}
    assert "recency_days" in result["failed"][str(broken)]
    assert result["failures"] == 1
    assert days_of(journeys_url, company)[-1] == day(1)
    with psycopg.connect(journeys_url) as connection:
        connection.execute("update companies set settings = '{}' where id = %s", [broken])


WORKER = """
import asyncio, os, sys
from temporalio.client import Client
from db.connections import open_pool
from settings import Settings
from tests.workflows.test_interrupted import After
from worker import build_worker

async def main(address, url):
    def fate(request):
        if isinstance(request, dict) and request.get("first"):
            os.kill(os.getpid(), 9)
    client = await Client.connect(address, interceptors=[After(fate)])
    pool = await open_pool(url, min_size=1, max_size=4)
    async with build_worker(client, pool, Settings()):
        await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_worker_killed_in_the_middle(
    temporal_address: str, client: Client, journeys_url: str, pool: Pool, company: int
) -> None:
    """The second chunk kills its worker once written; another worker repeats only that chunk."""
    asked: list[str | None] = []
    seeing = Before(
        lambda kind, request, _: asked.append(request["first"]) if kind == names.WRITE_STAGE_METRICS else None
    )
    begun = asyncio.create_task(run_sweep(client, names.STAGE_METRICS, SweepStart(company=company)))
    process = subprocess.Popen([sys.executable, "-c", WORKER, temporal_address, journeys_url], cwd=Path.cwd())
    try:
        await asyncio.to_thread(process.wait, 60)
        assert process.returncode == -signal.SIGKILL
        async with build_worker(await Client.connect(temporal_address, interceptors=[seeing]), pool, Settings()):
            result = await begun
    finally:
        process.kill()
    assert asked == [str(day(120 - 92))], "the chunk whose result was lost"
    assert result["days"] == 120
    assert days_of(journeys_url, company) == [day(ago) for ago in range(120, 0, -1)]
