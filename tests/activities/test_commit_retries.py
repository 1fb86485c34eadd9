"""Repeated commits on a real Postgres: every state in which an earlier attempt may have left the row, and outages."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.commit import CommitActivity
from activities.commit_position import STALE_ATTEMPTS
from db.connections import open_pool
from db.journeys import ledger
from journey.state import apply_state_diff, unpack
from tests.support.commit_story import EVALUATE, NOON, Histories, Story, Workers, command, events

# -- the same commit again ------------------------------------------------------------------------------------------


async def test_retry_with_the_same_now_returns_what_is_stored(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    messages = [events(story.visit(-1)), command("set_stage", stage="vip", reason="r"), command("set_stage", stage="?")]
    first = await story.lost(*messages)
    before = story.written()
    again = await story.commit(*messages)
    assert again == first
    assert [answer is None for answer in again["answers"] or []] == [True, False]
    assert story.written() == before
    story.whole()


@pytest.mark.parametrize("begun", [False, True])
async def test_retry_with_more_messages_replaces_its_own_rows(story: Story, begun: bool) -> None:
    if begun:
        await story.commit(events(story.visit(-9, id="before")))
    first = [events(story.visit(-3)), events(story.call(-2)), ("events", ["{"])]
    conflict = {**story.visit(-3, "99.00"), "id": "e-1"} if not begun else {**story.visit(-3, "99.00"), "id": "before"}
    first.append(events(conflict))
    await story.lost(*first)
    assert len(story.ledger()) == 4 + begun
    await story.commit(*first, events(story.visit(-1, id="late")), now=NOON + timedelta(minutes=1))
    version = 1 + begun
    applied = [name for name, outcome, v in story.outcomes() if outcome == "applied" and v == version]
    assert len(applied) == 3
    assert len(story.ledger()) == 5 + begun
    assert len(story.ledger("quarantined")) == len(story.ledger("conflict")) == 1
    assert story.row()["version"] == version
    assert story.row()["decided_at"] == NOON + timedelta(minutes=1)
    story.whole()
    await story.commit(*first)  # and everything again, as an impatient caller would send it
    assert len(story.ledger()) == 5 + begun
    story.whole()


@pytest.mark.parametrize("added", [-9, 0], ids=["earlier", "later"])
async def test_retry_of_the_first_commit_with_another_event_has_the_start_of_the_journey(
    story: Story, added: float
) -> None:
    await story.lost(events(story.visit(-3)))
    assert story.row()["created_at"] == NOON - timedelta(days=3)
    await story.commit(events({**story.visit(-3), "id": "e-1"}), events(story.visit(added)))
    assert story.row()["created_at"] == NOON + timedelta(days=min(added, -3))
    story.whole()


async def test_retry_after_a_deadline_replaces_the_transitions(story: Story) -> None:
    await story.commit(events(story.visit(-89)))
    messages = [events(story.visit(-1, id="back"))]
    await story.lost(EVALUATE, *messages)
    assert story.stages() == ["prospect", "customer"]
    await story.commit(EVALUATE, *messages, now=NOON + timedelta(days=100))
    assert story.stages() == ["prospect", "customer", "at_risk"]
    assert [move["version"] for move in story.transitions()] == [1, 1, 2]
    story.whole()


async def test_retry_that_lacks_a_message_adopts_the_row_first(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    await story.lost(events(story.visit(-1, id="kept")))
    answer = await story.lost(events(story.visit(-2, id="other")), now=NOON + timedelta(minutes=1))
    assert answer.get("again") is True
    await story.commit(events(story.visit(-2, id="other")), now=NOON + timedelta(minutes=1))
    assert {name for name, outcome, _ in story.outcomes() if outcome == "applied"} == {"e-1", "kept", "other"}
    story.whole()


async def test_older_attempt_must_not_write(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    event, before_state = story.visit(-1), story.state
    newer = await story.lost(events(event), now=NOON + timedelta(seconds=20))
    before = (story.row(), story.ledger(), story.transitions())
    with pytest.raises(ApplicationError) as refused:
        await story.lost(events(event), now=NOON)
    assert refused.value.type == "Stale"
    assert not refused.value.non_retryable
    assert (story.row(), story.ledger(), story.transitions()) == before
    # an attempt that keeps coming is not stale: the clock was set back
    await story.commit(events(event), now=NOON, attempt=STALE_ATTEMPTS + 1)
    state = apply_state_diff(before_state, newer["changes"])
    assert story.known.facts == unpack(state or {}).facts
    assert len(story.ledger()) == 2
    story.whole()


async def test_two_concurrent_attempts_write_one_commit(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    messages = [events(story.visit(-1), story.call(-1))]
    answers = await asyncio.gather(
        *(story.lost(*messages, now=NOON + timedelta(seconds=n)) for n in range(5)), return_exceptions=True
    )
    assert all(
        isinstance(a, dict) or (isinstance(a, ApplicationError) and a.type in ("Stale", "Overtaken")) for a in answers
    )
    assert story.row()["version"] == 2
    await story.commit(*messages, now=NOON + timedelta(seconds=30))
    assert [name for name, _, _ in story.outcomes()] == ["e-1", "e-2", "e-3"]
    story.whole()


async def test_attempt_overtaken_between_load_and_write(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    await story.commit(events(story.visit(-5)))
    first, second, third = (events(story.visit(-1)) for _ in range(3))
    await story.lost(first)
    story.rows("update customer_relationships set batch = null where company_id = %(company)s")
    look, overtakes = ledger.events_of_commit, [NOON + timedelta(seconds=20)]

    async def slow_look(*arguments: Any) -> list[tuple[str, bytes]]:
        found = await look(*arguments)
        if overtakes:
            await story.lost(first, second, third, now=overtakes.pop())
        return found

    monkeypatch.setattr(ledger, "events_of_commit", slow_look)
    with pytest.raises(ApplicationError) as refused:
        await story.lost(first, second, now=NOON + timedelta(seconds=10))
    assert refused.value.type == "Stale"
    assert [name for name, _, _ in story.outcomes()] == ["e-1", "e-2", "e-3", "e-4"]
    assert story.row()["decided_at"] == NOON + timedelta(seconds=20)


# -- Postgres and Temporal have diverged ----------------------------------------------------------------------------


async def test_new_workflow_adopts_the_row(story: Story) -> None:
    for number in range(3):
        await story.commit(events(story.visit(number - 5)))
    new = replace(story, run_id="run-2", state=None, now=NOON + timedelta(days=1))
    event = new.visit(-0.5)
    first = new.visit(-5, id="e-1")  # already counted by the terminated workflow
    answer = await new.lost(events(event, {**first, "occurred_at": (NOON - timedelta(days=5)).isoformat()}))
    assert answer.get("again") is True
    assert "answers" not in answer
    await new.commit(events(event, {**first, "occurred_at": (NOON - timedelta(days=5)).isoformat()}))
    assert new.row()["run_id"] == "run-2"
    assert new.known.facts.completed == 4
    new.whole()
    # a late attempt of the terminated workflow must not write
    ghost = await story.lost(events(story.call(0, id="ghost")), now=NOON + timedelta(days=1))
    assert ghost.get("again") is True


async def test_another_workflows_row_is_adopted_at_the_same_version_too(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    story.rows("update customer_relationships set run_id = 'run-0' where company_id = %(company)s")
    message = events(story.visit(-1))
    assert (await story.lost(message)).get("again") is True
    await story.commit(message)
    assert story.row()["run_id"] == "run-1"
    assert story.known.facts.completed == 2
    story.whole()


async def test_row_that_is_far_ahead_is_adopted(story: Story) -> None:
    """Temporal's store was restored from an older backup."""
    await story.commit(events(story.visit(-9)))
    older = story.state
    for number in range(3):
        await story.commit(events(story.visit(number - 5)))
    story.state = older
    await story.commit(events(story.visit(-1)))
    assert story.known.facts.completed == 5
    assert len({version for _, _, version in story.outcomes()}) == 5
    story.whole()


