"""``journey evaluate-transitions``: evaluate journeys now.

The pure core decides from each journey's row what an evaluation would change; only journeys that would change are
requested to evaluate themselves, and those whose workflow is lost, which starts it again from the row.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from temporalio.service import RPCError

import connection
from activities.lost_journeys import find_lost, lost_change, without_row
from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import complaints, console, print_json, print_rows, progress
from contracts.journey_workflows import JourneyWorkflows
from db.connections import Pool, open_pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from db.operations.maintenance import JourneyKey
from db.people import aliases
from journey.drift import detect_drift
from journey.time import Micros
from settings import Settings

COMMIT_TIMEOUT = 30.0  # seconds for a journey to commit its evaluation

app = command_app()


@app.command()
def evaluate_transitions(
    customer: Annotated[str | None, typer.Option(help="Limit to this customer (requires --company).")] = None,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Evaluate journeys now and print what changed.

    Example: [bold]journey evaluate-transitions --company 1 --customer 123[/bold]
    """
    if customer is not None and company is None:
        raise typer.BadParameter("--customer requires --company, because customer ids are unique only within a company")
    run(data, lambda settings: evaluate(settings, company, customer, as_json=as_json))


async def evaluate(settings: Settings, company: int | None, customer: str | None, *, as_json: bool) -> int:
    """Evaluate journeys and print what changed; returns 1 if a journey did not respond."""
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    changes: list[dict[str, Any]] = []
    evaluated = 0
    try:
        workflows = JourneyWorkflows(await connection.connect())
        with progress() as bar:
            for company_id in await company_ids(pool, company):
                customer = customer and await aliases.resolve(pool, company_id, customer)
                rulebook = await RulebookCache().latest(pool, company_id)
                task = bar.add_task(f"company {company_id}", total=await maintenance.count_journeys(pool, company_id))
                async for rows in maintenance.iterate_journeys(pool, company_id, customer_id=customer):
                    evaluated += len(rows)
                    now = Micros(time.time_ns() // 1000)
                    lost = await find_lost(pool, workflows, company_id, [row.key for row in rows])
                    for row in rows:
                        change = detect_drift(row.state, rulebook, now)
                        if change is None and row.relationship_id in lost:
                            change = lost_change(row.current_stage, lost[row.relationship_id])
                        if change is not None:
                            report = {"company_id": company_id, "customer_id": row.customer_id, **change}
                            done = await _evaluate_and_wait(workflows, pool, company_id, row.key)
                            changes.append({**report, "done": done})
                    bar.advance(task, len(rows))
                async for key in _without_row(workflows, pool, company_id, customer):
                    evaluated += 1
                    report = {"company_id": company_id, "customer_id": key.customer_id, **lost_change("", "ahead")}
                    changes.append({**report, "done": await _evaluate_and_wait(workflows, pool, company_id, key)})
    finally:
        await pool.close()
    if customer is not None and not evaluated:
        raise ValueError(f"company {company} has no journey of customer {customer!r}")
    if as_json:
        print_json({"evaluated": evaluated, "changed": changes})
    else:
        print_rows(changes, f"{evaluated:,} journeys evaluated, nothing to change.")
        if changes:
            console.print(f"{evaluated:,} journeys evaluated, {len(changes):,} changed.")
    return 0 if all(change["done"] for change in changes) else 1


async def _without_row(
    workflows: JourneyWorkflows, pool: Pool, company_id: int, customer: str | None
) -> AsyncIterator[JourneyKey]:
    """Iterate over the journeys, or that of one customer, whose workflow has committed something and has no row."""
    async for customers in without_row(pool, workflows, company_id, customer):
        for customer_id in customers:
            yield JourneyKey(0, customer_id, 0)


async def _evaluate_and_wait(workflows: JourneyWorkflows, pool: Pool, company_id: int, journey: JourneyKey) -> bool:
    """Request an evaluation and wait for its commit; returns whether it was committed in time."""
    customer_id = journey.customer_id or ""
    try:
        await workflows.request_evaluation(company_id, customer_id)
    except RPCError as error:
        complaints.print(f"[red]customer {customer_id}:[/red] {escape(error.message)}")
        return False
    deadline = time.monotonic() + COMMIT_TIMEOUT
    while time.monotonic() < deadline:
        current = await maintenance.journey_keys(pool, company_id, customers=[customer_id])
        if any(key.version != journey.version for key in current):
            return True
        await asyncio.sleep(0.1)
    complaints.print(f"[red]customer {customer_id}:[/red] no response in {COMMIT_TIMEOUT:.0f} s; is a worker running?")
    return False
