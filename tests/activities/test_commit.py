"""The commit on a real Postgres, without Temporal: events, duplicates and invalid messages.

Each commit test runs twice: with a worker that has cached the company's rules (and so assumes and writes in one
statement), and with one that has just started.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from temporalio.exceptions import ApplicationError

from tests.support.commit_story import EVALUATE, NOON, Message, Story, events
from tests.support.workflow_life import new_company

# -- the usual ------------------------------------------------------------------------------------------------------


async def test_first_commit_writes_row_ledger_and_transitions(story: Story) -> None:
    answer = await story.commit(events(story.call(-2), story.visit(-1, "49.90")))
    assert set(answer) == {"changes", "actions"}
    assert story.outcomes() == [("e-1", "applied", 1), ("e-2", "applied", 1)]
    assert story.stages() == ["prospect", "lead", "customer"]
    row = story.row()
    assert (row["run_id"], row["version"], row["decided_at"]) == ("run-1", 1, NOON)
    assert row["created_at"] == NOON - timedelta(days=2)
    assert row["last_appointment_at"] == row["stage_entered_at"] == NOON - timedelta(days=1)
    moves = story.transitions()
    assert [move["event_id"] for move in moves] == ["e-1", "e-1", "e-2"]
    assert [move["version"] for move in moves] == [1, 1, 1]
    assert story.ledger()[1]["payload"]["amount"] == "49.90"
    story.whole()


async def test_next_commits_continue_from_there(story: Story) -> None:
    for number in range(1, 4):
        await story.commit(events(story.visit(number - 5)))
        assert story.known.version == number
        story.whole()
    assert story.stages() == ["prospect", "customer", "regular"]
    assert story.row()["previous_stage"] == "customer"


async def test_nothing_new_writes_nothing(story: Story) -> None:
    await story.commit(events(story.visit(-1)))
    before = story.row()
    await story.commit(EVALUATE, now=NOON + timedelta(days=1))
    assert story.state == before["state"]
    assert story.row() == before


async def test_empty_commit_starts_no_journey(story: Story) -> None:
    assert await story.commit(EVALUATE) == {"changes": {}}
    assert story.row() == {}


async def test_deadline_is_written_at_its_own_time(story: Story) -> None:
    await story.commit(events(story.visit(0)))
    await story.commit(EVALUATE, now=NOON + timedelta(days=200))
    assert story.stages() == ["prospect", "customer", "at_risk", "churned"]
    assert [move["transitioned_at"] - NOON for move in story.transitions()[2:]] == [
        timedelta(days=90),
        timedelta(days=180),
    ]
    story.whole()


# -- the same event, and another under its id -----------------------------------------------------------------------


async def test_duplicate_leaves_no_trace(story: Story) -> None:
    event = story.visit(-1)
    otherwise = {**event, "amount": 10, "occurred_at": "2026-02-28T14:00:00+02:00"}  # the same, written differently
    await story.commit(events(event, event), events(otherwise))
    await story.commit(events(event))
    await story.commit(events(otherwise, story.call(0)))
    assert story.outcomes() == [("e-1", "applied", 1), ("e-2", "applied", story.known.version)]
    assert story.known.facts.completed == 1
    story.whole()


async def test_conflict_within_a_batch_the_first_counts(story: Story) -> None:
    event = story.visit(-1, "10.00")
    await story.commit(events(event, {**event, "amount": "20.00"}), events({**event, "amount": "20.00"}))
    assert story.known.facts.value == 1000
    assert story.outcomes().count(("e-1", "applied", 1)) == 1
    assert story.outcomes().count(("e-1", "conflict", 1)) == 1
    (conflict,) = story.ledger("conflict")
    assert conflict["payload"]["amount"] == "20.00"
    assert "came first" in conflict["reason"]
    story.whole()


async def test_conflict_across_batches_is_kept_once(story: Story) -> None:
    event = story.visit(-1, "10.00")
    other = {**event, "amount": "20.00"}
    await story.commit(events(event))
    for _ in range(3):
        await story.commit(events(other))
    await story.commit(events(event))
    assert story.outcomes() == [("e-1", "applied", 1), ("e-1", "conflict", 2)]
    assert story.known.version == 2  # a conflict already on record is nothing new
    assert story.known.facts.value == 1000
    story.whole()


async def test_conflict_across_customers(story: Story) -> None:
    other = replace(story, customer="c-2", run_id="run-2")
    await story.commit(events(story.visit(-1, id="same")))
    await other.commit(events(other.visit(-1, id="same")))
    assert other.outcomes() == [("same", "conflict", 0)]
    assert other.row() == {}
    await other.commit(events(other.visit(-1, id="same"), other.visit(-1, id="own")))
    assert [outcome for _, outcome, _ in other.outcomes()] == ["conflict", "applied"]
    assert other.known.facts.completed == 1
    story.whole()
    other.whole()


async def test_another_company_may_use_the_same_id(story: Story) -> None:
    other = replace(story, company=new_company(story.url))
    for each in (story, other):
        await each.commit(events(each.visit(-1, id="same")))
        assert each.outcomes() == [("same", "applied", 1)]
        each.whole()


async def test_of_two_concurrent_journeys_one_gets_the_id(story: Story) -> None:
    pairs = [(replace(story, customer=f"a-{n}"), replace(story, customer=f"b-{n}"), f"id-{n}") for n in range(12)]
    await asyncio.gather(
        *(
            one.commit(events(one.call(-2, id=f"{one.customer}"), one.visit(-1, id=name)))
            for a, b, name in pairs
            for one in (a, b)
        )
    )
    for a, b, name in pairs:
        found = [(row[0], row[1]) for one in (a, b) for row in one.outcomes() if row[0] == name]
        assert sorted(found) == [(name, "applied"), (name, "conflict")]
        assert a.known.facts.completed + b.known.facts.completed == 1
        a.whole()
        b.whole()


# -- invalid messages -----------------------------------------------------------------------------------------------

UNREADABLE: dict[str, Message] = {
    "no JSON": ("events", ["{not json"]),
    "a NUL": ("events", ["\x00"]),
    "a NUL in an unknown message": ("what\x00ever", ["a\x00b"]),
    "broken text": ("events", [b"\xff\xfe[".decode("utf-8", "replace")]),
    "an escaped NUL": ("events", [r'[{"id": "a\u0000b"}]']),
    "a lone surrogate": ("events", [r'[{"id": "\ud800"}]']),
    "an unknown message": ("no_such_message", ["1", "2"]),
    "no object": ("events", ["[5]"]),
    "an unknown type": ("events", ['[{"type": "x"}]']),
    "another customer": (
        "events",
        ['[{"id":"x","type":"appointment.missed","customer_id":"c-9","occurred_at":"2026-01-01T00:00:00Z"}]'],
    ),
    "very long": ("events", ['"' + "x" * 100_000 + '"']),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_invalid_message_is_quarantined_and_the_journey_continues(story: Story, name: str) -> None:
    message = UNREADABLE[name]
    await story.commit(message)  # before there is a journey
    assert len(story.ledger("quarantined")) == 1
    assert story.state is None
    await story.commit(events(story.visit(-1)), message)
    await story.commit(message, events(story.call(0)))
    (entry,) = story.ledger("quarantined")
    assert entry["reason"]
    assert entry["raw"] is not None
    assert len(entry["raw"]) <= 20_000
    assert "\x00" not in entry["raw"] + entry["reason"]
    assert [row["event_id"] for row in story.ledger("applied")] == ["e-1", "e-2"]
    story.whole()


async def test_an_event_that_postgres_refuses_does_not_block_the_journey(story: Story) -> None:
    """It is quarantined alone, once it is certain that no other commit is the reason."""
    await story.commit(events(story.visit(-3)))
    with psycopg.connect(story.url) as connection:
        connection.execute(
            sql.SQL("alter table journey_events add constraint refused check (company_id <> {} or event_id <> 'e-3')")
            .format(story.company)
        )  # fmt: skip
    try:
        message = events(story.visit(-2), story.visit(-1), story.call(0))
        with pytest.raises(ApplicationError, match="overtaken"):
            await story.lost(message, attempt=3)
        assert len(story.ledger()) == 1
        await story.lost(message, attempt=4)
    finally:
        with psycopg.connect(story.url) as connection:
            connection.execute("alter table journey_events drop constraint refused")
    assert [row["event_id"] for row in story.ledger("applied")] == ["e-1", "e-2", "e-4"]
    (entry,) = story.ledger("quarantined")
    assert "refused" in entry["reason"]
    assert '"id":"e-3"' in entry["raw"]
    assert story.row()["total_appointments"] == 2
