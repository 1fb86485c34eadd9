"""The essential queries of the product, in one place: each is the call of the function that asks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import sql

from db.analytics import journey_analytics, metric_days
from db.analytics.churn_predictions import churn_predictions
from db.analytics.journey_analytics import View
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool, tenant_rows, tenant_transaction
from db.journeys import event_outcomes, ledger, relationships
from db.journeys.projection import JOURNEY, packed_state
from db.journeys.relationships import SORTS, Search
from db.journeys.rulebooks import Rulebooks
from db.operations import company_gauges, maintenance, validation
from db.outreach import action_queries, actions
from db.outreach.action_queries import ActionSearch, TaskSearch
from db.people import api_keys


@dataclass(frozen=True, slots=True)
class Sample:
    """Whom the queries are asked of: a company and one of its customers, with an event of his."""

    company_id: int
    customer_id: str = "nobody"
    event_id: str = "nothing"
    run_id: str = ""
    version: int = 0
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def month_ago(self) -> datetime:
        return self.now - timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Essential:
    """One query: its name for people, and the call that asks it. ``whole``: every row of the company matters to it, so
    that no index could spare any; ``writes``: it is never run, only explained."""

    name: str
    ask: Callable[[Pool, Sample], Awaitable[Any]]
    whole: bool = False
    writes: bool = False


async def sample(pool: Pool, company_id: int, now: datetime) -> Sample:
    """A customer of the company with what is needed to ask for him; of nobody where it has none."""
    rows = await tenant_rows(
        pool,
        company_id,
        "select u.external_id, coalesce((select event_id from journey_events e where e.company_id = r.company_id"
        " and e.customer_id = r.customer_id and event_id is not null limit 1), ''), r.run_id, r.version"
        " from customer_relationships r join customers u on u.company_id = r.company_id and u.id = r.customer_id"
        " where r.company_id = %s order by r.id desc limit 1",
        [company_id],
    )
    if not rows:
        return Sample(company_id, now=now)
    customer_id, event_id, run_id, version = rows[0]
    return Sample(company_id, customer_id, event_id, run_id, version, now)


async def _journey(pool: Pool, of: Sample) -> None:
    async with tenant_transaction(pool, of.company_id) as connection:
        await connection.execute(JOURNEY)
        hot = sql.SQL("execute journey_with_timeline ({}, {}, 200, null)").format(of.company_id, of.customer_id)
        await connection.execute(hot)


async def _commit(pool: Pool, of: Sample) -> None:
    """The commit of one event to a journey that is known."""
    values: dict[str, Any] = defaultdict(lambda: None)
    values |= {"company": of.company_id, "customer": of.customer_id, "known_version": of.version}
    values |= {"known_run_id": of.run_id, "new_ids": [of.event_id], "rules_version": 1, "version": of.version + 1}
    values |= {"decided_at": of.now, "entries": "[]", "transitions": "[]"}
    await ledger.write(pool, of.company_id, values, is_retry=False)


def _page(search: Search) -> Callable[[Pool, Sample], Awaitable[Any]]:
    return lambda pool, of: relationships.page(pool, of.company_id, search)


async def _rules(pool: Pool, of: Sample) -> None:
    async with tenant_transaction(pool, of.company_id) as connection:
        await Rulebooks().load(connection, of.company_id)


ESSENTIAL: tuple[Essential, ...] = (
    Essential("whose a key is", lambda pool, of: api_keys.find(pool, "pk_of_nobody")),
    Essential("a journey with its timeline", _journey),
    Essential("a journey explained", lambda pool, of: packed_state(pool, of.company_id, of.customer_id)),
    Essential("a company's rules", _rules),
    Essential("commit", _commit, writes=True),
    Essential(
        "commit: what is known of it and of its events",
        lambda pool, of: ledger.load(pool, of.company_id, of.customer_id, [of.event_id]),
    ),
    Essential(
        "import: which events are known",
        lambda pool, of: maintenance.existing_events(pool, of.company_id, [of.event_id]),
    ),
    Essential(
        "intake: outcomes of events", lambda pool, of: event_outcomes.find_outcomes(pool, of.company_id, [of.event_id])
    ),
    Essential(
        "intake: transitions that events caused",
        lambda pool, of: event_outcomes.caused_transitions(pool, of.company_id, [of.customer_id], [of.event_id]),
    ),
    Essential(
        "actions to be done", lambda pool, of: actions.load(pool, of.company_id, of.customer_id, ["key"], of.now)
    ),
    *(Essential(f"relationships by {sort.replace('_', ' ')}", _page(Search(sort=sort))) for sort in SORTS),
    Essential("relationships of a stage, by risk", _page(Search(stages=("at_risk",)))),
    Essential("relationships over a risk", _page(Search(min_risk=0.7))),
    Essential("relationships found by a text", _page(Search(text="ann")), whole=True),
    Essential("open tasks", lambda pool, of: action_queries.tasks(pool, of.company_id, TaskSearch())),
    Essential(
        "failed actions",
        lambda pool, of: action_queries.actions(pool, of.company_id, ActionSearch(statuses=("failed",))),
    ),
    Essential(
        "dashboard of a month",
        lambda pool, of: journey_analytics.dashboard(pool, of.company_id, View(period="month")),
        True,
    ),
    Essential(
        "dashboard as of a month ago",
        lambda pool, of: journey_analytics.dashboard(pool, of.company_id, View(as_of=of.month_ago, period="month")),
        whole=True,
    ),
    Essential("summary", lambda pool, of: journey_analytics.summary(pool, of.company_id, View()), whole=True),
    Essential("distribution", lambda pool, of: journey_analytics.distribution(pool, of.company_id, View()), whole=True),
    Essential("funnel", lambda pool, of: journey_analytics.funnel(pool, of.company_id, View()), whole=True),
    Essential("transitions", lambda pool, of: journey_analytics.transitions(pool, of.company_id, View()), whole=True),
    Essential(
        "time in stage", lambda pool, of: journey_analytics.time_in_stage(pool, of.company_id, View()), whole=True
    ),
    Essential(
        "stage metrics of a month",
        lambda pool, of: stage_metrics(pool, of.company_id, View(), of.month_ago.date(), of.now.date()),
        whole=True,
    ),
    Essential(
        "stage metrics: the first day due",
        lambda pool, of: metric_days.first_due(pool, of.company_id, of.now.date()),
        whole=True,
    ),
    Essential(
        "churn predictions", lambda pool, of: churn_predictions(pool, of.company_id, View().stages, 50), whole=True
    ),
    Essential(
        "overdue deadlines", lambda pool, of: maintenance.overdue_journeys(pool, of.company_id, of.month_ago, limit=200)
    ),
    Essential("the oldest overdue deadline", lambda pool, of: company_gauges.overdue_seconds(pool, of.company_id)),
    Essential("a chunk of journeys", lambda pool, of: maintenance.journey_rows(pool, of.company_id, after=1)),
    Essential(
        "a chunk of journeys with their ledger",
        lambda pool, of: validation.consistency_rows(pool, of.company_id, after=1, limit=500),
    ),
)
