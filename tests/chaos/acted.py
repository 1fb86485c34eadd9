"""Read everything known about actions after a drill: from Postgres, the message servers and Temporal."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import IsolationLevel
from psycopg.rows import dict_row
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client
from temporalio.service import RPCError

from contracts.names import CAMPAIGN, campaign_id, journey_id
from tests.support.outside import HttpServer, SmtpServer

DETAILS_QUERY = "__temporal_workflow_metadata"
TO_COME = re.compile(
    r"^- (\S+): (?:pending|retrying|waiting|due )", re.MULTILINE
)  # a line of the details shown in Temporal's UI

Row = dict[str, Any]


class Received(NamedTuple):
    """A message that one of the servers accepted. `id` is the same for every repetition."""

    id: str
    to: str  # an address, a number, or a webhook's path
    subject: str  # of a webhook: type, customer and transition number


@dataclass
class Acted:
    """Rows as dicts, those of a journey with `external_id`.

    Attributes:
        companies: By id.
        relationships: By id.
        pending_actions: Names that each workflow shows, by workflow id.
        runs: Status of every run, by the workflow id of a campaign.
    """

    now: datetime
    companies: dict[int, Row]
    relationships: dict[int, Row]
    transitions: list[Row]
    actions: list[Row]
    tries: Counter[int]  # by action id: attempts on record that count
    tasks: list[Row]
    assignments: list[Row]
    campaigns: list[Row]
    staff: list[Row]
    mails: list[Received] = field(default_factory=list)
    texts: list[Received] = field(default_factory=list)
    hooks: list[Received] = field(default_factory=list)
    pending_actions: dict[str, Counter[str]] = field(default_factory=dict)
    runs: dict[str, list[str]] = field(default_factory=dict)


_OF_JOURNEY = """
select x.*, u.external_id from {table} x
  join customer_relationships r on r.id = x.relationship_id join customers u on u.id = r.customer_id order by x.id
"""


def read(database_url: str) -> Acted:
    """Read the rows of all companies in one snapshot, as the database owner."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ

        def rows(statement: str) -> list[Row]:
            return connection.execute(statement.encode()).fetchall()

        companies = rows(
            "select c.id, c.settings -> 'outreach' as outreach, array(select e.id from webhook_endpoints e"
            " where e.company_id = c.id and e.is_active) as endpoints from companies c"
        )
        relationships = rows(
            "select r.id, r.company_id, r.current_stage, (r.state ->> 'k')::int as entry, u.external_id, u.email,"
            " u.phone, u.consent from customer_relationships r join customers u on u.id = r.customer_id"
        )
        tries = rows("select action_id, outcome from action_attempts")
        [now] = rows("select clock_timestamp() as now")
        tables = ("journey_transitions", "journey_actions", "tasks", "assignments", "retention_campaigns")
        moves, actions, tasks, assignments, campaigns = (rows(_OF_JOURNEY.format(table=name)) for name in tables)
        return Acted(
            now=now["now"],
            companies={row["id"]: row for row in companies},
            relationships={row["id"]: row for row in relationships},
            transitions=moves,
            actions=actions,
            tries=Counter(row["action_id"] for row in tries if row["outcome"] in ("succeeded", "failed", "error")),
            tasks=tasks,
            assignments=assignments,
            campaigns=campaigns,
            staff=rows("select * from staff order by id"),
        )


async def read_all(database_url: str, client: Client, smtp: SmtpServer, http: HttpServer) -> Acted:
    """Read Postgres, Temporal and the servers, the servers last: what Postgres records as sent has arrived by then."""
    acted = await asyncio.to_thread(read, database_url)
    async for run in client.list_workflows(f"WorkflowType = '{CAMPAIGN}'"):
        acted.runs.setdefault(run.id, []).append(run.status.name if run.status else "unknown")
    journeys = [journey_id(row["company_id"], row["external_id"]) for row in acted.relationships.values()]
    running = [
        campaign_id(row["company_id"], row["external_id"], row["n"])
        for row in acted.campaigns
        if row["status"] == "running"
    ]
    acted.pending_actions = await _pending_actions(client, [*journeys, *running])
    acted.mails = [
        Received(str(mail["Message-ID"]).strip("<>").partition("@")[0], str(mail["To"]), str(mail["Subject"]))
        for mail in list(smtp.received)
    ]
    for request in list(http.received):
        if request.answered >= 300:
            continue
        if "i-twilio-idempotency-token" in request.headers:
            acted.texts.append(Received(request.headers["i-twilio-idempotency-token"], request.form["To"], ""))
        else:
            event = request.json
            subject = f"{event['type']} {event['data']['customer_id']} {event['data'].get('sequence', '')}".rstrip()
            acted.hooks.append(Received(request.headers["webhook-id"], request.path, subject))
    return acted


async def _pending_actions(client: Client, workflow_ids: Iterable[str]) -> dict[str, Counter[str]]:
    """The pending actions that each workflow shows; a workflow that does not answer is left out."""
    gate = asyncio.Semaphore(8)

    async def ask(workflow_id: str) -> tuple[str, Counter[str]] | None:
        async with gate:
            try:
                shown: WorkflowMetadata = await client.get_workflow_handle(workflow_id).query(
                    DETAILS_QUERY, result_type=WorkflowMetadata
                )
            except RPCError:
                return None
        return workflow_id, Counter(TO_COME.findall(shown.current_details))

    responses = await asyncio.gather(*(ask(workflow_id) for workflow_id in workflow_ids))
    return dict(response for response in responses if response is not None)
