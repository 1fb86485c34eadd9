"""One journey whose commits a test makes itself, on a real Postgres and without Temporal."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import sub
from typing import Any

import psycopg
from psycopg.rows import dict_row
from temporalio.testing import ActivityEnvironment

from activities.commit import CommitActivity
from contracts.journey_record import JourneyRecord
from contracts.requests import CommitRequest, CommitResult
from db.connections import Pool
from journey.state import State, apply_state_diff, unpack
from journey.time import to_micros

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Message = tuple[str, list[str]]


@dataclass
class Histories:
    """What Temporal still has of every journey and of its campaigns: by default nothing."""

    record: JourneyRecord = field(default_factory=JourneyRecord)
    campaigns: dict[int, dict[str, str]] = field(default_factory=dict)

    async def journey(self, company_id: int, customer_id: str) -> JourneyRecord:
        return self.record

    async def campaign(self, company_id: int, customer_id: str, n: int) -> dict[str, str] | None:
        return self.campaigns.get(n)


class Workers:
    """`warm`: a single worker with cached rulebooks; otherwise a new one for every commit."""

    def __init__(self, pool: Pool, warm: bool) -> None:
        self.pool, self.histories = pool, Histories()
        self.kept = CommitActivity(pool, self.histories) if warm else None
        self.knows: set[int] = set()

    async def commit(self, request: CommitRequest, attempt: int = 1) -> CommitResult:
        commits = self.kept or CommitActivity(self.pool, self.histories)
        if self.kept and request["company_id"] not in self.knows:
            self.knows.add(request["company_id"])
            nothing: CommitRequest = {**request, "customer_id": "nobody", "state": None, "messages": [("evaluate", [])]}
            await ActivityEnvironment().run(commits.commit, nothing)
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        answer: CommitResult = await environment.run(commits.commit, request)
        return answer


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
        return {**request, **changes}  # type: ignore[typeddict-item]  # a test may replace any key

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
        assert state.started_at == to_micros(row["created_at"])
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
