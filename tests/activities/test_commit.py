"""The commit on a real Postgres, without Temporal: every state in which an earlier attempt may have left the row.

Each test runs twice: by a worker that knows the company's rules already (and so assumes and writes in one statement),
and by one that has just started.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import sub
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.rows import dict_row
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.commit import STALE_ATTEMPTS, CommitActivity
from contracts.requests import CommitRequest, CommitResult
from db.connections import Pool, open_pool
from db.journeys import ledger
from journey.state import State, apply_state_diff, unpack
from journey.time import to_micros
from tests.conftest import NewDatabase
from tests.support.workflow_life import new_company

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Message = tuple[str, list[str]]


@pytest.fixture(scope="session")
def commits_url(new_database: NewDatabase, migrated_template: str) -> str:
    """A database that the tests of this file share."""
    return new_database(template=migrated_template)


@pytest_asyncio.fixture
async def pool(commits_url: str) -> AsyncIterator[Pool]:
    """The application's pool, with a worker's time limits."""
    opened = await open_pool(commits_url, min_size=1, max_size=4, timeout=1.0)
    yield opened
    await opened.close()


class Workers:
    """``warm``: a single worker with cached rulebooks; otherwise a new one for every commit."""

    def __init__(self, pool: Pool, warm: bool) -> None:
        self.pool = pool
        self.kept = CommitActivity(pool) if warm else None
        self.knows: set[int] = set()

    async def commit(self, request: CommitRequest, attempt: int = 1) -> CommitResult:
        commits = self.kept or CommitActivity(self.pool)
        if self.kept and request["company_id"] not in self.knows:
            self.knows.add(request["company_id"])
            nothing: CommitRequest = {**request, "customer_id": "nobody", "state": None, "messages": [("evaluate", [])]}
            await ActivityEnvironment().run(commits.commit, nothing)
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        answer: CommitResult = await environment.run(commits.commit, request)
        return answer


@pytest.fixture(params=["warm", "cold"])
def workers(pool: Pool, request: pytest.FixtureRequest) -> Workers:
    return Workers(pool, request.param == "warm")


@dataclass
class Story:
    """One journey as its workflow sees it: passes its state to every commit, and keeps the result."""

    workers: Workers
    url: str
    company: int
    customer: str = "c-1"
    run_id: str = "run-1"
    state: dict[str, Any] | None = None
    now: datetime = NOON
    made: int = field(default=0)

    def request(self, *messages: Message, **changes: Any) -> CommitRequest:
        now = changes.pop("now", self.now)
        request: dict[str, Any] = {
            "company_id": self.company,
            "customer_id": self.customer,
            "run_id": self.run_id,
            "now": to_micros(now),
            "state": self.state,
            "messages": list(messages),
        }
        return {**request, **changes}  # type: ignore[typeddict-item]  # a test may say it otherwise

    async def lost(self, *messages: Message, attempt: int = 1, **changes: Any) -> CommitResult:
        """Commit, and lose the result before it reaches the workflow."""
        return await self.workers.commit(self.request(*messages, **changes), attempt)

    async def commit(self, *messages: Message, **changes: Any) -> CommitResult:
        """Commit as the workflow does: after a state was restored from Postgres, commit once more."""
        answer = await self.lost(*messages, **changes)
        self.state = apply_state_diff(self.state, answer["changes"])
        if answer.get("again"):
            return await self.commit(*messages, **changes)
        return answer

    @property
    def known(self) -> State:
        assert self.state is not None
        return unpack(self.state)

    # -- messages ---------------------------------------------------------------------------------------------------

    def event(self, kind: str, days: float = 0.0, **fields: Any) -> dict[str, Any]:
        """Make a new event ``days`` from now; ``fields`` are those of its type, or replace common ones."""
        self.made += 1
        at = (self.now + timedelta(days=days)).isoformat()
        return {"id": f"e-{self.made}", "type": kind, "customer_id": self.customer, "occurred_at": at, **fields}

    def visit(self, days: float = 0.0, amount: str = "10.00", **fields: Any) -> dict[str, Any]:
        return self.event("appointment.completed", days, amount=amount, **fields)

    def call(self, days: float = 0.0, seconds: int = 120, **fields: Any) -> dict[str, Any]:
        return self.event("call.received", days, duration_seconds=seconds, **fields)

    def rules(self, changed_at: datetime, *stages: tuple[str, Any]) -> None:
        """Give the company its own growth stages, (key, rule) in order, as version 2 of its rules."""
        with psycopg.connect(self.url) as connection:
            for order, (key, rule) in enumerate(stages):
                connection.execute(
                    "insert into customer_journey_stages (company_id, stage_key, stage_name, order_index,"
                    " auto_transition_rules) values (%s, %s, %s, %s, %s)",
                    [self.company, key, key, order, json.dumps(rule)],
                )
            connection.execute(
                "update companies set rules_version = 2, rules_changed_at = %s where id = %s",
                [changed_at, self.company],
            )

    # -- what Postgres has --------------------------------------------------------------------------------------------

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row, autocommit=True) as connection:
            parameters = {"company": self.company, "customer": self.customer}
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def row(self) -> dict[str, Any]:
        """The journey's row in the projection; empty when there is none."""
        found = self.rows(
            "select r.* from customer_relationships r join customers u on u.id = r.customer_id"
            " where r.company_id = %(company)s and u.external_id = %(customer)s"
        )
        return found[0] if found else {}

    def ledger(self, outcome: str | None = None) -> list[dict[str, Any]]:
        rows = self.rows(
            "select e.* from journey_events e join customers u on u.id = e.customer_id"
            " where e.company_id = %(company)s and u.external_id = %(customer)s order by e.version, e.event_id"
        )
        return [row for row in rows if outcome in (None, row["outcome"])]

    def outcomes(self) -> list[tuple[str, str, int]]:
        """(event id, outcome, version) of every ledger row, by version and id."""
        return [(row["event_id"], row["outcome"], row["version"]) for row in self.ledger()]

    def transitions(self) -> list[dict[str, Any]]:
        return self.rows(
            "select t.* from journey_transitions t join customer_relationships r on r.id = t.relationship_id"
            " join customers u on u.id = r.customer_id"
            " where t.company_id = %(company)s and u.external_id = %(customer)s order by t.sequence"
        )

    def stages(self) -> list[str]:
        return [row["to_stage"] for row in self.transitions()]

    def written(self) -> list[dict[str, Any]]:
        """Return everything written for the journey, except row ids and times of writing."""
        own = ("id", "updated_at", "received_at", "changed")
        rows = [self.row(), *self.ledger(), *self.transitions()]
        return [{name: value for name, value in row.items() if name not in own} for row in rows]

    def whole(self) -> None:
        """Assert that row, state and transitions agree, without gaps or duplicates."""
        row, moves = self.row(), self.transitions()
        assert self.state == row["state"]
        state = self.known
        assert (state.version, state.stage, state.facts.completed) == (
            row["version"],
            row["current_stage"],
            row["total_appointments"],
        )
        assert state.facts.value == row["lifetime_value"] * 100
        assert [move["sequence"] for move in moves] == list(range(1, state.transition_number + 1))
        assert [move["from_stage"] for move in moves] == [None, *self.stages()][:-1]
        times = [move["transitioned_at"] for move in moves]
        assert [move["stay"] for move in moves] == [None, *map(sub, times[1:], times)]
        assert self.stages()[-1] == row["current_stage"]
        counted = [entry for entry in self.ledger("applied") if entry["type"] == "appointment.completed"]
        assert len(counted) == state.facts.completed


