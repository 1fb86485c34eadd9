"""Two customers who are one person, merged live: with events on their way, at once, in chains, and through a kill."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.merging import MergeActivities
from contracts import names
from contracts.journey_client import CommandRefused, merge_customers, request_evaluation
from contracts.requests import MergeResult
from db.analytics.journey_analytics import AnalyticsQuery, dashboard, stages_json
from db.analytics.rollup_reader import rollup_drift
from db.analytics.rollup_writer import roll_up
from db.connections import Pool
from journey.stages import DEFAULT_RULEBOOK
from journey.state import unpack
from tests.support.workflow_life import Life, new_company

TABLES = ("customers", "customer_relationships", "journey_events", "journey_transitions", "audit_log", "tasks")
STAGES = stages_json(DEFAULT_RULEBOOK.all_stages)


def another(life: Life, customer: str) -> Life:
    """Another customer of the same company; their events have ids of their own."""
    return replace(life, customer=customer, made=1000 * (1 + ord(customer[-1])))


@pytest_asyncio.fixture
async def other(life: Life) -> AsyncIterator[Life]:
    other = another(life, "c-2")
    yield other
    await other.end("end of the test")


async def merge(life: Life, customer: str, into: str) -> MergeResult:
    request: Any = {"company_id": life.company, "customer_id": customer, "into": into, "actor": "key/1"}
    return await merge_customers(life.client, request, timeout=20)


def row_of(life: Life) -> dict[str, Any]:
    found = life.rows(
        "select r.*, u.external_id from customer_relationships r join customers u on u.id = r.customer_id"
        " where r.company_id = %(company)s"
    )
    return next((row for row in found if row["external_id"] == life.customer), {})


def facts(life: Life) -> dict[str, Any]:
    state = unpack(row_of(life)["state"])
    compared = ("calls", "completed", "value", "missed", "cancelled", "requests", "last_event_at", "recent")
    return {"stage": state.stage, **{name: getattr(state.facts, name) for name in compared}}


def applied_by(life: Life) -> list[str]:
    rows = life.rows(
        "select e.event_id, u.external_id from journey_events e join customers u on u.id = e.customer_id"
        " where e.company_id = %(company)s and e.outcome = 'applied' and e.type <> 'customers.merged'"
        " order by e.event_id"
    )
    return [row["event_id"] for row in rows if row["external_id"] == life.customer]


async def figures(pool: Pool, company_id: int, query: AnalyticsQuery) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(await dashboard(pool, company_id, query))
    return answer


async def has_ended(life: Life) -> None:
    """Wait until a customer's workflow has ended."""
    for _ in range(400):
        if (await life.handle.describe()).status == WorkflowExecutionStatus.COMPLETED:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the workflow of the merged customer is running")


async def test_two_lives_become_one(life: Life, other: Life, pool: Pool, worker: Worker) -> None:
    """Facts and stage are those of a journey that got all events under one id; past figures stay, and add up."""
    mine = [life.call(-40), life.visit(-30, "100.00"), life.visit(-20, "100.00", appointment_id="same")]
    theirs = [other.visit(-25, "400.00"), other.visit(-20, "100.00", appointment_id="same"), other.visit(-15, "450.00")]
    for each, events in ((life, mine), (other, theirs)):
        await each.send(*events)
        await each.until(lambda each=each: row_of(each))  # type: ignore[misc]  # bound on purpose
    await roll_up(pool, life.company, STAGES)
    past = AnalyticsQuery(as_of=datetime.now(UTC), period="month")
    before = await figures(pool, life.company, past)
    assert (before["total_customers"], before["avg_lifetime_value"]) == (2, 575)

    result = await merge(life, other.customer, life.customer)
    assert result["events"] == 3
    assert result["stages"] == {"customer_id": "regular", "into": "customer", "after": "vip"}
    await has_ended(other)

    one = replace(another(life, "c-9"), company=new_company(life.database_url))
    await one.send(*({**event, "id": f"o-{event['id']}", "customer_id": "c-9"} for event in (*mine, *theirs)))
    await one.until(lambda: row_of(one))
    assert facts(life) == facts(one)
    assert facts(life)["completed"] == 4
    assert applied_by(life) == sorted(event["id"] for event in (*mine, *theirs))
    moved = [row for row in life.transitions() if row["trigger_event"] == "customers_merged"]
    assert [(row["to_stage"], row["trigger_type"].lstrip()) for row in moved if row["to_stage"]] == [
        ("vip", "automatic")
    ]
    await one.end("compared")

    for _ in range(2):  # while the merge waits in the roll-up queue, and afterwards
        assert await rollup_drift(pool, life.company, STAGES) == []
        assert await figures(pool, life.company, past) == before
        now = await figures(pool, life.company, AnalyticsQuery())
        assert (now["total_customers"], now["avg_lifetime_value"], now["distribution"]["vip"]) == (1, 1050, 1)
        assert now["funnel_data"][0]["customers"] == 1
        assert all(move["to"] for move in now["transitions"])
        await roll_up(pool, life.company, STAGES)


