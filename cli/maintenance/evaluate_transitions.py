"""``journey evaluate-transitions``: evaluate journeys now.

The pure core decides from each journey's row what an evaluation would change; only journeys that would change are
requested to evaluate themselves.
"""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from temporalio.client import Client
from temporalio.service import RPCError

import connection
from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import complaints, console, print_json, print_rows, progress
from contracts.journey_client import request_evaluation
from db.connections import Pool, open_pool
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance
from db.operations.maintenance import JourneyRow
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
        client = await connection.connect()
        with progress() as bar:
            for company_id in await company_ids(pool, company):
                rulebook = await RulebookCache().latest(pool, company_id)
                task = bar.add_task(f"company {company_id}", total=await maintenance.count_journeys(pool, company_id))
                async for rows in maintenance.iterate_journeys(pool, company_id, customer_id=customer):
                    evaluated += len(rows)
                    now = Micros(time.time_ns() // 1000)
                    for row in rows:
                        if change := detect_drift(row.state, rulebook, now):
                            report = {"company_id": company_id, "customer_id": row.customer_id, **change}
                            changes.append({**report, "done": await _evaluate_and_wait(client, pool, company_id, row)})
                    bar.advance(task, len(rows))
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


async def _evaluate_and_wait(client: Client, pool: Pool, company_id: int, row: JourneyRow) -> bool:
    """Request an evaluation and wait for its commit; returns whether it was committed in time."""
    try:
        await request_evaluation(client, company_id, row.customer_id or "")
    except RPCError as error:
        complaints.print(f"[red]customer {row.customer_id}:[/red] {escape(error.message)}")
        return False
    deadline = time.monotonic() + COMMIT_TIMEOUT
    while time.monotonic() < deadline:
        versions = await maintenance.journey_versions(pool, company_id, [row.relationship_id])
        if versions.get(row.relationship_id, 0) > row.version:
            return True
        await asyncio.sleep(0.1)
    complaints.print(
        f"[red]customer {row.customer_id}:[/red] no response in {COMMIT_TIMEOUT:.0f} s; is a worker running?"
    )
    return False
