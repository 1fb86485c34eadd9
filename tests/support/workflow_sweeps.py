"""Helpers for tests of maintenance: sweeps started as schedules do, and requests of activities."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import temporalio.client
import temporalio.worker
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from contracts import names
from contracts.maintenance import SweepStart
from journey.event_validation import parse
from journey.events import Event
from journey.time import to_micros
from tests.support.journey_rows import insert_company

TODAY = datetime.now(UTC).date()


class Before(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Call ``see`` with every activity's name, request and last heartbeat, and then run it."""

    def __init__(self, see: Callable[[str, Any, Any], None]) -> None:
        self.see = see

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK's name
        see = self.see

        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # the SDK's name
                info = activity.info()
                see(info.activity_type, input.args[0], next_of(info.heartbeat_details))
                return await super().execute_activity(input)

        return Inbound(next)


def next_of(details: Any) -> Any:
    return details[0] if details else None


async def run_sweep(client: Client, workflow: str, start: SweepStart) -> dict[str, Any]:
    """Run a sweep to its end; return its result."""
    round_id = f"{workflow}-{uuid4().hex}"
    found: dict[str, Any] = await client.execute_workflow(workflow, start, id=round_id, task_queue=names.TASK_QUEUE)
    return found


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


def lived_company(url: str, company: int, *, since: int) -> None:
    """A company with two customers, one with a visit every month; all events were received days ago."""
    noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)

    def visit(customer: str, ago: int) -> Event:
        at = (noon - timedelta(days=ago)).isoformat()
        fields = f'"id": "{customer}-{ago}", "customer_id": "{customer}", "occurred_at": "{at}", "amount": "100.00"'
        return parse(f'{{"type": "appointment.completed", {fields}}}')

    customers = [[visit("a", ago) for ago in range(since, 0, -30)], [visit("b", since - 1)]]
    insert_company(url, company, customers, to_micros(noon - timedelta(days=1)))
    with psycopg.connect(url) as connection:
        connection.execute(
            "update journey_events set received_at = now() - interval '3 days' where company_id = %s", [company]
        )
        connection.execute(
            "update journey_transitions set decided_at = now() - interval '3 days' where company_id = %s", [company]
        )
