"""Every registered query has a plan in the company's scope; a sequential scan on a large table is a warning."""

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from cli.maintenance.optimize_queries import optimize
from db.connections import Pool
from db.operations import query_plans
from db.operations.query_plans import Plan
from db.operations.query_registry import QUERIES, find_sample
from settings import Settings
from tests.conftest import NewDatabase
from tests.db.conftest import application_pool

FEW, MANY = 1, 2  # company ids: one with a hundredth of the rows, and one with the rest
NOW = datetime.now(UTC)
BY_NAME = {query.name: query for query in QUERIES}

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
insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, status, due_at)
select company_id, id, 'k' || id, 'send_welcome_email', 'lead', 2,
       case when id % 10 = 0 then 'suppressed' when id % 1000 = 1 then 'failed' else 'succeeded' end, now()
  from customer_relationships;
insert into appointments (company_id, customer_id, key, appointment_id, scheduled_for, booked_at, last_event_at,
                          outcome)
select company_id, id, 'k', 'a', now() + interval '1 hour' * (id - 10000), now(), now(),
       case when id < 10000 then 'completed' else 'open' end from customers;
"""


@pytest.fixture(scope="module")
def filled(new_database: NewDatabase, migrated_template: str) -> str:
    """Twenty thousand analyzed journeys of two companies; read-only for the tests."""
    url = new_database(template=migrated_template)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute("vacuum analyze")
    return url


async def explained(url: str, company: int, *names: str, analyze: bool = False) -> dict[str, Plan]:
    """Return the plans of these queries, or of all."""
    plans = {}
    async with application_pool(url) as pool, query_plans.open_explain_pool(url, analyze=analyze) as explain_pool:
        sample, sizes = await find_sample(pool, company, NOW), await query_plans.table_sizes(pool)
        for query in [BY_NAME[name] for name in names] or QUERIES:
            if not (analyze and query.writes):
                plans[query.name] = await query_plans.explain(pool, explain_pool, query, sample, sizes)
    return plans


async def test_every_query_is_explained_and_none_is_executed(filled: str) -> None:
    plans = await explained(filled, FEW)
    assert len(plans) == len(QUERIES)
    assert {plan.ms for plan in plans.values()} == {None}
    assert "journey_events_timeline" in plans["journey with its timeline"].indexes
    assert plans["overdue deadlines"].indexes[-1] == "idx_next_deadline"
    assert {"customers_company_id_external_id_key", "unique_company_customer"} <= set(plans["commit"].indexes)
    with psycopg.connect(filled) as connection:
        versions = connection.execute("select distinct version from customer_relationships").fetchall()
    assert versions == [(1,)], "the commit was not written"


async def test_appointments_are_read_in_the_order_of_an_index(filled: str) -> None:
    week, unconfirmed = "booked appointments of a week", "appointments without an outcome"
    plans = await explained(filled, MANY, week, unconfirmed, "appointments: customers to compute anew", analyze=True)
    assert "appointments_by_time" in plans[week].indexes
    assert "appointments_open" in plans[unconfirmed].indexes
    for plan in plans.values():
        assert not plan.sequential_scans


async def test_churn_predictions_are_read_in_the_order_of_indexes(filled: str) -> None:
    by_index = {
        "churn predictions": "customer_relationships_by_stage_and_expected_value",
        "churn predictions above a risk": "customer_relationships_by_risk",  # everybody is in one stage
        "churn predictions up to a return probability": "customer_relationships_by_stage_and_return",
    }
    plans = await explained(filled, MANY, *by_index, "sankey, one month")
    for name, index in by_index.items():
        assert index in plans[name].indexes
        assert "customer_relationships" not in plans[name].sequential_scans


async def test_failed_and_held_back_actions_are_read_from_their_index(filled: str) -> None:
    plans = [plan for name, plan in (await explained(filled, MANY)).items() if "failed and held-back actions" in name]
    assert len(plans) == 3
    assert all("journey_actions_problems" in plan.indexes and not plan.sequential_scans for plan in plans)


async def test_analyze_measures_times(filled: str) -> None:
    plans = await explained(filled, MANY, analyze=True)
    assert all(plan.ms is not None and plan.ms > 0 for plan in plans.values())
    assert "commit" not in plans


async def test_a_query_over_a_whole_large_company_may_scan_its_tables(filled: str) -> None:
    query = "stage metrics: first due day"
    plan = (await explained(filled, MANY, query))[query]
    assert plan.sequential_scans == {"journey_events": "it reads the whole company, which has 99% of journey_events"}
    assert plan.warning is None


async def test_every_list_of_journeys_has_an_index_in_its_order(filled: str) -> None:
    for company in (FEW, MANY):
        plans = await explained(filled, company)
        assert {name: plan.warning for name, plan in plans.items() if plan.warning} == {}
        assert "customers_sort_name" in plans["relationships by name"].indexes
        assert "idx_next_deadline" in plans["relationships by next deadline"].indexes
        for sort in ("risk", "lifetime value", "last appointment at", "stage entered at", "created at"):
            index = f"customer_relationships_sort_{'risk_score' if sort == 'risk' else sort.replace(' ', '_')}"
            assert index in plans[f"relationships by {sort}"].indexes
        assert "customer_relationships_sort_inactive_since" in plans["relationships by days inactive"].indexes


async def test_a_search_uses_the_index_of_terms(filled: str) -> None:
    names = ("search: customers by text", "search: page of customers", "search: page of very many customers")
    by_text, page, many = (await explained(filled, MANY, *names)).values()
    assert by_text.indexes == ["customer_search_terms_by_term"]
    assert page.scanned_tables == ["customer_journey_stages"]
    assert {"customer_relationships_sort_risk_score", "customer_search_terms_pkey"} <= set(many.indexes)


async def test_a_missing_index_is_a_warning(new_database: NewDatabase, filled: str) -> None:
    without = new_database(template=urlsplit(filled).path[1:])
    with psycopg.connect(without, autocommit=True) as connection:
        connection.execute("drop index idx_next_deadline")
        connection.execute(
            "alter table journey_events drop constraint journey_events_company_id_event_id_content_hash_key"
        )
        connection.execute("drop index journey_events_applied_once, journey_events_timeline")
    overdue, dedupe = "overdue deadlines", "import: events already in the ledger"
    before, after = await explained(filled, MANY, overdue, dedupe), await explained(without, MANY, overdue, dedupe)
    assert [plan.warning for plan in before.values()] == [None, None]
    assert after[overdue].warning == "sequential scan on customer_relationships"
    assert after[dedupe].warning == "sequential scan on journey_events"


async def test_the_exit_code_of_the_command_reports_warnings(
    new_database: NewDatabase, filled: str, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    without = new_database(template=urlsplit(filled).path[1:])
    with psycopg.connect(without, autocommit=True) as connection:
        connection.execute("drop index customers_sort_name, customer_relationships_sort_inactive_since")
    empty = Settings(database_url=database_url)
    assert await optimize(empty, None, analyze=False, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"company_id": None, "queries": []}
    assert await optimize(Settings(database_url=without), None, analyze=False, as_json=True) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["company_id"], len(report["queries"])) == (MANY, len(QUERIES))
    warned = {query["query"] for query in report["queries"] if query["warning"]}
    assert warned == {"relationships by name", "relationships by days inactive"}
    assert await optimize(Settings(database_url=filled), MANY, analyze=True, as_json=False) == 0
    assert "no sequential scans on large tables" in capsys.readouterr().out
    with pytest.raises(ValueError, match="there is no company 7"):
        await optimize(Settings(database_url=filled), 7, analyze=False, as_json=True)


async def test_an_empty_company_can_be_explained(database_url: str, pool: Pool) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into companies (id, name) values (1, 'empty')")
    assert len(await explained(database_url, 1)) == len(QUERIES)
