"""``journey validate``: orphaned relationships, invalid stages, and whatever of journeys and figures does not agree.

Two streams, whatever the number of journeys: the running workflows as Temporal lists them, each page beside its rows;
then the rows in chunks, each beside ledger and transitions. Of what was seen running only the rows' numbers are kept,
8 bytes each; sorted, they are merged with the rows, so that a row whose workflow is gone is found on the way.
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
from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import console, print_json, print_rows, progress
from contracts.journey_client import journey_handle, workflow_status
from contracts.names import JOURNEY, STAGE, STATE_QUERY
from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_reader import rollup_drift
from db.connections import Pool, open_pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance, validation
from db.operations.validation import ConsistencyRow
from journey.stages import Rulebook
from journey.state import unpack
from settings import Settings

CHUNK = 500
SHOWN = 1000  # problems that are told in full; all are counted

app = command_app()


@app.command()
def validate_command(
    company: AnyCompany = None,
    deep: Annotated[bool, typer.Option(help="Ask every workflow for its state, too (slow).")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Look for orphaned relationships, invalid stages, and drift: between Temporal and Postgres, and between a row and
    what ledger and transitions say. Exit code 1 if there is any.

    Example: [bold]journey validate --company 1 --deep[/bold]
    """
    run(data, lambda settings: validate(settings, company, deep, as_json))


class Findings:
    """What was found: all problems counted by kind, the first of them in full."""

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
    """Print every problem found; 1 if there is any. ``deep`` asks each workflow for its state."""
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
    """A page of running workflows beside their rows; the relationships that it has seen running."""
    shown = {found.id.split("/", 2)[2]: found.typed_search_attributes.get(STAGE) for found in page}
    rows = await validation.current_stages(pool, company_id, list(shown))
    for customer_id, stage in shown.items():
        row = rows.get(customer_id)
        if row is None:
            # one that shows no stage has committed nothing yet, and one may have begun or ended since the list was made
            if stage and await _is_alone(client, pool, company_id, customer_id):
                findings.add(company_id, customer_id, "no row", f"a workflow in {stage}, and no row")
        # the list follows a commit by a moment, so that the workflow itself is asked
        elif (deep or stage != row[1]) and (problem := await _drift(client, pool, company_id, customer_id)):
            findings.add(company_id, customer_id, "drift", problem)
    return [row[0] for row in rows.values()]


async def _is_alone(client: Client, pool: Pool, company_id: int, customer_id: str) -> bool:
    """Whether a workflow runs, now, that has no row."""
    row = await validation.current_stages(pool, company_id, [customer_id])
    return not row and await workflow_status(client, company_id, customer_id) != "gone"


async def _drift(client: Client, pool: Pool, company_id: int, customer_id: str) -> str | None:
    """What a workflow says otherwise than its row. A commit between two looks is no drift: the row is looked at before
    and after."""
    before = (await validation.current_stages(pool, company_id, [customer_id])).get(customer_id)
    try:
        state = await journey_handle(client, company_id, customer_id).query(STATE_QUERY)
    except RPCError as error:
        if await workflow_status(client, company_id, customer_id) == "gone":
            return None  # it is said of its row
        return f"its workflow does not answer: {error.message}"
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
        for account in accounts:
            after = account.relationship_id
            while place < len(running) and running[place] < after:
                place += 1
            for kind, problem in _row_problems(account, rulebook):
                findings.add(company_id, account.customer_id, kind, problem)
            is_running = place < len(running) and running[place] == after
            if is_running or account.customer_id is None:
                continue
            if await workflow_status(client, company_id, account.customer_id) == "gone":  # or it has begun since
                findings.add(company_id, account.customer_id, "no workflow", "no workflow runs for it")
        findings.journeys += len(accounts)
        yield len(accounts)


async def _check_figures(pool: Pool, company_id: int, findings: Findings) -> None:
    """The roll-ups that figures are summed from, beside a count from the beginning."""
    stages = stages_json((await RulebookCache().latest(pool, company_id)).all_stages)
    for found in await rollup_drift(pool, company_id, stages):
        what = f"{found['figure']} {' → '.join(found['key'])} of {found['day']}"
        findings.add(company_id, None, "figures", f"{what}: {found['problem']} {found['n']}, {found['amount']}")


def _row_problems(account: ConsistencyRow, rulebook: Rulebook) -> list[tuple[str, str]]:
    """(kind, problem) of each thing in a row that does not agree."""
    problems = []
    if account.customer_id is None:
        problems.append(("orphan", f"relationship {account.relationship_id} has no customer"))
    if account.current_stage not in rulebook.by_key:
        allowed = ", ".join(rulebook.by_key)
        problems.append(("invalid stage", f"invalid stage {account.current_stage!r}; allowed: {allowed}"))
    state = unpack(account.state)
    if (state.stage, state.version) != (account.current_stage, account.version):
        says = f"columns say {account.current_stage} at {account.version}, its state {state.stage} at {state.version}"
        problems.append(("state", says))
    for name, row, told in (
        ("current_stage", account.current_stage, account.last_stage),
        ("lifetime_value", account.lifetime_value, account.ledger_value),
        ("total_appointments", account.total_appointments, account.ledger_visits),
    ):
        if row != told:
            source = "the last transition" if name == "current_stage" else "the ledger"
            problems.append(("ledger", f"{name} is {row}; {source} says {told}"))
    return problems


def _report(findings: Findings, as_json: bool) -> None:
    if as_json:
        by_kind = dict(sorted(findings.kinds.items()))
        print_json({"journeys": findings.journeys, "kinds": by_kind, "problems": findings.problems})
        return
    print_rows(findings.problems, f"{findings.journeys:,} journeys, no problem found")
    if findings.problems:
        total = findings.kinds.total()
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in findings.kinds.most_common())
        more = f" ({total - SHOWN:,} are not shown)" if total > SHOWN else ""
        console.print(f"{total:,} problems in {findings.journeys:,} journeys: {kinds}{more}")
