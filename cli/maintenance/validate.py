"""``journey validate``: find orphaned relationships, invalid stages, and data that does not match.

Memory stays small for any number of journeys, because the data is read as two streams. First the running workflows, as
Temporal lists them, each page compared with its rows. Then the rows in chunks, compared with ledger and transitions. Of
the running workflows only the ids of their rows are kept, 8 bytes each; sorted, they are merged with the rows to find
rows without a workflow.
"""

from array import array
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

import connection
from activities.lost_journeys import REASONS, find_lost
from cli.database import company_ids
from cli.maintenance.journey_problems import problems_of_rows
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import console, print_json, print_rows, progress
from contracts.journey_client import journey_handle, workflow_status
from contracts.journey_workflows import JourneyWorkflows
from contracts.names import JOURNEY, STAGE, STATE_QUERY
from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_reader import rollup_drift
from db.connections import Pool, open_pool
from db.journeys import ledger_records
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance, validation
from db.operations.maintenance import JourneyKey
from settings import Settings

CHUNK = 500
SHOWN = 1000  # problems that are listed; all are counted

app = command_app()


@app.command()
def validate_command(
    company: AnyCompany = None,
    deep: Annotated[bool, typer.Option(help="Also query the state of every workflow (slow).")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Find inconsistent data and drift between Temporal and Postgres.

    Checks for orphaned relationships, invalid stages, rows that differ from their workflow, ledger or transitions, and
    wrong roll-ups. Exit code 1 if there is any problem.

    Example: [bold]journey validate --company 1 --deep[/bold]
    """
    run(data, lambda settings: validate(settings, company, deep, as_json))


class Findings:
    """The problems found: all counted by kind, the first ones in full."""

    def __init__(self) -> None:
        self.journeys = 0
        self.kinds: Counter[str] = Counter()
        self.problems: list[dict[str, Any]] = []

    def add(self, company_id: int, customer_id: str | None, kind: str, problem: str) -> None:
        self.kinds[kind] += 1
        if len(self.problems) < SHOWN:
            found = {"company_id": company_id, "customer_id": customer_id, "kind": kind, "problem": problem}
            self.problems.append(found)


async def validate(settings: Settings, company: int | None, deep: bool, as_json: bool) -> int:
    """Print all problems; returns 1 if there are any. ``deep`` queries each workflow for its state."""
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    findings = Findings()
    try:
        client = await connection.connect()
        with progress() as bar:
            for company_id in await company_ids(pool, company):
                total = await maintenance.count_journeys(pool, company_id)
                listing = bar.add_task(f"company {company_id}, workflows", total=total)
                running: array[int] = array("q")
                async for page in _pages(client, company_id):
                    running.extend(await _compare(client, pool, company_id, page, deep, findings))
                    bar.advance(listing, len(page))
                checking = bar.add_task(f"company {company_id}, rows", total=total)
                async for seen in _check_rows(client, pool, company_id, array("q", sorted(running)), findings):
                    bar.advance(checking, seen)
                await _check_ledger(pool, company_id, findings)
                await _check_figures(pool, company_id, findings)
    finally:
        await pool.close()
    _report(findings, as_json)
    return 1 if findings.problems else 0


async def _pages(client: Client, company_id: int) -> AsyncIterator[list[WorkflowExecution]]:
    """Every running journey of a company, in pages."""
    query = f"WorkflowType = '{JOURNEY}' and ExecutionStatus = 'Running' and CompanyId = {company_id}"
    page: list[WorkflowExecution] = []
    async for found in client.list_workflows(query):
        page.append(found)
        if len(page) == CHUNK:
            yield page
            page = []
    if page:
        yield page


async def _compare(
    client: Client, pool: Pool, company_id: int, page: Sequence[WorkflowExecution], deep: bool, findings: Findings
) -> list[int]:
    """Compare a page of running workflows with their rows; returns the ids of these rows."""
    shown = {found.id.split("/", 2)[2]: found.typed_search_attributes.get(STAGE) for found in page}
    rows = await validation.current_stages(pool, company_id, list(shown))
    keys = [JourneyKey(row[0], customer_id, row[2]) for customer_id, row in rows.items()]
    lost = await find_lost(pool, JourneyWorkflows(client), company_id, keys)
    for customer_id, stage in shown.items():
        row = rows.get(customer_id)
        if row is None:
            # without a stage it has not committed yet, and it may have started or ended since the list was made
            if stage and await _is_alone(client, pool, company_id, customer_id):
                findings.add(company_id, customer_id, "no row", f"a workflow in {stage} without a row")
        # the list is updated shortly after a commit, so query the workflow itself
        elif (deep or stage != row[1]) and (problem := await _drift(client, pool, company_id, customer_id)):
            findings.add(company_id, customer_id, "drift", problem)
        elif (loss := lost.get(row[0])) in ("behind", "ahead"):
            findings.add(company_id, customer_id, "drift", REASONS[loss])
    return [row[0] for row in rows.values()]


async def _is_alone(client: Client, pool: Pool, company_id: int, customer_id: str) -> bool:
    """Whether a workflow is running now and has no row."""
    row = await validation.current_stages(pool, company_id, [customer_id])
    return not row and await workflow_status(client, company_id, customer_id) != "gone"


async def _drift(client: Client, pool: Pool, company_id: int, customer_id: str) -> str | None:
    """The difference between a workflow and its row, or None.

    The row is read before and after the query: a commit in between is not drift.
    """
    before = (await validation.current_stages(pool, company_id, [customer_id])).get(customer_id)
    try:
        state = await journey_handle(client, company_id, customer_id).query(STATE_QUERY)
    except RPCError as error:
        if await workflow_status(client, company_id, customer_id) == "gone":
            return None  # reported for its row
        return f"its workflow does not respond: {error.message}"
    after = (await validation.current_stages(pool, company_id, [customer_id])).get(customer_id)
    if before is None or after is None or before != after or state["waiting_messages"]:
        return None
    if (state["stage"], state["version"]) == after[1:]:
        return None
    return f"workflow: {state['stage']} at version {state['version']}; row: {after[1]} at {after[2]}"


async def _check_rows(
    client: Client, pool: Pool, company_id: int, running: Sequence[int], findings: Findings
) -> AsyncIterator[int]:
    """Every row of a company beside what else is known of it; how many, chunk by chunk. ``running`` is ascending."""
    rulebook = await RulebookCache().latest(pool, company_id)
    place, after = 0, 0
    while accounts := await validation.consistency_rows(pool, company_id, after=after, limit=CHUNK):
        for account, problems in await problems_of_rows(pool, company_id, accounts, rulebook):
            after = account.relationship_id
            while place < len(running) and running[place] < after:
                place += 1
            for kind, problem in problems:
                findings.add(company_id, account.customer_id, kind, problem)
            is_running = place < len(running) and running[place] == after
            if is_running or account.customer_id is None:
                continue
            if await workflow_status(client, company_id, account.customer_id) == "gone":  # it may have started since
                findings.add(company_id, account.customer_id, "no workflow", "its workflow is not running")
        findings.journeys += len(accounts)
        yield len(accounts)


async def _check_ledger(pool: Pool, company_id: int, findings: Findings) -> None:
    """Find customers with applied events and no journey."""
    after = 0
    while page := await ledger_records.customers_without_row(pool, company_id, after=after, limit=CHUNK):
        for customer_id, _ in page:
            findings.add(company_id, customer_id, "no row", "events in the ledger without a journey")
        after = page[-1][1]


async def _check_figures(pool: Pool, company_id: int, findings: Findings) -> None:
    """Compare the roll-ups behind the analytics with a full recount."""
    stages = stages_json((await RulebookCache().latest(pool, company_id)).all_stages)
    for found in await rollup_drift(pool, company_id, stages):
        what = f"{found['figure']} {' → '.join(part or '–' for part in found['key'])} of {found['day']}"
        findings.add(company_id, None, "figures", f"{what}: {found['problem']} {found['n']}, {found['amount']}")


def _report(findings: Findings, as_json: bool) -> None:
    if as_json:
        by_kind = dict(sorted(findings.kinds.items()))
        print_json({"journeys": findings.journeys, "kinds": by_kind, "problems": findings.problems})
        return
    print_rows(findings.problems, f"{findings.journeys:,} journeys, no problems found.")
    if findings.problems:
        total = findings.kinds.total()
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in findings.kinds.most_common())
        more = f" ({total - SHOWN:,} not shown)" if total > SHOWN else ""
        console.print(f"{total:,} problems in {findings.journeys:,} journeys: {kinds}{more}")
