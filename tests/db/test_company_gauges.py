"""Gauges of a company, and the function that lists company ids."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from db.connections import Pool
from db.operations import company_gauges
from db.people.companies import all_ids
from journey.time import to_micros
from tests.db.test_analytics import START, visit
from tests.support.journey_rows import insert_company

NOW = to_micros(START + timedelta(days=10))


def change(url: str, statement: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())


async def test_an_empty_company_has_zeros(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [], NOW)
    assert await company_gauges.risk_distribution(pool, 1) == {"0": 0, "0-0.3": 0, "0.3-0.7": 0, "0.7-1": 0}
    assert set((await company_gauges.finished_actions(pool, 1)).values()) == {0}
    assert await company_gauges.overdue_seconds(pool, 1) == 0
    assert await company_gauges.open_tasks(pool, 1) == 0


async def test_each_score_is_in_one_bucket(pool: Pool, database_url: str) -> None:
    scores = [None, "0", "0.01", "0.30", "0.31", "0.70", "0.71", "1"]
    insert_company(database_url, 1, [[visit(f"c-{number}", 0)] for number in range(len(scores))], NOW)
    for number, score in enumerate(scores):
        change(
            database_url,
            f"update customer_relationships set risk_score = {score or 'null'} where id = {1_000_000 + number}",
        )
    assert await company_gauges.risk_distribution(pool, 1) == {"0": 2, "0-0.3": 2, "0.3-0.7": 2, "0.7-1": 2}


async def test_actions_that_ended_within_30_days(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [[visit("c-1", 0)]], NOW)
    change(
        database_url,
        "insert into journey_actions (company_id, relationship_id, action_key, action, stage_key, entry, status,"
        " done_at, updated_at) select 1, 1000000, key, 'send', 'lead', 1, status,"
        " now() - age, coalesce(now() - age, now()) from (values"
        " ('a', 'succeeded', interval '29 days'), ('b', 'succeeded', interval '1 day'), ('c', 'failed', '1 minute'),"
        " ('d', 'suppressed', '1 minute'), ('e', 'failed', interval '31 days'), ('f', 'cancelled', '1 minute'),"
        " ('g', 'pending', null), ('h', 'waiting', null)) as x(key, status, age)",
    )
    # updated later than it was done
    change(database_url, "update journey_actions set updated_at = now() where action_key = 'e'")
    expected = {"succeeded": 2, "failed": 1, "suppressed": 1, "cancelled": 1}
    assert await company_gauges.finished_actions(pool, 1) == expected


async def test_the_oldest_overdue_deadline(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [[visit("c-1", 0)], [visit("c-2", 0)], [visit("c-3", 0)]], NOW)
    insert_company(database_url, 2, [[visit("c-1", 0)]], NOW)
    change(database_url, "update customer_relationships set next_deadline = now() + interval '1 hour'")
    assert await company_gauges.overdue_seconds(pool, 1) == 0
    change(
        database_url, "update customer_relationships set next_deadline = now() - interval '40 min' where id = 1000001"
    )
    change(
        database_url, "update customer_relationships set next_deadline = now() - interval '50 min' where id = 1000002"
    )
    assert 3000 <= await company_gauges.overdue_seconds(pool, 1) < 3030
    assert await company_gauges.overdue_seconds(pool, 2) == 0


async def test_open_tasks(two_companies: str, two_companies_pool: Pool) -> None:
    assert await company_gauges.open_tasks(two_companies_pool, 1) == 1
    change(two_companies, "update tasks set status = 'done' where company_id = 1")
    assert await company_gauges.open_tasks(two_companies_pool, 1) == 0
    assert await company_gauges.open_tasks(two_companies_pool, 2) == 1


async def test_overdue_deadlines_are_found_by_their_index(pool: Pool, database_url: str) -> None:
    insert_company(database_url, 1, [[visit(f"c-{number}", 0)] for number in range(2000)], to_micros(datetime.now(UTC)))
    with psycopg.connect(database_url) as connection:
        plan = connection.execute(b"explain " + company_gauges._OVERDUE.encode(), [1]).fetchall()
    assert "idx_next_deadline" in str(plan)


async def test_the_application_can_list_company_ids(two_companies: str, two_companies_pool: Pool) -> None:
    assert await all_ids(two_companies_pool) == [1, 2]


async def test_other_roles_cannot_list_company_ids(two_companies: str) -> None:
    with psycopg.connect(two_companies) as connection:
        connection.execute("create role stranger; set role stranger")
        with pytest.raises(InsufficientPrivilege):
            connection.execute("select company_ids()")


async def test_a_search_path_does_not_replace_the_companies(two_companies: str, two_companies_pool: Pool) -> None:
    async with two_companies_pool.connection() as connection, connection.transaction():
        await connection.execute("create temporary table companies (id bigint)")
        await connection.execute("set local search_path = pg_temp, public")
        ids = await (await connection.execute("select company_ids()")).fetchall()
    assert ids == [(1,), (2,)]
