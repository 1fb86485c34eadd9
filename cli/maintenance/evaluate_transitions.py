"""``evaluate-transitions``: evaluate journeys now.

A journey keeps its own deadlines, so the projection tells what an evaluation would change: each journey is decided by
the pure core, and only those that would change are asked to evaluate themselves.
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

PATIENCE = 30.0  # seconds for a journey to answer

app = command_app()


@app.command()
def evaluate_transitions(
    customer: Annotated[str | None, typer.Option(help="Only this customer (needs --company).")] = None,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Evaluate journeys now, and say what changed.

    Example: [bold]journey evaluate-transitions --company 1 --customer 123[/bold]
    """
    if customer is not None and company is None:
        raise typer.BadParameter("--customer needs --company: the id is the company's own")
    run(data, lambda settings: evaluate(settings, company, customer, as_json=as_json))


async def evaluate(settings: Settings, company: int | None, customer: str | None, *, as_json: bool) -> int:
    """Evaluate journeys and print what changed; 1 where something could not be done."""
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    changes: list[dict[str, Any]] = []
    looked = 0
    try:
        client = await connection.connect()
        with progress() as bar:
            for company_id in await company_ids(pool, company):
                rulebook = await RulebookCache().latest(pool, company_id)
                task = bar.add_task(f"company {company_id}", total=await maintenance.count_journeys(pool, company_id))
                async for standings in maintenance.iterate_journeys(pool, company_id, customer_id=customer):
                    looked += len(standings)
                    now = Micros(time.time_ns() // 1000)
                    for standing in standings:
                        if change := detect_drift(standing.state, rulebook, now):
                            told = {"company_id": company_id, "customer_id": standing.customer_id, **change}
                            changes.append({**told, "done": await _ask(client, pool, company_id, standing)})
                    bar.advance(task, len(standings))
    finally:
        await pool.close()
    if customer is not None and not looked:
        raise ValueError(f"company {company} has no journey of customer {customer!r}")
    if as_json:
        print_json({"evaluated": looked, "changed": changes})
    else:
        print_rows(changes, f"{looked:,} journeys evaluated: nothing to do, as it should be")
        if changes:
            console.print(f"{looked:,} journeys evaluated, {len(changes):,} changed")
    return 0 if all(change["done"] for change in changes) else 1


async def _ask(client: Client, pool: Pool, company_id: int, standing: JourneyRow) -> bool:
    """Have the journey evaluate itself; whether its row moved on in time."""
    try:
        await request_evaluation(client, company_id, standing.customer_id or "")
    except RPCError as error:
        complaints.print(f"[red]customer {standing.customer_id}:[/red] {escape(error.message)}")
        return False
    gave_up = time.monotonic() + PATIENCE
    while time.monotonic() < gave_up:
        now = await maintenance.journey_versions(pool, company_id, [standing.relationship_id])
        if now.get(standing.relationship_id, 0) > standing.version:
            return True
        await asyncio.sleep(0.1)
    complaints.print(f"[red]customer {standing.customer_id}:[/red] no answer in {PATIENCE:.0f} s: is a worker running?")
    return False
