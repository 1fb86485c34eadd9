"""``journey queue-updates`` and ``journey update-risk-scores``: evaluate every journey in a workflow.

The command follows the workflow until it ends. The workflow continues when the command is interrupted; running the
command again follows the same workflow.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError

import connection
from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import complaints, console, print_json, print_rows, progress
from contracts import names
from contracts.maintenance import EvaluateAllStart
from db.connections import open_pool
from settings import Settings

Rate = Annotated[
    float,
    typer.Option(
        help="Journeys per second to evaluate. On two cores, five do not slow down live events.",
        min=0.1,
        max=1000,
    ),
]


POLL_INTERVAL = 0.5  # seconds
SILENT_POLLS = 20  # queries without a response until the user is asked about a worker
INTERRUPTED = 130  # the exit code that shells use after Ctrl-C

app = command_app()


@app.command()
def queue_updates(
    chunk: Annotated[int, typer.Option(help="Journeys per chunk.", min=1, max=10_000)] = 100,
    rate: Rate = 5,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Evaluate every journey in chunks, in a workflow.

    The workflow continues when this command is interrupted; running the command again follows the same workflow.
    Journeys keep their own deadlines, so one that needs a change has drifted: it is repaired and reported, and the exit
    code is 1.

    Example: [bold]journey queue-updates --chunk 500 --rate 50[/bold]
    """
    run(data, lambda settings: evaluate_all(settings, company, chunk=chunk, rate=rate, as_json=as_json))


@app.command()
def update_risk_scores(
    rate: Rate = 5, company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Check the scores of every journey.

    The same evaluation as queue-updates, in chunks of 500. A wrong score is drift: it is repaired and reported, and the
    exit code is 1.

    Example: [bold]journey update-risk-scores --company 1[/bold]
    """
    run(data, lambda settings: evaluate_all(settings, company, chunk=500, rate=rate, as_json=as_json))


async def evaluate_all(settings: Settings, company: int | None, *, chunk: int, rate: float, as_json: bool) -> int:
    """Evaluate every journey of one company or of all, and print which had drifted.

    Returns 1 if there was drift or something failed. Raises ValueError for an unknown company.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    try:
        await company_ids(pool, company)
    finally:
        await pool.close()
    client = await connection.connect()
    handle = await _start_or_join(client, company, EvaluateAllStart(company=company, chunk=chunk, rate=rate))
    try:
        result = await _follow(handle)
    except asyncio.CancelledError:
        complaints.print(f"\nStill running as workflow {handle.id}. Run the command again to follow it.")
        return INTERRUPTED
    except WorkflowFailureError as error:
        raise RuntimeError(f"workflow {handle.id}: {error.cause}") from error
    _report(result, as_json)
    return 1 if result["drifted"] or result["unanswered"] or result["failed"] else 0


async def _start_or_join(client: Client, company: int | None, start: EvaluateAllStart) -> WorkflowHandle[Any, Any]:
    of = f"company {company}" if company else "every company"
    pairs = [SearchAttributePair(names.COMPANY_ID, company)] if company else []
    return await client.start_workflow(
        names.EVALUATE_ALL,
        start,
        id=names.evaluation_id(company),
        task_queue=names.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=TypedSearchAttributes(pairs) if pairs else None,
        static_summary=f"Every journey of {of} evaluated",
        static_details="Journeys keep their own deadlines: one that this evaluation changes has drifted.",
    )


async def _follow(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """Show the progress until the workflow ends; returns its result."""
    result_task = asyncio.create_task(handle.result())
    silent = 0
    with progress() as bar:
        tasks: dict[int, Any] = {}
        while not result_task.done():
            await asyncio.wait([result_task], timeout=POLL_INTERVAL)
            silent += 1
            with suppress(RPCError, WorkflowQueryFailedError, TimeoutError):
                status = await asyncio.wait_for(handle.query(names.PROGRESS_QUERY), 10)
                silent = 0
                if company_id := status["company"]:
                    for other in tasks.keys() - {company_id}:
                        bar.update(tasks[other], completed=bar.tasks[tasks[other]].total)
                    if company_id not in tasks:
                        tasks[company_id] = bar.add_task(f"company {company_id}", total=status["total"])
                    bar.update(
                        tasks[company_id], completed=status["looked"], total=max(status["total"], status["looked"])
                    )
            if silent == SILENT_POLLS:
                complaints.print("[yellow]No response yet.[/yellow] Is a worker running? The evaluation waits for one.")
    result: dict[str, Any] = await result_task
    return result


def _report(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({**{name: result[name] for name in result if name != "changes"}, "drift": result["changes"]})
        return
    shown = [{"company_id": change["company_id"], "customer_id": change["customer_id"], **change}
             for change in result["changes"]]  # fmt: skip
    print_rows(shown, f"{result['evaluated']:,} journeys evaluated, nothing to change.")
    if result["drifted"]:
        more = result["drifted"] - len(shown)
        console.print(
            f"{result['evaluated']:,} journeys evaluated, {result['drifted']:,} had drifted and were"
            " requested to repair themselves" + (f" ({more:,} not shown)." if more else ".")
        )
    if result["unanswered"]:
        console.print(f"[red]{result['unanswered']:,} did not respond[/red]; `journey validate` shows why.")
    for company_id, reason in result["failed"].items():
        console.print(f"[red]company {company_id} failed:[/red] {reason}")
