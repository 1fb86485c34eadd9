"""Retractions in commits on a real Postgres: in any order of arrival, and when commits are retried."""

from typing import Any

import psycopg

from db.connections import Pool
from db.sql_fragments import ADJUSTED, EARNED, VISITS
from tests.activities.test_commit_appointments import about, check_ledger
from tests.support.commit_story import Story, command, events


def retraction(story: Story, named: str, days: float = 0, **fields: Any) -> dict[str, Any]:
    return story.event("event.retracted", days, retracts=named, **fields)


def entry(story: Story, id_: str) -> dict[str, Any]:
    return next(row for row in story.ledger() if row["event_id"] == id_)


async def check(story: Story, pool: Pool, visits: int, value: int, stage: str) -> None:
    """Row and state say so, the ledger folded anew too, and what its events contributed adds up to it."""
    row = story.row()
    assert (row["total_appointments"], row["lifetime_value"], row["current_stage"]) == (visits, value, stage)
    assert row["state"] == story.state
    await check_ledger(story, pool)
    sums = story.rows(
        f"select sum({VISITS}) as visits, sum({EARNED} + {ADJUSTED}) as amount from journey_events e"
        " join customers u on u.id = e.customer_id"
        " where u.external_id = %(customer)s and e.company_id = %(company)s and e.outcome = 'applied'"
    )
    assert (sums[0]["visits"] or 0, sums[0]["amount"] or 0) == (visits, value)


async def test_both_stay_in_the_ledger_and_the_event_names_its_retraction(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-5, "1200.00"), story.visit(-4, "100.00")))
    assert story.row()["current_stage"] == "vip"
    taken_back = retraction(story, "e-1", reason="wrong customer")
    await story.commit(events(taken_back))
    await check(story, pool, 1, 100, "customer")
    assert [(row["event_id"], row["outcome"]) for row in story.ledger()] == [
        ("e-1", "applied"), ("e-2", "applied"), ("e-3", "applied"),
    ]  # fmt: skip
    assert (entry(story, "e-1")["retracted_by"], entry(story, "e-2")["retracted_by"]) == ("e-3", None)
    move = story.transitions()[-1]
    assert (move["from_stage"], move["to_stage"], move["trigger_event"], move["event_id"]) == (
        "vip", "customer", "event_retracted", "e-3",
    )  # fmt: skip
    assert (move["trigger_type"], move["transitioned_at"]) == ("automatic", story.now)
    before = story.written()
    await story.commit(events(taken_back))
    await story.commit(events(retraction(story, "e-1")))
    assert story.written()[1:4] == before[1:4]
    await check(story, pool, 1, 100, "customer")


async def test_a_retraction_of_an_unknown_event_waits_for_it(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-5, "100.00"), retraction(story, "late")))
    waiting = entry(story, "e-2")
    assert waiting["outcome"] == "quarantined"
    assert "no event late of this customer is known" in waiting["reason"]
    await check(story, pool, 1, 100, "customer")
    await story.commit(events(story.visit(-3, "1200.00", id="late")))
    await check(story, pool, 1, 100, "customer")
    assert entry(story, "late")["retracted_by"] == "e-2"
    assert (entry(story, "e-2")["outcome"], entry(story, "late")["outcome"]) == ("applied", "applied")


async def test_actions_of_a_stage_that_was_a_mistake_are_cancelled(story: Story) -> None:
    await story.commit(events(story.call(-0.2), story.visit(-0.1, "30.00")))
    await story.commit(events(retraction(story, "e-2")))
    found = story.rows(
        "select stage_key, status, reason from journey_actions where company_id = %(company)s"
        " and action <> 'stage_changed'"
    )
    assert {row["status"] for row in found if row["stage_key"] == "lead"} == {"pending"}
    of_customer = {(row["status"], row["reason"]) for row in found if row["stage_key"] == "customer"}
    assert of_customer == {("cancelled", "the customer no longer belongs in this stage")}


async def test_it_waits_for_a_customer_who_is_unknown_too(story: Story, pool: Pool) -> None:
    await story.commit(events(retraction(story, "only", -2)))
    assert story.row() == {}
    await story.commit(events(story.visit(-3, "1200.00", id="only")))
    await check(story, pool, 0, 0, "prospect")
    assert (
        story.rows("select status from journey_actions where company_id = %(company)s and action <> 'stage_changed'")
        == []
    )


async def test_a_retried_commit_takes_the_waiting_retraction_again(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-5, "100.00"), retraction(story, "late")))
    late = story.visit(-3, "1200.00", id="late")
    await story.lost(events(late))
    await story.commit(events(late, story.visit(-2, "50.00")))
    await check(story, pool, 2, 150, "customer")
    assert entry(story, "late")["retracted_by"] == "e-2"


async def test_a_retried_commit_retracts_once(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-5, "1200.00"), story.visit(-4, "100.00")))
    taken_back = retraction(story, "e-1")
    await story.lost(events(taken_back))
    assert entry(story, "e-1")["retracted_by"] == "e-3"
    await story.commit(events(taken_back, story.visit(-1, "10.00")))
    await check(story, pool, 2, 110, "customer")
    assert entry(story, "e-1")["retracted_by"] == "e-3"
    assert [move["trigger_event"] for move in story.transitions()].count("event_retracted") == 1


