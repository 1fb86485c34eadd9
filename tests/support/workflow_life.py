"""One customer in a test: send their events, and read what Postgres and Temporal then have."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from contracts import names
from contracts.journey_client import journey_handle, send_events
from contracts.messages import JourneyStart
from journey.time import Micros

PATIENCE = 20.0  # seconds


def new_company(database_url: str) -> int:
    """Create a company with an id that no other database of this test run has: all share one Temporal server."""
    number = random.randrange(10**6, 10**12)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("insert into companies (id, name) values (%s, 'c')", [number])
    return number


def at(days: float, *, now: datetime | None = None, digits: str = "microseconds") -> str:
    """Return the instant that many days after (negative: before) ``now``, in RFC 3339."""
    instant = (now or datetime.now(UTC)) + timedelta(days=days)
    return instant.isoformat(timespec=digits).replace("+00:00", "Z")


@dataclass
class Life:
    """A customer of a company, and their journey."""

    client: Client
    database_url: str
    company: int
    customer: str
    made: int = field(default=0)

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return journey_handle(self.client, self.company, self.customer)

    def event(self, kind: str, days: float = 0.0, **fields: Any) -> dict[str, Any]:
        """Make a new event ``days`` from now; ``fields`` are those of its type, or replace common ones."""
        self.made += 1
        base = {"id": f"e-{self.made}", "type": kind, "customer_id": self.customer}
        return {**base, "occurred_at": at(days, digits="seconds"), **fields}

    def visit(self, days: float = 0.0, amount: str = "10.00", **fields: Any) -> dict[str, Any]:
        return self.event("appointment.completed", days, amount=amount, **fields)

    def call(self, days: float = 0.0, seconds: int = 120, **fields: Any) -> dict[str, Any]:
        return self.event("call.received", days, duration_seconds=seconds, **fields)

    async def send(self, *events: Any, until: Micros | None = None) -> None:
        await send_events(self.client, self.company, self.customer, events, until=until)

    async def start(self, **fields: Any) -> None:
        """Start the journey without any event, with non-default settings."""
        start = JourneyStart(self.company, self.customer, **fields)
        await self.client.start_workflow(names.JOURNEY, start, id=start.workflow_id, task_queue=names.TASK_QUEUE)

    async def state(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer: dict[str, Any] = await self.handle.query(names.STATE_QUERY)
                return answer
            except RPCError as error:
                # The server delays a run that follows a short one by up to a second; until then it answers no query.
                if "not scheduled yet" not in error.message or time.monotonic() > end:
                    raise
            await asyncio.sleep(0.05)

    async def details(self) -> str:
        """Return the details that the Temporal UI shows, in Markdown."""
        metadata: WorkflowMetadata = await self.handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        return metadata.current_details

    async def history(self) -> list[HistoryEvent]:
        """Return the history events of the newest run."""
        return list((await self.handle.fetch_history()).events)

    async def end(self, reason: str) -> None:
        with suppress(RPCError):
            await self.handle.terminate(reason)

    # -- what Postgres has --------------------------------------------------------------------------------------------

    def rows(self, statement: LiteralString) -> list[dict[str, Any]]:
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            return connection.execute(statement, {"company": self.company}).fetchall()

    def row(self) -> dict[str, Any]:
        """Return the journey's row in the projection; empty if there is none yet."""
        found = self.rows("select * from customer_relationships where company_id = %(company)s")
        assert len(found) <= 1
        return found[0] if found else {}

    def transitions(self) -> list[dict[str, Any]]:
        return self.rows("select * from journey_transitions where company_id = %(company)s order by sequence")

    def stages(self) -> list[str]:
        """Return every stage entered, in order."""
        return [row["to_stage"] for row in self.transitions()]

    def ledger(self, outcome: str) -> list[dict[str, Any]]:
        rows = self.rows("select * from journey_events where company_id = %(company)s order by id")
        return [row for row in rows if row["outcome"] == outcome]

    def applied(self) -> list[str]:
        """Return the ids of the applied events."""
        return [row["event_id"] for row in self.ledger("applied")]

    # -- waiting ------------------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Any], patience: float = PATIENCE) -> None:
        """Wait until a condition holds; the failure message has the journey's row."""
        end = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < end, (self.row(), self.stages(), [r["outcome"] for r in self.ledger("applied")])
            await asyncio.sleep(0.05)

    async def settled(self) -> None:
        """Wait until all messages are committed, and the workflow and Postgres have the same version."""
        end = time.monotonic() + PATIENCE
        while True:
            state = await self.state()
            if not state["waiting_messages"] and state["version"] == self.row().get("version", 0):
                return
            assert time.monotonic() < end, (state, self.row())
            await asyncio.sleep(0.05)

    async def lived(self, *events: dict[str, Any]) -> None:
        """Send each event alone, once the previous one is committed."""
        for event in events:
            await self.send(event)
            await self.until(lambda event=event: event["id"] in self.applied())  # type: ignore[misc]  # bound on purpose
            await self.settled()


def kinds(events: Sequence[HistoryEvent]) -> list[str]:
    """Return the short types of history events, such as ``TIMER_STARTED``."""
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in events]


def readable_json(events: Sequence[HistoryEvent]) -> str:
    """Return all history events as text with decoded payloads, for searching."""
    return json.dumps([str(event) for event in events])
