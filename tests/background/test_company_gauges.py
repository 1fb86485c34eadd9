"""The gauges of several companies: refreshed, reset, and kept while they cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx2
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from background.company_gauges import CompanyGauges
from db.connections import Pool, open_pool
from journey.time import to_micros
from local.embedded import free_port
from tests.conftest import NewDatabase
from tests.db.test_analytics import START, visit
from tests.support.journey_rows import insert_company
from tests.support.logs import logged
from tests.support.promql import scraped
from worker import build_runtime


@contextmanager
def away(postgres_url: str, database_url: str) -> Iterator[None]:
    """Refuse connections to the database, and close those that are open."""
    name = urlsplit(database_url).path[1:]
    statement = "alter database {} allow_connections {}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.SQL("false")))
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        try:
            yield
        finally:
            admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.SQL("true")))


@pytest.fixture
def database_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A database with the newest schema and nothing in it."""
    return new_database(template=migrated_template)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, min_size=1, max_size=2, timeout=0.5)
    yield opened
    await opened.close()


class Exporter:
    """A worker's exporter with the company gauges."""

    def __init__(self, pool: Pool) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.runtime = build_runtime(self.address)
        self.gauges = CompanyGauges(pool, self.runtime.metric_meter)

    def series(self, name: str, company: int) -> dict[str, float]:
        """Return the company's series of a gauge, by the value of its other label."""
        text = httpx2.get(f"http://{self.address}/metrics", trust_env=False).text
        return {
            "".join(value for label, value in labels.items() if label != "company"): figure
            for found, labels, figure in scraped(text)
            if found == name and labels["company"] == str(company)
        }


@pytest.fixture
def exporter(pool: Pool) -> Exporter:
    return Exporter(pool)


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


NOW = to_micros(datetime.now(UTC))


async def test_an_empty_company_exports_zeros(exporter: Exporter, database_url: str) -> None:
    insert_company(database_url, 1, [], NOW)
    await exporter.gauges.refresh()
    for name in ("stage_customers", "stage_seconds"):
        assert len(exporter.series(f"perdure_{name}", 1)) == 7
    every = ("stage_customers", "stage_seconds", "funnel_customers", "conversion_ratio", "risk_customers", "actions")
    for name in (*every, "automation_success_ratio", "open_tasks", "overdue_seconds"):
        assert set(exporter.series(f"perdure_{name}", 1).values()) == {0}, name


async def test_a_removed_stage_falls_to_zero(exporter: Exporter, database_url: str) -> None:
    insert_company(database_url, 1, [[visit("a", 0)], [visit("b", 0)]], NOW)
    founder = "update journey_transitions set to_stage = 'founder' where sequence = 4 and relationship_id = 1000000"
    change(database_url, founder)
    await exporter.gauges.refresh()
    assert exporter.series("perdure_stage_customers", 1)["founder"] == 1
    change(database_url, "update journey_transitions set to_stage = 'vip' where to_stage = 'founder'")
    await exporter.gauges.refresh()
    found = exporter.series("perdure_stage_customers", 1)
    assert (found["founder"], found["vip"]) == (0, 1)


async def test_each_company_has_its_own_gauges(exporter: Exporter, database_url: str) -> None:
    now = to_micros(START)
    insert_company(database_url, 1, [[visit("a", -1)]], now)
    insert_company(database_url, 2, [[visit("a", -1)], [visit("b", -1)]], now)
    await exporter.gauges.refresh()
    assert sum(exporter.series("perdure_stage_customers", 1).values()) == 1
    assert sum(exporter.series("perdure_stage_customers", 2).values()) == 2


async def test_rules_that_do_not_parse_hide_no_other_companys_gauges(exporter: Exporter, database_url: str) -> None:
    for company in (1, 2, 3):
        insert_company(database_url, company, [[visit("a", 0)]], NOW)
    broken = 'update companies set settings = \'{"scoring": {"nonsense": 1}}\', rules_version = 2 where id = 2'
    change(database_url, broken)
    with logged() as logs:
        await exporter.gauges.refresh()
        await exporter.gauges.refresh()
    assert [(line["event"], line["company"]) for line in logs] == [("gauges cannot be read", 2)]
    assert exporter.series("perdure_stage_customers", 2) == {}
    for company in (1, 3):
        assert exporter.series("perdure_figures_timestamp_seconds", company)
    change(database_url, "update companies set settings = '{}', rules_version = 3 where id = 2")
    with logged() as logs:
        await exporter.gauges.refresh()
    assert [(line["event"], line["company"]) for line in logs] == [("gauges are read again", 2)]
    assert exporter.series("perdure_stage_customers", 2)["churned"] == 1


async def test_gauges_survive_an_outage_of_postgres(exporter: Exporter, postgres_url: str, database_url: str) -> None:
    insert_company(database_url, 1, [[visit("a", 0)]], NOW)
    with logged() as logs:
        running = asyncio.create_task(exporter.gauges.run(interval=0.05))
        await asyncio.sleep(0.5)
        before = exporter.series("perdure_stage_customers", 1)
        with away(postgres_url, database_url):
            await asyncio.sleep(2.5)
            read_at = exporter.series("perdure_figures_timestamp_seconds", 1)
            await asyncio.sleep(1)
            assert exporter.series("perdure_stage_customers", 1) == before
            assert exporter.series("perdure_figures_timestamp_seconds", 1) == read_at
        change(database_url, "update journey_transitions set to_stage = 'vip' where to_stage = 'churned'")
        for _ in range(100):
            await asyncio.sleep(0.1)
            if exporter.series("perdure_stage_customers", 1)["vip"]:
                break
        assert not running.done()
        running.cancel()
    assert exporter.series("perdure_stage_customers", 1)["vip"] == 1
    assert exporter.series("perdure_figures_timestamp_seconds", 1)[""] > read_at[""]
    events = [line["event"] for line in logs if line["log_level"] in ("warning", "info")]
    assert events == ["gauges cannot be read", "gauges are read again"]


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1", "127.0.0.1:99999"])
def test_an_invalid_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"METRICS_ADDRESS=.*nvalid Prometheus address"):
        build_runtime(address)
