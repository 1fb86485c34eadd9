"""Fixtures: empty databases, and databases with two companies that have one row in every table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
import pytest_asyncio

from db.connections import Pool, open_pool
from tests.conftest import NewDatabase

# One row in every table for a company; its id is also the id of the customer and of the relationship.
ROWS = """
insert into companies (id, name) values ({c}, 'c{c}');
insert into customer_journey_stages (company_id, stage_key, stage_name, order_index) values ({c}, 's{c}', 'S', 1);
insert into rulebook_versions (company_id, version, effective_at, actor) values ({c}, 1, now(), 'system');
insert into customers (id, company_id, external_id, name) values ({c}, {c}, 'x{c}', 'name {c}');
insert into rule_previews (id, company_id, actor, base_version, stages, scoring, as_of)
    values ({c}, {c}, 'key/1', 1, '[]', '{{}}', now());
insert into rule_preview_chunks (company_id, preview_id, chunk, looked, result) values ({c}, {c}, 0, 1, '{{}}');
insert into rule_preview_customers (company_id, preview_id, relationship_id, customer_id, version, actions, messages,
    is_different, past_old, past_new) values ({c}, {c}, {c}, {c}, 1, '{{}}', 0, false, '{{}}', '{{}}');
delete from customer_search_terms where company_id = {c} and term <> 'x{c}';  -- written by the trigger
insert into customer_keys (company_id, customer_id, key) values ({c}, {c}, 'k{c}');
set session_replication_role = replica;  -- the other customer of the pair would be a second row of its table
insert into duplicate_customers (company_id, first_id, second_id, strength, reasons)
    values ({c}, {c}, {c}0, 1, '{{name}}');
set session_replication_role = origin;
insert into consent_withdrawals (company_id, customer_id, channel, address, address_key, source)
    values ({c}, {c}, 'email', 'x{c}@example.com', 'x{c}', 'customer');
insert into customer_relationships
    (id, company_id, customer_id, current_stage, stage_entered_at, lifetime_value, version, run_id, decided_at, state)
    values ({c}, {c}, {c}, 'lead', now(), {c}, 1, 'run', now(), '{{}}');
insert into merged_journeys (company_id, relationship_id, customer_id, alias_id, merged_at)
    values ({c}, {c}0, {c}, {c}, now());
insert into journey_transitions
    (company_id, relationship_id, sequence, to_stage, transitioned_at, trigger_type, version, decided_at)
    values ({c}, {c}, 1, 'lead', now(), 'automatic', 1, now());
insert into journey_events (company_id, customer_id, event_id, content_hash, outcome, version, rules_version)
    values ({c}, {c}, 'e{c}', decode(repeat('0{c}', 16), 'hex'), 'quarantined', 1, 1);
insert into journey_stage_metrics (company_id, stage_key, metric_date) values ({c}, 's{c}', '2026-01-01');
insert into stage_metric_marks (company_id, counted_at) values ({c}, now());
insert into journey_rollups (company_id, figure, grain, day, key, n, amount)
    values ({c}, 'move', 'day', '2026-01-01', '{{s{c}}}', 1, 0);
insert into journey_unrolled (company_id, relationship_id, version, customer_id) values ({c}, {c}, 1, {c});
insert into journey_rollup_stages (company_id, stages) values ({c}, '[]');
insert into return_models (company_id, version, method, history_to, customers, returned_customers, reason)
    values ({c}, 1, 'BG/NBD', '2026-01-01', 0, 0, 'too little history');
insert into company_medians (company_id, version, counts_from, rules_version, gap, services)
    values ({c}, 1, now(), 1, 30, '{{}}');
insert into no_show_models (company_id, version, outcomes, misses, reason) values ({c}, 1, 0, 0, 'too few outcomes');
insert into appointments
    (company_id, customer_id, key, appointment_id, scheduled_for, booked_at, last_event_at, outcome)
    values ({c}, {c}, 'k{c}', 'a{c}', now(), now(), now(), 'open');