def events(*fields: Any, until: datetime | None = None) -> Message:
    return ("events", [json.dumps(fields)] if until is None else [json.dumps(fields), str(to_micros(until))])


def command(name: str, **fields: Any) -> Message:
    return (name, [json.dumps(fields)])


EVALUATE: Message = ("evaluate", [])


@pytest.fixture
def story(workers: Workers, commits_url: str) -> Story:
    """A journey of a new company, not started yet."""
    return Story(workers, commits_url, new_company(commits_url))


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
async def test_row_that_is_behind_is_repaired(story: Story, left: int) -> None:
    """Postgres was restored from an older backup: the workflow is authoritative, and its state is kept."""
    for number in range(3):
        await story.commit(events(story.visit(number - 9, "5.00")))
    forgotten = "delete from {} where company_id = %(company)s and version > " + str(left)
    story.rows(forgotten.format("journey_events"))
    story.rows(forgotten.format("journey_transitions"))
    if left:
        story.rows(f"update customer_relationships set version = {left} where company_id = %(company)s")
    else:
        story.rows("delete from customer_relationships where company_id = %(company)s")
    await story.commit(events(story.visit(-1, "5.00")))
    row = story.row()
    assert (row["version"], row["total_appointments"], row["lifetime_value"]) == (4, 4, 20)
    assert row["state"] == story.state
    await story.commit(events(story.visit(0, "5.00")))
    assert story.row()["total_appointments"] == 5


async def test_company_that_does_not_exist(story: Story) -> None:
    await story.commit(EVALUATE)
    stranger = replace(story, company=10**15)
    for _ in range(2):
        with pytest.raises(ApplicationError) as refused:
            await Workers(story.workers.pool, warm=False).commit(stranger.request(events(stranger.visit(-1))))
        assert refused.value.type == "NoSuchCompany"
        assert refused.value.non_retryable


# -- imports, commands, rules ---------------------------------------------------------------------------------------