async def test_a_waiting_retraction_that_is_sent_again_with_its_event(story: Story, pool: Pool) -> None:
    taken_back = retraction(story, "late")
    await story.commit(events(story.visit(-5, "100.00"), taken_back))
    late = story.visit(-3, "1200.00", id="late")
    await story.lost(events(late, taken_back))
    await story.commit(events(late, taken_back))
    await check(story, pool, 1, 100, "customer")
    assert entry(story, taken_back["id"])["outcome"] == "applied"


async def test_other_content_under_the_id_of_a_waiting_retraction_is_a_conflict(story: Story, pool: Pool) -> None:
    """The content that came first counts, also if the event arrives by the same commit, and if that is retried."""
    await story.commit(events(story.visit(-5, "100.00"), retraction(story, "late", -1)))
    other, late = retraction(story, "late", -2, id="e-2"), story.visit(-3, "1200.00", id="late")
    await story.lost(events(other, late))
    await story.commit(events(other, late))
    await check(story, pool, 1, 100, "customer")
    assert sorted(row["outcome"] for row in story.ledger() if row["event_id"] == "e-2") == ["applied", "conflict"]
    assert entry(story, "late")["retracted_by"] == "e-2"
    await story.commit(events(retraction(story, "e-1", id="e-2")))
    await check(story, pool, 1, 100, "customer")


async def test_two_waiting_retractions_with_one_id_of_before(story: Story, pool: Pool) -> None:
    """Earlier versions let both wait; only the first takes effect, and the commit goes through."""
    await story.commit(events(story.visit(-5, "100.00"), retraction(story, "late", -1)))
    with psycopg.connect(story.url) as connection:
        connection.execute(
            "insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,"
            " outcome, reason, version, rules_version)"
            " select company_id, customer_id, event_id, decode(md5('x'), 'hex'), type,"
            ' occurred_at, payload || \'{"reason": "other"}\', outcome, reason, version,'
            " rules_version from journey_events where company_id = %s and outcome = 'quarantined'",
            [story.company],
        )
    late = story.visit(-3, "1200.00", id="late")
    await story.lost(events(late))
    await story.commit(events(late, story.visit(-2, "50.00")))
    await check(story, pool, 2, 150, "customer")
    assert sorted(row["outcome"] for row in story.ledger() if row["event_id"] == "e-2") == ["applied", "quarantined"]


async def test_a_retraction_of_a_retraction_and_of_another_customers_event_are_quarantined(
    story: Story, pool: Pool
) -> None:
    await story.commit(events(story.visit(-5, "100.00"), retraction(story, "e-1")))
    await story.commit(events(retraction(story, "e-2")))
    assert "cannot be retracted" in entry(story, "e-3")["reason"]
    await check(story, pool, 0, 0, "prospect")
    with psycopg.connect(story.url) as connection:
        connection.execute(
            "with u as (insert into customers (company_id, external_id) values (%(c)s, 'other') returning id)"
            " insert into journey_events (company_id, customer_id, event_id, content_hash, type, occurred_at, payload,"
            " outcome, version, rules_version) select %(c)s, u.id, 'theirs', decode(md5('x'), 'hex'), 'call.received',"
            " now(), '{}', 'applied', 1, 1 from u",
            {"c": story.company},
        )
    await story.commit(events(retraction(story, "theirs")))
    assert (entry(story, "e-4")["outcome"], entry(story, "e-4")["reason"]) == (
        "quarantined", "retracts: the event theirs is of another customer",
    )  # fmt: skip


async def test_an_appointment_older_than_the_state_holds(story: Story, pool: Pool) -> None:
    await story.commit(events(about(story, "completed", -1100, "old", amount="100.00")))
    old = story.made
    for first in range(0, 500, 100):
        ones = [about(story, "completed", -1090 + 2.1 * n, f"a{n}", amount="1.00") for n in range(first, first + 100)]
        await story.commit(events(*ones))
    await story.commit(events(retraction(story, f"e-{old}")))
    await check(story, pool, 500, 500, "regular")
    assert entry(story, f"e-{story.made}")["contributions"] == [
        {"at": entry(story, f"e-{old}")["payload"]["occurred_at"], "visits": -1, "earned": "-100.00"}
    ]


async def test_corrections_record_what_they_change(story: Story, pool: Pool) -> None:
    await story.commit(events(about(story, "completed", -5, amount="100.00")))
    await story.commit(events(about(story, "completed", -4, amount="80.00")))
    await check(story, pool, 1, 80, "customer")
    await story.commit(events(about(story, "cancelled", -3)))
    await check(story, pool, 0, 0, "customer")
    at = entry(story, "e-1")["payload"]["occurred_at"]
    assert [row["contributions"] for row in story.ledger()] == [
        None,
        [{"at": at, "earned": "-20.00"}],
        [
            {"at": at, "visits": -1, "earned": "-80.00"},
            {"at": entry(story, "e-3")["payload"]["occurred_at"], "missed": 1},
        ],
    ]


async def test_a_stage_that_a_user_set_counts_and_a_hold_keeps_it(story: Story, pool: Pool) -> None:
    await story.commit(events(story.visit(-5, "1200.00")))
    await story.commit(command("set_stage", stage="regular", reason="known for years"))
    assert story.row()["current_stage"] == "regular"
    await story.commit(events(retraction(story, "e-1", 0)))
    assert story.stages()[-1] == "regular"
    await story.commit(events(story.visit(0, "2000.00")))
    assert story.row()["current_stage"] == "vip"
    await story.commit(events(retraction(story, f"e-{story.made}")))
    await check(story, pool, 0, 0, "regular")