async def test_events_on_their_way_are_handed_on_once(life: Life, other: Life, worker: Worker) -> None:
    """Events reach both ids before, during and after the merge, some of them twice."""
    await life.send(life.visit(-3))
    await other.send(other.visit(-2))
    await other.until(lambda: row_of(other) and row_of(life))
    early = [other.call(-1, 90) for _ in range(10)]
    late = [other.visit(0), *early[:3]]

    async def keep_sending(each: Life, events: list[dict[str, Any]]) -> None:
        for event in events:
            await each.send(event)

    own = [life.call(-1, 90) for _ in range(5)]
    result, *_ = await asyncio.gather(
        merge(life, other.customer, life.customer), keep_sending(other, early), keep_sending(life, own)
    )
    assert "refused" not in result
    await keep_sending(other, late)
    await life.until(lambda: len(applied_by(life)) == 18)
    assert facts(life)["completed"] == 3
    assert facts(life)["calls"] == 15
    assert life.ledger("quarantined") == life.ledger("conflict") == []
    await has_ended(other)


async def test_each_into_the_other_at_once(life: Life, other: Life, worker: Worker) -> None:
    await life.send(life.visit(-3))
    await other.send(other.visit(-2))
    await other.until(lambda: row_of(other) and row_of(life))
    results = await asyncio.gather(merge(life, "c-1", "c-2"), merge(life, "c-2", "c-1"))
    assert sorted("refused" in result for result in results) == [False, True]
    refusal = next(result["refused"] for result in results if "refused" in result)
    assert refusal[0] == "conflict"
    remaining = life if row_of(life) else other
    assert applied_by(remaining) == sorted(["e-1", f"e-{other.made}"])


async def test_an_alias_of_an_alias_leads_to_the_end(life: Life, other: Life, worker: Worker) -> None:
    third = another(life, "c-3")
    for each in (life, other, third):
        await each.send(each.visit(-3))
        await each.until(lambda each=each: row_of(each))  # type: ignore[misc]  # bound on purpose
    await merge(life, "c-3", "c-2")
    await merge(life, "c-2", "c-1")
    assert (await merge(life, "c-3", "c-1"))["refused"][0] == "conflict"
    assert (await merge(life, "c-1", "c-2"))["refused"][0] == "conflict"  # itself, by its alias
    await third.send(third.visit(-1))
    await other.send({**third.visit(-1)})  # a gateway that knows only the first merge
    await life.until(lambda: len(applied_by(life)) == 5)
    assert facts(life)["completed"] == 5
    assert applied_by(life) == [*sorted(applied_by(life))]
    for each in (other, third):
        await has_ended(each)


@pytest.mark.parametrize("with_profile", [False, True])
async def test_a_journey_continues_for_a_customer_without_one(
    life: Life, other: Life, worker: Worker, with_profile: bool
) -> None:
    with psycopg.connect(life.database_url) as connection:
        connection.execute(
            "insert into customers (company_id, external_id, name) values (%s, 'c-1', 'Ada')", [life.company]
        )
    await other.send(other.visit(-200), other.call(-201))
    await other.until(lambda: row_of(other))
    stages = other.stages()
    result = await merge(life, "c-2", "c-1")
    assert result["stages"]["after"] == stages[-1]
    await life.until(lambda: row_of(life).get("version", 0) > 3)
    await other.send(other.visit(-1))
    await life.until(lambda: len(applied_by(life)) == 3)
    assert life.stages()[: len(stages)] == stages
    assert life.stages()[-1] == "customer"
    await has_ended(other)


async def test_an_event_of_the_merged_customer_can_be_retracted(life: Life, other: Life, worker: Worker) -> None:
    await life.send(life.visit(-3, "10.00"))
    wrong = other.visit(-2, "990.00")
    await other.send(wrong)
    await other.until(lambda: row_of(other) and row_of(life))
    await merge(life, other.customer, life.customer)
    assert facts(life)["stage"] == "vip"
    await other.send(other.event("event.retracted", 0, retracts=wrong["id"]))  # by the old id
    await life.until(lambda: facts(life)["completed"] == 1)
    assert (facts(life)["stage"], facts(life)["value"]) == ("customer", 1000)
    assert life.ledger("quarantined") == []


