"""``journey validate``: orphaned relationships, invalid stages, drift between Temporal and Postgres."""

from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError

import connection
from cli.evaluate import company_ids
from cli.output import console, print_json, print_rows, progress
from db import maintenance
from db.maintenance import Standing
from db.rulebooks import Rulebooks
from db.session import open_pool
from journey.stages import Rulebook
from journey.state import unpack
from settings import Settings
from workflows.intake import journey
from workflows.names import JOURNEY, STAGE, STATE_QUERY, journey_id


async def validate(settings: Settings, company: int | None, deep: bool, as_json: bool) -> int:
    """Print every problem found; 1 if there is any. ``deep`` asks each workflow for its state."""
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    problems: list[dict[str, Any]] = []
    looked = 0
    try:
        client = await connection.connect()
        with progress() as bar:
            for company_id in await company_ids(settings, company):
                rulebook = await Rulebooks().newest(pool, company_id)
                task = bar.add_task(f"company {company_id}", total=await maintenance.count(pool, company_id))
                running = await _running(client, company_id)
                async for standings in maintenance.standings(pool, company_id):
                    for standing in standings:
                        found = _row_problems(standing, rulebook)
                        workflow_id = journey_id(company_id, standing.customer_id or "")
                        shown = running.pop(workflow_id, None)
                        if workflow_id and shown is None:
                            found.append("no workflow runs for it")
                        elif shown != standing.current_stage and not deep:
                            found += await _drift(client, company_id, standing)  # visibility may lag: ask
                        if deep and shown is not None:
                            found += await _drift(client, company_id, standing)
                        problems += [_problem(company_id, standing.customer_id, text) for text in found]
                        looked += 1
                    bar.advance(task, len(standings))
                problems += [
                    _problem(company_id, workflow_id.split("/", 2)[2], f"a workflow in {stage}, and no row")
                    for workflow_id, stage in running.items()
                    if stage
                ]
    except LookupError as error:
        raise ValueError(str(error)) from None
    finally:
        await pool.close()
    if as_json:
        print_json({"journeys": looked, "problems": problems})
    else:
        print_rows(problems, f"{looked:,} journeys, no problem found")
        if problems:
            console.print(f"{len(problems):,} problems in {looked:,} journeys")
    return 1 if problems else 0


def _problem(company_id: int, customer_id: str | None, problem: str) -> dict[str, Any]:
    return {"company_id": company_id, "customer_id": customer_id, "problem": problem}


def _row_problems(standing: Standing, rulebook: Rulebook) -> list[str]:
    problems = []
    if standing.customer_id is None:
        problems.append(f"relationship {standing.relationship_id} has no customer")
    if standing.current_stage not in rulebook.by_key:
        problems.append(f"invalid stage {standing.current_stage!r}; allowed: {', '.join(rulebook.by_key)}")
    state = unpack(standing.state)
    if (state.stage, state.version) != (standing.current_stage, standing.version):
        problems.append(
            f"columns say {standing.current_stage} at {standing.version}, its state {state.stage} at {state.version}"
        )
    return problems


async def _running(client: Client, company_id: int) -> dict[str, str | None]:
    """Every running journey of a company: workflow id → the stage it shows."""
    query = f"WorkflowType = '{JOURNEY}' and ExecutionStatus = 'Running' and CompanyId = {company_id}"
    return {found.id: found.typed_search_attributes.get(STAGE) async for found in client.list_workflows(query)}


async def _drift(client: Client, company_id: int, standing: Standing) -> list[str]:
    """What the workflow says otherwise than the row; a commit between the two reads is no drift."""
    try:
        state = await journey(client, company_id, standing.customer_id or "").query(STATE_QUERY)
    except RPCError as error:
        return [f"its workflow does not answer: {error.message}"]
    if (state["stage"], state["version"]) == (standing.current_stage, standing.version):
        return []
    if state["version"] > standing.version and state["waiting_messages"]:
        return []
    return [
        f"workflow: {state['stage']} at version {state['version']}; row: {standing.current_stage} at {standing.version}"
    ]