@pytest.mark.parametrize("left", [0, 1])
async def test_row_that_is_behind_follows_its_ledger(story: Story, left: int) -> None:
    """Postgres was restored from an older backup, and the histories have expired: the loss is named."""
    older: dict[str, Any] = {}
    for number in range(3):
        await story.commit(events(story.visit(number - 9, "5.00")))
        older = older or story.row()
    forgotten = "delete from {} where company_id = %(company)s and version > " + str(left)
    story.rows(forgotten.format("journey_events"))
    story.rows(forgotten.format("journey_transitions"))
    if left:
        with psycopg.connect(story.url) as connection:
            columns = ("version", "current_stage", "lifetime_value", "total_appointments")
            connection.execute(
                f"update customer_relationships set state = %s, {', '.join(f'{name} = %s' for name in columns)}"
                " where company_id = %s",
                [Jsonb(older["state"]), *(older[name] for name in columns), story.company],
            )
    else:
        story.rows("delete from customer_relationships where company_id = %(company)s")
    assert story.known.stage == "regular"
    await story.commit(events(story.visit(-1, "5.00")))
    row = story.row()
    assert (row["total_appointments"], row["lifetime_value"]) == (left + 1, 5 * (left + 1))
    assert (row["current_stage"], story.stages()[-1]) == ("regular", "regular")
    assert row["state"] == story.state
    [entry] = story.rows("select * from audit_log where company_id = %(company)s")
    assert (entry["actor"], entry["action"], entry["subject"]) == ("recovery", "journey.recover", "journey/c-1@3")
    assert entry["details"]["missing"]["lifetime_value"] == [1500, 500 * left]
    assert entry["details"]["missing"]["total_appointments"] == [3, left]
    await story.commit(events(story.visit(0, "5.00")))
    assert story.row()["total_appointments"] == left + 2


