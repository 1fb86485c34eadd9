"""Telemetry: analytics of every company as Prometheus gauges, served by the workers next to the SDK's own metrics.

They are never served by the gateway's `/metrics`, which is public: they are a tenant's numbers, though not personal
data. Every worker exports all of them, so that none of them is indispensable; queries take the maximum by company.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping

import psycopg
import structlog
from temporalio.common import MetricGaugeFloat, MetricMeter

from db.analytics import journey_analytics
from db.analytics.journey_analytics import AnalyticsQuery
from db.connections import Pool
from db.journeys.rulebooks import RulebookCache
from db.operations import company_gauges
from db.people import companies

INTERVAL = 60.0  # seconds
TIME_SHARE = 0.1  # of the time at most: if reading takes long, the pauses become longer than INTERVAL
DAY = 86_400  # seconds

#: Each has the label `company`, some have another one.
GAUGES = {
    "perdure_stage_seconds": "mean time in each stage; open stays count up to now",
    "perdure_stage_customers": "customers by stage",
    "perdure_funnel_customers": "journeys started in the last 30 days that reached each stage",
    "perdure_conversion_ratio": "share of those that reached the previous growth stage that also reached this one",
    "perdure_risk_customers": "customers by risk score; a bucket is above its first number, up to its second",
    "perdure_actions": "actions finished in the last 30 days, by status",
    "perdure_automation_success_ratio": "share of succeeded among succeeded and failed actions",
    "perdure_open_tasks": "open staff tasks",
    "perdure_overdue_seconds": "age of the oldest deadline that has passed without an evaluation",
    "perdure_figures_timestamp_seconds": "when these gauges were computed, in seconds since 1970",
}

Series = tuple[str, str, str]  # name of the gauge, its other label and that label's value ("" without one)

log = structlog.get_logger("company_gauges")


async def read_gauges(pool: Pool, rulebooks: RulebookCache, company_id: int) -> dict[Series, float]:
    """Read one company's gauges in base units: seconds, and ratios from 0 to 1.

    The queries run one after another, on one connection at a time, because journeys take precedence.

    Raises:
        psycopg.Error: A query failed.
        LookupError: The company does not exist.
        journey.rules.InvalidRule: Its rules do not parse.
    """
    stages = (await rulebooks.latest(pool, company_id)).all_stages
    query = AnalyticsQuery(stages, period="month")
    customers = await journey_analytics.distribution(pool, company_id, query)
    days = dict.fromkeys(customers, 0.0) | await journey_analytics.time_in_stage(pool, company_id, query)
    funnel = await journey_analytics.funnel(pool, company_id, query)
    risk = await company_gauges.risk_distribution(pool, company_id)
    finished = await company_gauges.finished_actions(pool, company_id)
    attempted = finished["succeeded"] + finished["failed"]
    return {
        **{("perdure_stage_customers", "stage", stage): n for stage, n in customers.items()},
        **{("perdure_stage_seconds", "stage", stage): round(DAY * mean, 2) for stage, mean in days.items()},
        **{("perdure_funnel_customers", "stage", step["stage"]): step["customers"] for step in funnel},
        # every journey reaches the first stage
        **{
            ("perdure_conversion_ratio", "stage", step["stage"]): round(step["conversionRate"] / 100, 4)
            for step in funnel[1:]
        },
        **{("perdure_risk_customers", "bucket", bucket): n for bucket, n in risk.items()},
        **{("perdure_actions", "status", status): n for status, n in finished.items()},
        ("perdure_automation_success_ratio", "", ""): finished["succeeded"] / attempted if attempted else 0.0,
        ("perdure_open_tasks", "", ""): await company_gauges.open_tasks(pool, company_id),
        ("perdure_overdue_seconds", "", ""): await company_gauges.overdue_seconds(pool, company_id),
        ("perdure_figures_timestamp_seconds", "", ""): time.time(),
    }


class CompanyGauges:
    """The gauges of all companies. A failure to read them is logged once, and once more when it is over."""

    def __init__(self, pool: Pool, meter: MetricMeter) -> None:
        self._pool, self._rulebooks = pool, RulebookCache()
        self._gauges = {name: meter.create_gauge_float(name, text) for name, text in GAUGES.items()}
        self._series: defaultdict[int, dict[Series, MetricGaugeFloat]] = defaultdict(dict)
        self._failing: set[int | None] = set()  # companies; None: all of them

    async def run(self, interval: float = INTERVAL) -> None:
        """Refresh until cancelled, about every ``interval`` seconds, with jitter so that workers do not coincide."""
        while True:
            started = time.monotonic()
            await self.refresh()
            elapsed = time.monotonic() - started
            await asyncio.sleep(max(interval, elapsed / TIME_SHARE) * random.uniform(0.9, 1.1))

    async def refresh(self) -> None:
        """Set every company's gauges. Those that cannot be read keep their previous values and timestamp."""
        try:
            for company_id in await companies.all_ids(self._pool):
                try:
                    self._set(company_id, await read_gauges(self._pool, self._rulebooks, company_id))
                    self._recovered(company_id)
                except psycopg.OperationalError:
                    raise  # the other companies' queries would fail too
                except Exception as error:  # noqa: BLE001 - logged; one company's rules must not hide the others' gauges
                    self._failed(company_id, error)
            self._recovered(None)
        except Exception as error:  # noqa: BLE001 - logged; journeys continue without gauges
            self._failed(None, error)

    def _set(self, company_id: int, values: Mapping[Series, float]) -> None:
        """Set every series; one that no longer exists, such as that of a removed stage, is set to 0."""
        known = self._series[company_id]
        for series in values.keys() - known.keys():
            name, label, value = series
            labels = {"company": str(company_id), **({label: value} if label else {})}
            known[series] = self._gauges[name].with_additional_attributes(labels)
        for series, gauge in known.items():
            gauge.set(values.get(series, 0))

    def _recovered(self, company_id: int | None) -> None:
        if company_id in self._failing:
            self._failing.remove(company_id)
            log.info("gauges are read again", company=company_id)

    def _failed(self, company_id: int | None, error: Exception) -> None:
        if company_id not in self._failing:
            self._failing.add(company_id)
            log.warning("gauges cannot be read", company=company_id, error=f"{type(error).__name__}: {error}".strip())