async def test_until_limits_the_evaluation(story: Story) -> None:
    visit, later = story.visit(-300), story.visit(-250)
    first = await story.commit(events(visit, until=NOON - timedelta(days=300)))
    assert first.get("more") is True
    assert story.stages() == ["prospect", "customer"]
    repeated = await story.commit(events(visit, until=NOON - timedelta(days=300)))
    assert repeated.get("more") is True
    last = await story.commit(events(later))
    assert "more" not in last
    assert story.stages() == ["prospect", "customer", "at_risk", "churned"]
    assert story.transitions()[2]["transitioned_at"] == NOON - timedelta(days=160)
    story.whole()


async def test_message_after_an_until_lifts_it(story: Story) -> None:
    answer = await story.commit(events(story.visit(-300), until=NOON - timedelta(days=300)), EVALUATE)
    assert "more" not in answer
    assert story.stages()[-1] == "churned"


async def test_retry_of_an_import_still_reports_that_more_follows(story: Story) -> None:
    message = events(story.visit(-300), until=NOON - timedelta(days=300))
    first = await story.lost(message)
    assert await story.commit(message) == first
    assert first.get("more") is True


async def test_commands_are_answered_in_order(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    answer = await story.commit(
        command("set_stage", stage="vip", reason="a friend", hold=True, performed_by=7),
        command("set_stage", stage="nowhere", reason="r"),
        events(story.call(-1)),
        command("set_stage", stage="vip", reason="r", hold_until="2020-01-01T00:00:00Z"),
        command("set_stage", stage="vip", reason="r", hold_until="soon"),
        ("set_stage", ["{"]),
    )
    done, unknown, past, soon, broken = answer["answers"] or []
    assert done is None
    assert "nowhere" in (unknown or "")
    assert "prospect, lead, customer" in (unknown or "")
    assert "not in the future" in (past or "")
    assert "RFC 3339" in (soon or "")
    assert broken
    move = story.transitions()[-1]
    assert (move["to_stage"], move["trigger_type"], move["performed_by"]) == ("vip", "manual", 7)
    assert (move["notes"], move["trigger_event"]) == ("a friend", "stage_set")
    assert story.row()["held"]
    await story.commit(EVALUATE, now=NOON + timedelta(days=300))
    assert story.stages()[-1] == "vip"
    released = await story.commit(command("release", performed_by=7), now=NOON + timedelta(days=300))
    assert released["answers"] == [None]
    assert story.stages()[-1] == "churned"
    story.whole()


async def test_command_may_start_a_journey(story: Story) -> None:
    answer = await story.commit(command("set_stage", stage="lead", reason="met at a fair"))
    assert answer["answers"] == [None]
    assert story.stages() == ["prospect", "lead"]
    story.whole()


COMPLETED = {"trigger": "appointment_completed", "conditions": {}}


def worth(value: int) -> dict[str, Any]:
    """The rule that holds from a given lifetime value."""
    return {"trigger": "lifetime_value", "conditions": {"value": f">={value}"}}


async def test_changed_rules_move_journeys(story: Story) -> None:
    await story.commit(events(story.visit(-5, "300.00")))
    assert story.stages() == ["prospect", "customer"]
    story.rules(NOON + timedelta(hours=1), ("prospect", None), ("customer", COMPLETED), ("vip", worth(200)))
    await story.commit(EVALUATE, now=NOON + timedelta(hours=2))
    assert story.stages() == ["prospect", "customer", "vip"]
    move = story.transitions()[-1]
    assert (move["trigger_type"], move["trigger_event"]) == ("system", "rules_changed")
    assert move["transitioned_at"] == NOON + timedelta(hours=1)
    assert story.row()["rules_version"] == 2
    story.whole()
    await story.commit(events(story.call(0)), now=NOON + timedelta(hours=3))
    assert story.ledger()[-1]["rules_version"] == 2
    story.whole()


async def test_new_rules_apply_to_the_next_event(story: Story) -> None:
    await story.commit(events(story.call(-5)))
    story.rules(NOON - timedelta(hours=1), ("lead", None), ("vip", worth(1)))
    await story.commit(events(story.visit(0, "2.00")))
    assert story.stages()[-1] == "vip"
    assert story.row()["rules_version"] == 2
    story.whole()


# -- Postgres is down -----------------------------------------------------------------------------------------------


async def test_unreachable_postgres_is_retryable(story: Story) -> None:
    await story.commit(events(story.visit(-5)))
    nowhere = await open_pool("postgresql://postgres@/perdure?host=/nonexistent", min_size=1, max_size=2, timeout=0.3)
    try:
        with pytest.raises(psycopg.OperationalError):
            await ActivityEnvironment().run(CommitActivity(nowhere).commit, story.request(events(story.visit(-1))))
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