async def test_the_last_command_is_not_overwritten_by_an_older_workflow(story: Story) -> None:
    """Temporal was restored from a backup that lacks one commit, which wrote no event."""
    await story.commit(events(story.visit(-5)))
    older = story.state
    await story.commit(command("set_stage", stage="vip", reason="a friend", hold=True))
    story.state = older
    await story.commit(events(story.visit(-1)), now=NOON + timedelta(minutes=1))
    assert story.stages() == ["prospect", "customer", "vip"]
    assert story.transitions()[-1]["notes"] == "a friend"
    assert (story.known.held, story.known.facts.completed) == (True, 2)
    story.whole()


async def test_rows_without_a_batch_are_compared_by_their_ledger(story: Story) -> None:
    """Workers of the version before leave the batch of an earlier commit."""
    await story.commit(events(story.visit(-5)))
    message = events(story.visit(-1))
    await story.lost(message)
    story.rows("update customer_relationships set batch = '1:1:0' where company_id = %(company)s")
    await story.commit(message, now=NOON + timedelta(minutes=1))
    assert story.row()["version"] == 2
    story.whole()


async def test_company_that_does_not_exist(story: Story) -> None:
    await story.commit(EVALUATE)
    stranger = replace(story, company=10**15)
    for _ in range(2):
        with pytest.raises(ApplicationError) as refused:
            await Workers(story.workers.pool, warm=False).commit(stranger.request(events(stranger.visit(-1))))
        assert refused.value.type == "NoSuchCompany"
        assert refused.value.non_retryable


# -- Postgres is down -----------------------------------------------------------------------------------------------


async def test_unreachable_postgres_is_retryable(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    nowhere = await open_pool("postgresql://postgres@/perdure?host=/nonexistent", min_size=1, max_size=2, timeout=0.3)
    try:
        with pytest.raises(psycopg.OperationalError):
            await ActivityEnvironment().run(
                CommitActivity(nowhere, Histories()).commit, story.request(events(story.visit(-1)))
            )
    finally:
        await nowhere.close()


async def test_postgres_failing_in_the_middle_leaves_nothing_partial(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    message = events(story.visit(-1))
    with psycopg.connect(story.url) as holder, psycopg.connect(story.url, autocommit=True) as killer:
        holder.execute("select from customer_relationships where company_id = %s for update", [story.company])
        trying = asyncio.create_task(story.lost(message))
        ended = 0
        while not ended:  # the one that waits for the row
            await asyncio.sleep(0.02)
            ended = killer.execute(
                "select pg_terminate_backend(pid) from pg_locks where not granted and locktype = 'transactionid'"
            ).rowcount
        with pytest.raises(psycopg.OperationalError):
            await trying
    assert len(story.ledger()) == 1
    await story.commit(message, now=NOON + timedelta(seconds=9))
    assert [name for name, _, _ in story.outcomes()] == ["e-1", "e-2"]
    story.whole()