insert into appointment_changes (company_id, customer_id) values ({c}, {c});
insert into appointment_backfills (company_id, noted_until) values ({c}, 0);
insert into journey_actions (id, company_id, relationship_id, action_key, action, stage_key, entry)
    values ({c}, {c}, {c}, 'k{c}', 'send', 'lead', 1);
insert into action_attempts (company_id, action_id, attempt, outcome) values ({c}, {c}, 1, 'failed');
insert into sent_messages
    (company_id, action_id, message_id, audience, allowed_by, template, address, subject, text)
    values ({c}, {c}, 'm{c}', 'customers', 'profile_consent', 'welcome', 'x{c}@example.com', 's', 't');
insert into retention_campaigns (company_id, relationship_id, customer_id, type, n, status, entry)
    values ({c}, {c}, {c}, 'drip', 1, 'running', 1);
insert into staff (id, company_id, name, role) values ({c}, {c}, 's{c}', 'sales');
insert into assignments (company_id, relationship_id, role, staff_id) values ({c}, {c}, 'sales', {c});
insert into tasks (id, company_id, relationship_id, kind, title) values ({c}, {c}, {c}, 'call', 'Call');
insert into task_comments (company_id, task_id, command, text, at) values ({c}, {c}, '2', 'No answer', now());
insert into contacts (company_id, customer_id, command, channel, outcome, at)
    values ({c}, {c}, '2', 'phone', 'reached', now());
insert into webhook_endpoints (company_id, url, secret) values ({c}, 'https://example.com', 'whsec_{c}');
insert into message_templates (company_id, name, locale, subject, text) values ({c}, 'welcome', 'en', 's', 't');
insert into api_keys (id, company_id, name, key_hash, prefix, scopes)
    values ({c}, {c}, 'key', decode(repeat('0{c}', 32), 'hex'), 'pk_{c}', '{{admin}}');
insert into sessions (company_id, key_id, secret_hash, expires_at)
    values ({c}, {c}, decode(repeat('0{c}', 32), 'hex'), now() + interval '1 day');
insert into sign_in_links (company_id, key_id, token_hash, expires_at)
    values ({c}, {c}, decode(repeat('0{c}', 32), 'hex'), now() + interval '1 day');
insert into audit_log (company_id, actor, action, subject) values ({c}, 'a', 'b', 'c');
"""
A, B = 1, 2


@pytest.fixture
def database_url(new_database: NewDatabase, migrated_template: str) -> str:
    """The URL of an empty database with the latest schema, as superuser."""
    return new_database(template=migrated_template)


@pytest.fixture(scope="session")
def filled_template(new_database: NewDatabase, migrated_template: str) -> str:
    """The name of a database with companies A and B, each with one row in every table."""
    url = new_database(template=migrated_template)
    with psycopg.connect(url) as connection:
        for company in (A, B):
            connection.execute(ROWS.format(c=company))
        for table in (
            "companies",
            "customers",
            "customer_relationships",
            "journey_actions",
            "staff",
            "tasks",
            "api_keys",
            "rule_previews",
        ):
            connection.execute(f"select setval('{table}_id_seq', 100)")  # after the ids used above
    return urlsplit(url).path[1:]


@pytest.fixture
def two_companies(new_database: NewDatabase, filled_template: str) -> str:
    """The URL of a database with companies A and B, each with one row in every table, as superuser."""
    return new_database(template=filled_template)


@pytest_asyncio.fixture
async def two_companies_pool(two_companies: str) -> AsyncIterator[Pool]:
    """The application's pool on `two_companies`."""
    async with application_pool(two_companies) as opened:
        yield opened


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """The application's pool on `database_url`."""
    async with application_pool(database_url) as opened:
        yield opened


@asynccontextmanager
async def application_pool(url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(url, min_size=1, max_size=4)
    try:
        await opened.wait()
        yield opened
    finally:
        await opened.close()
