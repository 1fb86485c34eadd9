"""``journey rebuild``: make journeys anew from their ledger.

Each journey is rebuilt by its own workflow, in a commit like any other, so that live events and the rebuild do not
overtake each other.
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
from cli.database import company_ids
from cli.maintenance.journey_problems import problems_of_rows
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import complaints, console, print_json, print_rows, progress
from contracts.journey_workflows import JourneyWorkflows
from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_writer import rebuild as rebuild_rollups
from db.connections import Pool, open_pool
from db.journeys import ledger_records
from db.journeys.rulebooks import RulebookCache
from db.operations import maintenance, validation
from db.people import aliases
from journey.stages import Rulebook
from settings import Settings

CHUNK = 500
COMMIT_TIMEOUT = 60.0  # seconds for a journey to commit its rebuild

app = command_app()


@app.command()
def rebuild_command(
    customer: Annotated[
        str | None, typer.Option(help="Rebuild this customer's journey, whatever its state (requires --company).")
    ] = None,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Make journeys anew from their ledger.

    Rows, states and figures of every journey that differs from its ledger are computed anew. Transitions on record and
    manual moves stay; missing ones are added, without actions. A lost workflow is started again. Needs a worker.

    Example: [bold]journey rebuild --company 1 --customer 123[/bold]
    """
    if customer is not None and company is None:
        raise typer.BadParameter("--customer requires --company, because customer ids are unique only within a company")
    run(data, lambda settings: rebuild(settings, company, customer, as_json=as_json))


async def rebuild(settings: Settings, company: int | None, customer: str | None, *, as_json: bool) -> int:
    """Rebuild what differs and print it; returns 1 if a journey did not respond or still differs.

    Raises:
        ValueError: The company is unknown, or it has nothing of this customer.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    rebuilt: list[dict[str, Any]] = []
    try:
        workflows = JourneyWorkflows(await connection.connect())
        with progress() as bar:
            for company_id in await company_ids(pool, company):
                customer = customer and await aliases.resolve(pool, company_id, customer)
                rulebook = await RulebookCache().latest(pool, company_id)
                total = 1 if customer is not None else await maintenance.count_journeys(pool, company_id)
                task, begun = bar.add_task(f"company {company_id}", total=total), len(rebuilt)
                async for customer_id, version, problems in _different(pool, company_id, customer, rulebook):
                    bar.advance(task)
                    if problems or customer is not None:
                        report = await _rebuild_one(workflows, pool, company_id, customer_id, version, rulebook)
                        rebuilt.append(
                            {"company_id": company_id, "customer_id": customer_id, "was": problems, **report}
                        )
                if len(rebuilt) > begun:
                    await rebuild_rollups(pool, company_id, stages_json(rulebook.all_stages))
    finally:
        await pool.close()
    if customer is not None and not rebuilt:
        raise ValueError(f"company {company} has neither a journey nor events of customer {customer!r}")
    _report(rebuilt, as_json)
    return 0 if all(journey["done"] and not journey["remaining"] for journey in rebuilt) else 1


async def _different(
    pool: Pool, company_id: int, customer: str | None, rulebook: Rulebook
) -> AsyncIterator[tuple[str, int, list[str]]]:
    """Iterate over journeys, or one: customer, version and what is wrong; then customers with a ledger and no row."""
    after = 0
    while rows := await validation.consistency_rows(pool, company_id, after=after, limit=CHUNK, customer_id=customer):
        for row, problems in await problems_of_rows(pool, company_id, rows, rulebook):
            if row.customer_id is not None:
                yield row.customer_id, row.version, [text for _, text in problems]
        after = rows[-1].relationship_id
    after = 0
    while page := await ledger_records.customers_without_row(pool, company_id, after=after, limit=CHUNK):
        for customer_id, _ in page:
            if customer in (None, customer_id):
                yield customer_id, 0, ["events in the ledger without a journey"]
        after = page[-1][1]


async def _rebuild_one(
    workflows: JourneyWorkflows, pool: Pool, company_id: int, customer_id: str, version: int, rulebook: Rulebook
) -> dict[str, Any]:
    """Rebuild one journey; returns whether it was done, and what is still wrong."""
    try:
        await workflows.request_rebuild(company_id, customer_id)
    except RPCError as error:
        complaints.print(f"[red]customer {customer_id}:[/red] {escape(error.message)}")
        return {"done": False, "remaining": []}
    deadline = time.monotonic() + COMMIT_TIMEOUT
    while time.monotonic() < deadline:
        rows = await validation.consistency_rows(pool, company_id, after=0, limit=1, customer_id=customer_id)
        if rows and rows[0].version > version and await workflows.version(company_id, customer_id) == rows[0].version:
            [(_, remaining)] = await problems_of_rows(pool, company_id, rows, rulebook)
            return {"done": True, "remaining": [text for _, text in remaining]}
        await asyncio.sleep(0.1)
    complaints.print(f"[red]customer {customer_id}:[/red] no response in {COMMIT_TIMEOUT:.0f} s; is a worker running?")
    return {"done": False, "remaining": []}


def _report(rebuilt: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"rebuilt": rebuilt})
        return
    shown = [
        {**journey, "was": "; ".join(journey["was"]), "remaining": "; ".join(journey["remaining"])}
        for journey in rebuilt
    ]
    print_rows(shown, "Every journey is what its ledger says.")
    if rebuilt:
        console.print(f"{len(rebuilt):,} journeys rebuilt, roll-ups recounted. Days of stage metrics that are already")
        console.print("written: journey metrics rebuild --from DAY")