async def test_an_attempt_after_a_lost_one_merges_nothing_twice(
    life: Life, other: Life, pool: Pool, client: Client, worker: Worker
) -> None:
    """The worker dies after the transaction: the next attempt returns what was merged; Postgres keeps it."""
    await life.send(life.visit(-3))
    await other.send(other.visit(-2), other.call(-1))
    await other.until(lambda: row_of(other) and row_of(life))
    activities, environment = MergeActivities(pool, client), ActivityEnvironment()
    request: Any = {"company_id": life.company, "customer_id": "c-2", "into": "c-1", "actor": "key/1"}
    environment.info = replace(environment.info, workflow_run_id="run-1", attempt=1)
    first = await environment.run(activities.merge_customers, request)
    written = [life.rows(f"select * from {table} where company_id = %(company)s order by 1, 2") for table in TABLES]
    environment.info = replace(environment.info, attempt=2)
    assert await environment.run(activities.merge_customers, request) == first
    assert [
        life.rows(f"select * from {table} where company_id = %(company)s order by 1, 2") for table in TABLES
    ] == written
    environment.info = replace(environment.info, workflow_run_id="run-2")
    assert (await environment.run(activities.merge_customers, request))["refused"][0] == "conflict"
    # Nobody has told the journeys yet: their next commits find out by themselves.
    await other.send(other.visit(0))
    await life.until(lambda: len(applied_by(life)) == 4)
    assert facts(life)["completed"] == 3
    await has_ended(other)
    for _ in range(2):
        await environment.run(activities.announce_merge, request)
    await life.until(lambda: facts(life)["completed"] == 3)


#: Every table with rows of a customer or a journey → what a merge does with them.
HANDLED = {
    "appointment_changes": "noted by a trigger when events move",
    "appointments": "computed anew from the events",
    "assignments": "moved",
    "consent_withdrawals": "copied",
    "contacts": "moved",
    "customer_keys": "deleted, written anew by workers",
    "customer_relationships": "ended or handed over",
    "customer_search_terms": "written by a trigger",
    "journey_actions": "moved",
    "journey_events": "moved",
    "journey_transitions": "kept for figures of the past",
    "journey_unrolled": "moved",
    "merged_journeys": "written",
    "retention_campaigns": "moved",
    "rule_preview_customers": "kept for a day: says what was previewed, of the journeys of then",
    "tasks": "moved",
}


def test_a_merge_deals_with_every_table_about_customers(journeys_url: str) -> None:
    with psycopg.connect(journeys_url) as connection:
        rows = connection.execute(
            "select distinct table_name from information_schema.columns join information_schema.tables"
            " using (table_schema, table_name) where table_type = 'BASE TABLE'"
            " and column_name in ('customer_id', 'relationship_id')"
        ).fetchall()
    assert sorted(row[0] for row in rows) == sorted(HANDLED), "what becomes of this table when customers are merged?"


def test_an_alias_is_deleted_with_its_customer(journeys_url: str) -> None:
    with psycopg.connect(journeys_url) as connection:
        company = new_company(journeys_url)
        (key,) = connection.execute(
            "insert into customers (company_id, external_id) values (%s, 'c-1') returning id", [company]
        ).fetchone() or (0,)
        connection.execute(
            "insert into customers (company_id, external_id, merged_into) values (%s, 'c-2', %s)", [company, key]
        )
        connection.execute("delete from customers where id = %s", [key])
        assert connection.execute("select 1 from customers where company_id = %s", [company]).fetchall() == []


async def test_a_second_merge_of_a_customer_is_refused(life: Life, client: Client) -> None:
    """No worker runs, so that the first merge waits."""
    await client.start_workflow(
        names.MERGE_CUSTOMERS,
        {"company_id": life.company, "customer_id": "c-2", "into": "c-1", "actor": "key/1"},
        id=names.merge_id(life.company, "c-2"),
        task_queue="nobody",
    )
    with pytest.raises(CommandRefused, match="another merge of customer c-2 is running"):
        await merge(life, "c-2", "c-3")
    await client.get_workflow_handle(names.merge_id(life.company, "c-2")).terminate("end of the test")
    await request_evaluation(client, life.company, "c-1")
