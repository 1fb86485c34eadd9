"""Every company's figures as gauges beside the SDK's own metrics, for a Prometheus that scrapes the workers.

Never on the gateway's `/metrics`, which is open to everyone: these are tenants' figures, though no customer's. Every
worker tells them all, so that they are there whichever worker is; whoever reads takes the maximum by company.
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

EVERY = 60.0  # seconds
SHARE = 0.1  # of the time at most: where reading takes long, the pauses become longer than EVERY
DAY = 86_400  # seconds

#: each has the label `company`, some a further one
GAUGES = {
    "perdure_stage_seconds": "mean stay in each stage, open stays up to now",
    "perdure_stage_customers": "customers by stage",
    "perdure_funnel_customers": "of the journeys that started in the last 30 days, those that reached each stage",
    "perdure_conversion_ratio": "of those that reached the growth stage before, the share that reached this one",
    "perdure_risk_customers": "customers by risk score: a bucket is above its first number, up to its second",
    "perdure_actions": "actions that ended in the last 30 days, by how",
    "perdure_automation_success_ratio": "of the actions that succeeded or failed, the share that succeeded",
    "perdure_open_tasks": "tasks of people that are not done",
    "perdure_overdue_seconds": "age of the oldest deadline that has passed without an evaluation",
    "perdure_figures_timestamp_seconds": "when these figures were read, in seconds since 1970",
}

Series = tuple[str, str, str]  # the gauge's name, its further label and that label's value ("" without one)

log = structlog.get_logger("figures")


async def read(pool: Pool, rulebooks: RulebookCache, company_id: int) -> dict[Series, float]:
    """One company's figures, in base units: seconds, ratios from 0 to 1. One query after another, on one connection at
    a time: journeys come first.

    Raises psycopg.Error, LookupError for a company that is gone, journey.rules.InvalidRule.
    """
    stages = (await rulebooks.latest(pool, company_id)).all_stages
    query = AnalyticsQuery(stages, period="month")
    customers = await journey_analytics.distribution(pool, company_id, query)
    days = dict.fromkeys(customers, 0.0) | await journey_analytics.time_in_stage(pool, company_id, query)
    funnel = await journey_analytics.funnel(pool, company_id, query)
    risk = await company_gauges.risk_distribution(pool, company_id)
    ended = await company_gauges.finished_actions(pool, company_id)
    tried = ended["succeeded"] + ended["failed"]
    return {
        **{("perdure_stage_customers", "stage", stage): n for stage, n in customers.items()},
        **{("perdure_stage_seconds", "stage", stage): round(DAY * mean, 2) for stage, mean in days.items()},
        **{("perdure_funnel_customers", "stage", step["stage"]): step["customers"] for step in funnel},
        # every journey reaches the first
        **{
            ("perdure_conversion_ratio", "stage", step["stage"]): round(step["conversionRate"] / 100, 4)
            for step in funnel[1:]
        },
        **{("perdure_risk_customers", "bucket", bucket): n for bucket, n in risk.items()},
        **{("perdure_actions", "status", status): n for status, n in ended.items()},
        ("perdure_automation_success_ratio", "", ""): ended["succeeded"] / tried if tried else 0.0,
        ("perdure_open_tasks", "", ""): await company_gauges.open_tasks(pool, company_id),
        ("perdure_overdue_seconds", "", ""): await company_gauges.overdue_seconds(pool, company_id),
        ("perdure_figures_timestamp_seconds", "", ""): time.time(),
    }


class Figures:
    """The gauges of all companies, and what is wrong with reading them, which is logged once until it is right."""

    def __init__(self, pool: Pool, meter: MetricMeter) -> None:
        self._pool, self._rulebooks = pool, RulebookCache()
        self._gauges = {name: meter.create_gauge_float(name, text) for name, text in GAUGES.items()}
        self._told: defaultdict[int, dict[Series, MetricGaugeFloat]] = defaultdict(dict)
        self._failing: set[int | None] = set()  # companies; None: all of them

    async def keep(self, every: float = EVERY) -> None:
        """Refresh about every so many seconds, for ever. Workers that start together do not stay together."""
        while True:
            started = time.monotonic()
            await self.refresh()
            took = time.monotonic() - started
            await asyncio.sleep(max(every, took / SHARE) * random.uniform(0.9, 1.1))

    async def refresh(self) -> None:
        """Tell every company's figures of now. What cannot be read keeps its old ones, with their timestamp."""
        try:
            for company_id in await companies.all_ids(self._pool):
                try:
                    self._tell(company_id, await read(self._pool, self._rulebooks, company_id))
                    self._works(company_id)
                except psycopg.OperationalError:
                    raise  # no other company's would be answered
                except Exception as error:  # noqa: BLE001 - logged; one company's rules must not hide another's figures
                    self._fails(company_id, error)
            self._works(None)
        except Exception as error:  # noqa: BLE001 - logged; journeys go on without figures
            self._fails(None, error)

    def _tell(self, company_id: int, figures: Mapping[Series, float]) -> None:
        """Set every series; one that was told before and is no more, like that of a stage given up, to 0."""
        told = self._told[company_id]
        for series in figures.keys() - told.keys():
            name, label, value = series
            labels = {"company": str(company_id), **({label: value} if label else {})}
            told[series] = self._gauges[name].with_additional_attributes(labels)
        for series, gauge in told.items():
            gauge.set(figures.get(series, 0))

    def _works(self, company_id: int | None) -> None:
        if company_id in self._failing:
            self._failing.remove(company_id)
            log.info("figures are read again", company=company_id)

    def _fails(self, company_id: int | None, error: Exception) -> None:
        if company_id not in self._failing:
            self._failing.add(company_id)
            log.warning("figures cannot be read", company=company_id, error=f"{type(error).__name__}: {error}".strip())
