"""The reference logs: all analytics equal the values computed from the logs alone."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from cli.events.event_log_file import read_log
from db.analytics import journey_analytics
from db.analytics.journey_analytics import AnalyticsQuery
from db.analytics.rollup_writer import companies_with_pending_rollups
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool
from journey.simulate import Log
from journey.time import to_micros
from tests.conftest import NewDatabase
from tests.db.conftest import application_pool
from tests.support.journey_rows import insert_company, roll_up_all

DATA = Path(os.environ.get("PERDURE_DATA") or "nowhere")
LOGS = ["anonymous_bank_calls", "cdnow_sample", "hair_salon", "online_retail"]

pytestmark = pytest.mark.skipif(
    not (DATA / "reference").is_dir(), reason="PERDURE_DATA names no folder with events/ and reference/"
)


@pytest.fixture(scope="module")
def logs_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A database with one company per log, decided until 120 days after its end; its id is the position in LOGS."""
    url = new_database(template=migrated_template)
    for company, name in enumerate(LOGS, 1):
        log = Log()
        for event in (line.event for line in read_log(DATA / "events" / f"{name}.jsonl.gz")):
            assert event is not None
            log.add(event)
        end = datetime.fromisoformat(reference(name)["end_plus_120d"]["at"])
        insert_company(url, company, log.customers.values(), to_micros(end))
    return url


def reference(log: str) -> dict[str, Any]:
    reference: dict[str, Any] = json.loads((DATA / "reference" / f"{log}.json").read_bytes())["as_of"]
    return reference


@dataclass
class Case:
    """One log as of one instant: the reference values, and its company in the database."""

    expected: dict[str, Any]
    pool: Pool
    company: int

    @property
    def query(self) -> AnalyticsQuery:
        return AnalyticsQuery(as_of=datetime.fromisoformat(self.expected["at"]))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rolled_url(logs_url: str, new_database: NewDatabase) -> str:
    """The same database, rolled up."""
    url = new_database(template=urlsplit(logs_url).path[1:])
    async with application_pool(url) as pool:
        await roll_up_all(pool)
        assert await companies_with_pending_rollups(pool) == []
    return url


CASES = [(log, when, how) for log in LOGS for when in ("end", "end_plus_120d") for how in ("rolled up", "waiting")]


@pytest_asyncio.fixture(params=CASES, ids="-".join)
async def case(request: pytest.FixtureRequest, logs_url: str, rolled_url: str) -> AsyncIterator[Case]:
    log, when, how = request.param
    async with application_pool(rolled_url if how == "rolled up" else logs_url) as pool:
        yield Case(reference(log)[when], pool, LOGS.index(log) + 1)


async def test_stages(case: Case) -> None:
    assert await journey_analytics.distribution(case.pool, case.company, case.query) == case.expected["stages"]


async def test_transitions(case: Case) -> None:
    transitions = await journey_analytics.transitions(case.pool, case.company, case.query)
    assert in_order(transitions) == in_order(case.expected["transitions"])


def in_order(moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(moves, key=lambda move: (str(move["from"]), move["to"]))


async def test_average_days_in_stage(case: Case) -> None:
    assert (
        await journey_analytics.time_in_stage(case.pool, case.company, case.query)
        == case.expected["average_days_in_stage"]
    )


async def test_funnel(case: Case) -> None:
    funnel = await journey_analytics.funnel(case.pool, case.company, case.query)
    steps = [{"stage": step["stage"], "customers": step["customers"]} for step in funnel]
    assert steps == case.expected["funnel"]


async def test_stage_metrics(case: Case) -> None:
    days = {metric["metric_date"] for metric in case.expected["stage_metrics"]}
    expected = {(m["metric_date"], m["stage"]): exact(m) for m in case.expected["stage_metrics"]}
    assert days
    for day in map(date.fromisoformat, days):
        text = await stage_metrics(case.pool, case.company, case.query, day, day)
        for row in json.loads(text, parse_float=Decimal):
            key = (row["metric_date"], row["stage"])
            assert exact(row) == expected.pop(key, (0, None, 0, None, Decimal(0))), key
    assert not expected


def exact(metric: dict[str, Any]) -> tuple[Any, ...]:
    """Return the numbers of one row, decimals as `Decimal`."""
    mean, rate = metric["avg_time_in_stage"], metric["conversion_rate"]
    return (
        metric["customer_count"],
        None if mean is None else Decimal(str(mean)),
        metric["journeys_entered_30d"],
        None if rate is None else Decimal(str(rate)),
        Decimal(str(metric["revenue"])),
    )


async def test_a_range_of_days_equals_its_single_days(case: Case) -> None:
    last = datetime.fromisoformat(case.expected["at"]).date()
    first = date.fromordinal(last.toordinal() - 40)
    together = json.loads(await stage_metrics(case.pool, case.company, case.query, first, last))
    for day in (first, date.fromordinal(last.toordinal() - 7), last):
        alone = json.loads(await stage_metrics(case.pool, case.company, case.query, day, day))
        assert [row for row in together if row["metric_date"] == day.isoformat()] == alone
