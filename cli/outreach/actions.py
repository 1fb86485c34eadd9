"""``journey actions``: list the actions of journeys and retry them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape
from temporalio.client import Client

import connection
from cli.database import pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import complaints, console, print_json, print_rows, progress
from contracts.journey_client import CommandError, CommandTimedOut, execute
from contracts.messages import JourneyCommand, RetryAction
from db.connections import Pool
from db.outreach import action_queries
from db.outreach.action_queries import ActionSearch
from settings import Settings

app = command_app("List actions (e-mails, SMS, tasks, webhooks) and retry them.")

COMMAND_TIMEOUT = 15.0  # seconds for a journey to commit a change
PAGE = 200
STATUSES = ("pending", "waiting", "succeeded", "failed", "suppressed", "cancelled")

Customer = Annotated[str | None, typer.Option(help="Limit to this customer.")]
Limit = Annotated[int, typer.Option(help="Maximum number of rows.", min=1, max=1000)]


@app.command("list")
def actions_list(
    company: Company,
    status: Annotated[list[str] | None, typer.Option(help=f"Repeatable: {', '.join(STATUSES)}.")] = None,
    customer: Customer = None,
    action: Annotated[str | None, typer.Option(help="Limit to this action, like send_welcome_email.")] = None,
    limit: Limit = 50,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """List the newest actions, with reasons for waiting or failing, and the number in each status.

    Example: [bold]journey actions list --company 1 --status failed --status waiting[/bold]
    """
    if unknown := [value for value in status or () if value not in STATUSES]:
        raise typer.BadParameter(f"--status {unknown[0]!r} is not one of {', '.join(STATUSES)}")
    run(
        data,
        lambda settings: list_actions(settings, company, ActionSearch(status or (), customer, action, limit), as_json),
    )


@app.command("retry")
def actions_retry(
    company: Company,
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", min=1, max=2**63 - 1)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Retry all failed actions.")] = False,
    action: Annotated[str | None, typer.Option(help="With --failed: limit to this action.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Retry actions that failed or were suppressed. A message keeps its id.

    Example: [bold]journey actions retry 311 312 --company 1[/bold]

    Example: [bold]journey actions retry --failed --action send_welcome_email --company 1[/bold]
    """
    if not ids and not failed:
        raise typer.BadParameter("name the actions by ID, or use --failed")
    search = ActionSearch(("failed",), action=action) if failed else None
    run(data, lambda settings: retry_actions(settings, company, ids or [], search, as_json))


async def list_actions(settings: Settings, company: int, search: ActionSearch, as_json: bool) -> int:
    """Print the newest actions and the count of each status."""
    async with pool_for(settings, company) as pool:
        found, _ = await action_queries.list_actions(pool, company, search)
        counts = await action_queries.count_actions_by_status(pool, company, search)
    actions = orjson.loads(found)
    if as_json:
        print_json({"actions": actions, "counts": counts})
        return 0
    print_rows([_row(action) for action in actions], "No matching actions.")
    if counts:
        console.print(", ".join(f"{count:,} {status}" for status, count in sorted(counts.items())))
    return 0


async def retry_actions(
    settings: Settings, company: int, ids: Sequence[int], failed: ActionSearch | None, as_json: bool
) -> int:
    """Retry the actions of ``ids`` and those that match ``failed``; returns 1 if one was refused."""
    outcomes: list[dict[str, Any]] = []
    async with pool_for(settings, company) as pool:
        all_ids = [*ids, *(await _matching_ids(pool, company, failed) if failed else [])]
        client = await connection.connect()
        with progress() as bar:
            for action_id in bar.track(all_ids, description="actions"):
                problem = await _retry(client, pool, company, action_id)
                outcomes.append({"id": action_id, "problem": problem})
    refused = [outcome for outcome in outcomes if outcome["problem"]]
    if as_json:
        print_json({"retried": len(outcomes) - len(refused), "refused": refused})
    else:
        for outcome in refused:
            complaints.print(f"[red]action {outcome['id']}:[/red] {escape(outcome['problem'])}")
        console.print(f"{len(outcomes) - len(refused):,} actions will be retried.")
    return 1 if refused else 0


async def _matching_ids(pool: Pool, company: int, search: ActionSearch) -> list[int]:
    """The ids of all matching actions, collected before the first retry: one that fails again is not retried twice."""
    ids: list[int] = []
    before: int | None = None
    while True:
        page = ActionSearch(search.statuses, search.customer_id, search.action, PAGE, before)
        rows, before = await action_queries.list_actions(pool, company, page)
        ids += [row["id"] for row in orjson.loads(rows)]
        if before is None:
            return ids


async def _retry(client: Client, pool: Pool, company: int, action_id: int) -> str | None:
    found = await action_queries.find_action(pool, company, action_id=action_id)
    if found is None:
        return f"company {company} has no action {action_id}"
    return await execute_command(client, company, found[0], RetryAction(action_id))


async def execute_command(client: Client, company: int, customer_id: str, command: JourneyCommand) -> str | None:
    """Send a command to a journey and wait until it is committed; return why it failed, or None."""
    try:
        await execute(client, company, customer_id, command, timeout=COMMAND_TIMEOUT)
    except CommandTimedOut:
        return f"no response in {COMMAND_TIMEOUT:.0f} s; is a worker running? The change may still be applied"
    except CommandError as error:
        return str(error)
    return None


def _row(action: dict[str, Any]) -> dict[str, Any]:
    """The status of an action that created a task or campaign is theirs: a new task is open, not done."""
    shown = {name: action[name] for name in ("id", "customer_id", "action")}
    return {**shown, "status": action["work_status"] or action["status"], "why": _why(action)}


def _why(action: dict[str, Any]) -> str:
    """When a waiting action is due, why it was suppressed, or how it failed."""
    due = f"due {action['due_at'][:16].replace('T', ' ')}" if action["status"] in ("pending", "waiting") else ""
    return ": ".join(filter(None, (due, action["reason"] or action["last_error"])))
