"""Every essential query has a plan in the company's scope; one that reads a large table through is warned of."""

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from cli.maintenance.optimize_queries import optimize
from db.connections import Pool
from db.operations import query_plans
from db.operations.query_plans import Plan
from db.operations.query_registry import ESSENTIAL, sample
from settings import Settings
from tests.conftest import NewDatabase
from tests.db.conftest import application_pool

FEW, MANY = 1, 2  # companies: one that has a hundredth of everything, and the one that has the rest
NOW = datetime.now(UTC)
BY_NAME = {essential.name: essential for essential in ESSENTIAL}

FILL = """
insert into companies (id, name) values (1, 'few'), (2, 'many');
insert into customers (company_id, external_id) select case when g % 100 = 0 then 1 else 2 end, 'c' || g
  from generate_series(1, 20000) g;
insert into customer_relationships (company_id, customer_id, current_stage, stage_entered_at, risk_score, version,
                                    run_id, decided_at, state, next_deadline)
select company_id, id, 'customer', now(), round((id % 100) / 100.0, 2), 1, 'run', now(), '{}',
       now() + (id || ' hours')::interval from customers;
insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload, outcome,
                            version, rules_version)
select company_id, id, 'e' || id, decode(md5(id::text), 'hex'), 'feedback.received', now(), '{}', 'applied', 1, 1
  from customers;
"""


@pytest.fixture(scope="module")
def filled(new_database: NewDatabase, migrated_template: str) -> str:
    """Twenty thousand journeys of two companies, known to the planner; nothing in the tests changes it."""
    url = new_database(template=migrated_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute("vacuum analyze")
    return url


async def explained(url: str, company: int, *names: str, analyze: bool = False) -> dict[str, Plan]:
    """The plans of these queries, or of all."""
    found = {}
    async with application_pool(url) as pool, query_plans.explaining_pool(url, analyze=analyze) as explaining:
        of, sizes = await sample(pool, company, NOW), await query_plans.table_sizes(pool)
        for essential in [BY_NAME[name] for name in names] or ESSENTIAL:
            if not (analyze and essential.writes):
                found[essential.name] = await query_plans.explain(pool, explaining, essential, of, sizes)
    return found


async def test_every_query_is_explained_and_none_is_run(filled: str) -> None:
    found = await explained(filled, FEW)
    assert len(found) == len(ESSENTIAL)
    assert {plan.ms for plan in found.values()} == {None}
    assert "journey_events_timeline" in found["a journey with its timeline"].indexes
    assert found["overdue deadlines"].indexes[-1] == "idx_next_deadline"
    assert {"customers_company_id_external_id_key", "unique_company_customer"} <= set(found["commit"].indexes)
    with psycopg.connect(filled) as connection:
        versions = connection.execute("select distinct version from customer_relationships").fetchall()
    assert versions == [(1,)], "the commit was not written"


async def test_they_are_timed_when_they_are_run(filled: str) -> None:
    found = await explained(filled, MANY, analyze=True)
    assert all(plan.ms is not None and plan.ms > 0 for plan in found.values())
    assert "commit" not in found


async def test_who_reads_all_of_a_large_company_may_read_its_tables_through(filled: str) -> None:
    search = "relationships found by a text"
    plan = (await explained(filled, MANY, search))[search]
    assert plan.through.keys() & {"customers", "customer_relationships"}
    assert set(plan.through.values()) == {f"it is about the whole company, which has 99% of {t}" for t in plan.through}
    assert plan.warning is None


async def test_a_table_without_its_index_is_warned_of(new_database: NewDatabase, filled: str) -> None:
    without = new_database(template=urlsplit(filled).path[1:])
    with psycopg.connect(without, autocommit=True) as connection:
        connection.execute("drop index idx_next_deadline")
        connection.execute(
            "alter table journey_events drop constraint journey_events_company_id_event_id_content_hash_key"
        )
        connection.execute("drop index journey_events_applied_once, journey_events_timeline")
    overdue, dedupe = "overdue deadlines", "import: which events are known"
    before, after = await explained(filled, MANY, overdue, dedupe), await explained(without, MANY, overdue, dedupe)
    assert [plan.warning for plan in before.values()] == [None, None]
    assert after[overdue].warning == "reads customer_relationships through"
    assert after[dedupe].warning == "reads journey_events through"


async def test_the_command_says_it_with_its_exit_code(
    new_database: NewDatabase, filled: str, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = Settings(database_url=database_url)
    assert await optimize(empty, None, analyze=False, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"company_id": None, "queries": []}
    # the pages in an order that no index has
    assert await optimize(Settings(database_url=filled), None, analyze=False, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["company_id"], len(report["queries"])) == (MANY, len(ESSENTIAL))
    warned = {query["query"] for query in report["queries"] if query["warning"]}
    assert warned
    assert all(name.startswith("relationships ") for name in warned)
    assert await optimize(Settings(database_url=filled), FEW, analyze=True, as_json=False) == 0
    assert "none reads a large table through" in capsys.readouterr().out
    with pytest.raises(ValueError, match="there is no company 7"):
        await optimize(Settings(database_url=filled), 7, analyze=False, as_json=True)


async def test_a_company_without_anybody_is_explained_too(database_url: str, pool: Pool) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into companies (id, name) values (1, 'empty')")
    assert len(await explained(database_url, 1)) == len(ESSENTIAL)
