"""``queue-updates``, ``update-risk-scores``: every journey evaluated by a workflow, which this looks at until its end.

The workflow goes on whether or not anybody looks. Who asks again while it runs looks at the one that runs.
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
        help="Journeys a second that are asked to evaluate. Two cores do five unnoticed by live events.",
        min=0.1,
        max=1000,
    ),
]


LOOK_EVERY = 0.5  # seconds
SILENT = 20  # looks without an answer after which a worker is missed
INTERRUPTED = 130  # the exit code of who is interrupted, as shells have it

app = command_app()


@app.command()
def queue_updates(
    chunk: Annotated[int, typer.Option(help="Journeys in one chunk.", min=1, max=10_000)] = 100,
    rate: Rate = 5,
    company: AnyCompany = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Evaluate every journey in chunks, by a workflow that goes on whatever happens to this command.

    Finding something to do is drift: reported, repaired, exit code 1. While one runs, the command looks at that one.

    Example: [bold]journey queue-updates --chunk 500 --rate 50[/bold]
    """
    run(data, lambda settings: evaluate_all(settings, company, chunk=chunk, rate=rate, as_json=as_json))


@app.command()
def update_risk_scores(
    rate: Rate = 5, company: AnyCompany = None, data: Data = Path(".journey"), as_json: AsJson = False
) -> None:
    """Check every journey's scores. Journeys keep their own; finding one that is not right is drift, exit code 1.

    The same evaluation as queue-updates, in chunks of 500.

    Example: [bold]journey update-risk-scores --company 1[/bold]
    """
    run(data, lambda settings: evaluate_all(settings, company, chunk=500, rate=rate, as_json=as_json))


async def evaluate_all(settings: Settings, company: int | None, *, chunk: int, rate: float, as_json: bool) -> int:
    """Have every journey of a company, or of all, evaluated, and print what had drifted.

    The exit code is 1 where there was drift or something could not be done. Raises ValueError for an unknown company.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    try:
        await company_ids(pool, company)
    finally:
        await pool.close()
    client = await connection.connect()
    handle = await _begin_or_join(client, company, EvaluateAllStart(company=company, chunk=chunk, rate=rate))
    try:
        result = await _watch(handle)
    except asyncio.CancelledError:
        complaints.print(f"\nIt goes on without you: workflow {handle.id}. The same command looks at it again.")
        return INTERRUPTED
    except WorkflowFailureError as error:
        raise RuntimeError(f"workflow {handle.id}: {error.cause}") from error
    _report(result, as_json)
    return 1 if result["drifted"] or result["unanswered"] or result["failed"] else 0


async def _begin_or_join(client: Client, company: int | None, start: EvaluateAllStart) -> WorkflowHandle[Any, Any]:
    of = f"company {company}" if company else "every company"
    mark = None if company is None else TypedSearchAttributes([SearchAttributePair(names.COMPANY_ID, company)])
    return await client.start_workflow(
        names.EVALUATE_ALL,
        start,
        id=names.evaluation_id(company),
        task_queue=names.TASK_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        search_attributes=mark,
        static_summary=f"Every journey of {of} evaluated",
        static_details="Journeys keep their own deadlines: one that this finds something to do for has drifted.",
    )


async def _watch(handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """Show how far it is until it has ended; its result."""
    ended = asyncio.create_task(handle.result())
    silent = 0
    with progress() as bar:
        tasks: dict[int, Any] = {}
        while not ended.done():
            await asyncio.wait([ended], timeout=LOOK_EVERY)
            silent += 1
            with suppress(RPCError, WorkflowQueryFailedError, TimeoutError):
                seen = await asyncio.wait_for(handle.query(names.PROGRESS_QUERY), 10)
                silent = 0
                if company_id := seen["company"]:
                    for other in tasks.keys() - {company_id}:
                        bar.update(tasks[other], completed=bar.tasks[tasks[other]].total)
                    if company_id not in tasks:
                        tasks[company_id] = bar.add_task(f"company {company_id}", total=seen["total"])
                    bar.update(tasks[company_id], completed=seen["looked"], total=max(seen["total"], seen["looked"]))
            if silent == SILENT:
                complaints.print("[yellow]no answer yet:[/yellow] is a worker running? The evaluation waits for one.")
    result: dict[str, Any] = await ended
    return result


def _report(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json({**{name: result[name] for name in result if name != "changes"}, "drift": result["changes"]})
        return
    shown = [{"company_id": change["company_id"], "customer_id": change["customer_id"], **change}
             for change in result["changes"]]  # fmt: skip
    print_rows(shown, f"{result['evaluated']:,} journeys evaluated: nothing to do, as it should be")
    if result["drifted"]:
        more = result["drifted"] - len(shown)
        console.print(
            f"{result['evaluated']:,} journeys evaluated, {result['drifted']:,} drifted, and were asked to repair"
            f" themselves" + (f" ({more:,} are not shown)" if more else "")
        )
    if result["unanswered"]:
        console.print(f"[red]{result['unanswered']:,} gave no answer[/red]: journey validate says more")
    for company_id, reason in result["failed"].items():
        console.print(f"[red]company {company_id} failed:[/red] {reason}")
