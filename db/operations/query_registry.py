"""Registry of the essential queries, for `journey optimize-queries`: each entry calls the function that executes it.

The modules of `db/analytics` declare their own entries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from psycopg import sql

from db import analytics
from db.connections import Pool, tenant_rows, tenant_transaction
from db.essential_queries import RegisteredQuery, SampleJourney
from db.journeys import appointment_list, appointments, event_outcomes, ledger, ledger_snapshot, relationships
from db.journeys.appointment_list import AppointmentSearch
from db.journeys.projection import PREPARE_JOURNEY, packed_state
from db.journeys.relationships import MAX_SORTED, SORTS, RelationshipSearch
from db.journeys.rulebooks import RulebookCache
from db.operations import company_gauges, event_import, maintenance, validation
from db.outreach import action_problems, action_queries, task_queries
from db.outreach.action_context import load_action_contexts
from db.outreach.action_queries import ActionSearch
from db.outreach.task_queries import TaskSearch
from db.people import api_keys, customer_search, duplicates
from db.people.customer_search import Found
from journey.search_text import criteria
from journey.stages import DEFAULT_RULEBOOK, Role
from journey.time import to_micros


async def find_sample(pool: Pool, company_id: int, now: datetime) -> SampleJourney:
    """Find a customer of the company as the sample; a placeholder if it has no customers."""
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
        return SampleJourney(company_id, now=now)
    customer_id, event_id, run_id, version = rows[0]
    return SampleJourney(company_id, customer_id, event_id, run_id, version, now)


async def _journey(pool: Pool, sample: SampleJourney) -> None:
    async with tenant_transaction(pool, sample.company_id) as connection:
        await connection.execute(PREPARE_JOURNEY)
        hot = sql.SQL("execute journey_with_timeline ({}, {}, 200, null)").format(sample.company_id, sample.customer_id)
        await connection.execute(hot)


async def _commit(pool: Pool, sample: SampleJourney) -> None:
    """Commit one event to an existing journey."""
    values: dict[str, Any] = defaultdict(lambda: None)
    values |= {"company": sample.company_id, "customer": sample.customer_id, "expected_version": sample.version}
    values |= {
        "expected_run_id": sample.run_id,
        "new_ids": [sample.event_id],
        "rules_version": 1,
        "version": sample.version + 1,
    }
    values |= {"decided_at": sample.now, "entries": "[]", "transitions": "[]", "retractions": "[]"}
    await ledger.write(pool, sample.company_id, values, is_retry=False)


def _page(search: RelationshipSearch) -> Callable[[Pool, SampleJourney], Awaitable[Any]]:
    return lambda pool, sample: relationships.list_relationships(pool, sample.company_id, search)


async def _rules(pool: Pool, sample: SampleJourney) -> None:
    async with tenant_transaction(pool, sample.company_id) as connection:
        await RulebookCache().load(connection, sample.company_id)


def _appointments(days: int, outcomes: Sequence[str]) -> Callable[[Pool, SampleJourney], Awaitable[Any]]:
    def run(pool: Pool, sample: SampleJourney) -> Awaitable[Any]:
        first, last = sorted((sample.now, sample.now + timedelta(days=days)))
        return appointment_list.list_appointments(pool, sample.company_id, AppointmentSearch(first, last, outcomes))

    return run


def _declared_queries() -> list[RegisteredQuery]:
    """Collect `ESSENTIAL_QUERIES` of every module in `db/analytics`."""
    modules = [import_module(f"{analytics.__name__}.{module.name}") for module in iter_modules(analytics.__path__)]
    return [query for module in modules for query in getattr(module, "ESSENTIAL_QUERIES", ())]


QUERIES: tuple[RegisteredQuery, ...] = (
    RegisteredQuery("API key lookup", lambda pool, sample: api_keys.find(pool, "pk_of_nobody")),
    RegisteredQuery("journey with its timeline", _journey),
    RegisteredQuery(
        "journey state and last transitions",
        lambda pool, sample: packed_state(pool, sample.company_id, sample.customer_id),
    ),
    RegisteredQuery("rules of a company", _rules),
    RegisteredQuery("commit", _commit, writes=True),
    RegisteredQuery(
        "commit: load the journey and its events",
        lambda pool, sample: ledger_snapshot.load(pool, sample.company_id, sample.customer_id, [sample.event_id]),
    ),
    RegisteredQuery(
        "import: events already in the ledger",
        lambda pool, sample: event_import.existing_events(pool, sample.company_id, [sample.event_id]),
    ),
    RegisteredQuery(
        "intake: outcomes of events",
        lambda pool, sample: event_outcomes.find_outcomes(pool, sample.company_id, [sample.event_id]),
    ),
    RegisteredQuery(
        "intake: transitions caused by events",
        lambda pool, sample: event_outcomes.find_caused_transitions(
            pool, sample.company_id, [sample.customer_id], [sample.event_id]
        ),
    ),
    RegisteredQuery(
        "actions with their context",
        lambda pool, sample: load_action_contexts(
            pool, sample.company_id, sample.customer_id, ["1:key"], to_micros(sample.now)
        ),
    ),
    *(
        RegisteredQuery(f"relationships by {sort.replace('_', ' ')}", _page(RelationshipSearch(sort=sort)))
        for sort in SORTS
    ),
    RegisteredQuery(
        "relationships in a stage, by risk", _page(RelationshipSearch(stages=DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)))
    ),
    RegisteredQuery(
        "relationships above a risk", _page(RelationshipSearch(min_risk=float(DEFAULT_RULEBOOK.scoring.high_risk)))
    ),
    RegisteredQuery(
        "search: customers by text",
        lambda pool, sample: customer_search.find_customers(pool, sample.company_id, "ann"),
    ),
    RegisteredQuery(
        "search: customers by several words",
        lambda pool, sample: customer_search.find_customers(pool, sample.company_id, "ann lee"),
    ),
    RegisteredQuery("search: page of customers", _page(RelationshipSearch(found=Found([1, 2, 3], [])))),
    RegisteredQuery(
        "search: page of many customers", _page(RelationshipSearch(found=Found(list(range(MAX_SORTED + 1)), [])))
    ),
    RegisteredQuery(
        "search: page of thousands of customers",
        _page(RelationshipSearch(found=Found(None, criteria("ann"), is_hashed=True))),
    ),
    RegisteredQuery("search: page of very many customers", _page(RelationshipSearch(found=Found(None, criteria("c"))))),
    RegisteredQuery("open tasks", lambda pool, sample: task_queries.list_tasks(pool, sample.company_id, TaskSearch())),
    RegisteredQuery(
        "failed actions",
        lambda pool, sample: action_queries.list_actions(pool, sample.company_id, ActionSearch(statuses=("failed",))),
    ),
    RegisteredQuery("booked appointments of a week", _appointments(7, ("open", "completed", "missed"))),
    RegisteredQuery("appointments without an outcome", _appointments(-7, ("open",))),
    RegisteredQuery(
        "appointments: customers to compute anew", lambda pool, sample: appointments.catch_up(pool, sample.company_id)
    ),
    *action_problems.ESSENTIAL_QUERIES,
    *duplicates.ESSENTIAL_QUERIES,
    *_declared_queries(),
    RegisteredQuery(
        "overdue deadlines",
        lambda pool, sample: maintenance.overdue_journeys(pool, sample.company_id, sample.month_ago, limit=200),
    ),
    RegisteredQuery(
        "oldest overdue deadline", lambda pool, sample: company_gauges.overdue_seconds(pool, sample.company_id)
    ),
    RegisteredQuery(
        "batch of journeys", lambda pool, sample: maintenance.journey_rows(pool, sample.company_id, after=1)
    ),
    RegisteredQuery(
        "batch of journeys with their ledger",
        lambda pool, sample: validation.consistency_rows(pool, sample.company_id, after=1, limit=500),
    ),
)
