"""``journey actions`` and ``journey tasks``, done: they read Postgres, and tell journeys what is to change."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from rich.markup import escape
from temporalio.client import Client

import connection
from cli.output import complaints, console, print_json, print_rows, progress
from contracts.journey_client import CommandError, CommandTimedOut, execute
from contracts.messages import FinishTask, JourneyCommand, ReassignTask, RetryAction
from db.connections import Pool, open_pool
from db.outreach import action_queries, task_queries
from db.outreach.action_queries import ActionSearch
from db.outreach.task_queries import TaskSearch
from db.people import companies
from settings import Settings

PATIENCE = 15.0  # seconds for a journey to answer
PAGE = 200


@asynccontextmanager
async def pool_for(settings: Settings, company: int) -> AsyncIterator[Pool]:
    """The application's pool, for a company that is there. Raises ValueError where there is none."""
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    try:
        if await companies.find_name(pool, company) is None:
            raise ValueError(f"there is no company {company}")
        yield pool
    finally:
        await pool.close()


async def list_actions(settings: Settings, company: int, search: ActionSearch, as_json: bool) -> int:
    """The newest actions, and how many there are of each status."""
    async with pool_for(settings, company) as pool:
        found, _ = await action_queries.list_actions(pool, company, search)
        counts = await action_queries.count_actions_by_status(pool, company, search)
    actions = orjson.loads(found)
    if as_json:
        print_json({"actions": actions, "counts": counts})
        return 0
    shown = ("id", "customer_id", "action", "status")
    print_rows(
        [{**{name: action[name] for name in shown}, "why": _why(action)} for action in actions], "no such action"
    )
    if counts:
        console.print(", ".join(f"{count:,} {status}" for status, count in sorted(counts.items())))
    return 0


async def retry_actions(
    settings: Settings, company: int, ids: Sequence[int], failed: ActionSearch | None, as_json: bool
) -> int:
    """Have actions tried again, those of ``ids`` and those that ``failed`` finds; 1 where one of them is not."""
    outcomes: list[dict[str, Any]] = []
    async with pool_for(settings, company) as pool:
        wanted = [*ids, *(await _ids(pool, company, failed) if failed else [])]
        client = await connection.connect()
        with progress() as bar:
            for action_id in bar.track(wanted, description="actions"):
                problem = await _retry(client, pool, company, action_id)
                outcomes.append({"id": action_id, "problem": problem})
    refused = [outcome for outcome in outcomes if outcome["problem"]]
    if as_json:
        print_json({"retried": len(outcomes) - len(refused), "refused": refused})
    else:
        for outcome in refused:
            complaints.print(f"[red]action {outcome['id']}:[/red] {escape(outcome['problem'])}")
        console.print(f"{len(outcomes) - len(refused):,} will be tried again")
    return 1 if refused else 0


async def _ids(pool: Pool, company: int, search: ActionSearch) -> list[int]:
    """All that the search finds, as they stand now: what fails anew while we ask is not asked for twice."""
    found: list[int] = []
    before: int | None = None
    while True:
        page = ActionSearch(search.statuses, search.customer_id, search.action, PAGE, before)
        rows, before = await action_queries.list_actions(pool, company, page)
        found += [row["id"] for row in orjson.loads(rows)]
        if before is None:
            return found


async def _retry(client: Client, pool: Pool, company: int, action_id: int) -> str | None:
    found = await action_queries.find_action(pool, company, action_id=action_id)
    if found is None:
        return f"company {company} has no such action"
    return await execute_command(client, company, found[0], RetryAction(action_id))


async def list_tasks(settings: Settings, company: int, search: TaskSearch, as_json: bool) -> int:
    async with pool_for(settings, company) as pool:
        found, _ = await task_queries.list_tasks(pool, company, search)
    tasks = orjson.loads(found)
    if as_json:
        print_json({"tasks": tasks})
        return 0
    shown = ("id", "customer_id", "kind", "title", "status", "staff_name", "due_at", "overdue", "note")
    print_rows([{name: task[name] for name in shown} for task in tasks], "no such task")
    return 0


async def finish_task(settings: Settings, company: int, task_id: int, note: str | None, as_json: bool) -> int:
    return await _change_task(settings, company, FinishTask(task_id, note), as_json)


async def assign_task(settings: Settings, company: int, task_id: int, staff_id: int | None, as_json: bool) -> int:
    return await _change_task(settings, company, ReassignTask(task_id, staff_id), as_json)


async def _change_task(settings: Settings, company: int, command: FinishTask | ReassignTask, as_json: bool) -> int:
    """1 where there is no such task, or its journey refuses."""
    async with pool_for(settings, company) as pool:
        found = await task_queries.find_task(pool, company, command.task_id)
        if found is None:
            complaints.print(f"[red]company {company} has no task {command.task_id}[/red]")
            return 1
        if problem := await execute_command(await connection.connect(), company, found[0], command):
            complaints.print(f"[red]refused:[/red] {escape(problem)}")
            return 1
        changed = await task_queries.find_task(pool, company, command.task_id)
    assert changed is not None
    task = orjson.loads(changed[1])
    if as_json:
        print_json(task)
    else:
        whose = f"with {task['staff_name']}" if task["staff_name"] else "with nobody"
        console.print(f"task {task['id']} ({escape(task['title'])}) is {task['status']}, {escape(whose)}")
    return 0


async def execute_command(client: Client, company: int, customer_id: str, command: JourneyCommand) -> str | None:
    """Send a command to a journey and wait until it is committed; return why it failed, or None."""
    try:
        await execute(client, company, customer_id, command, timeout=PATIENCE)
    except CommandTimedOut:
        return f"no answer in {PATIENCE:.0f} s: is a worker running? The change may still be applied"
    except CommandError as error:
        return str(error)
    return None


def _why(action: dict[str, Any]) -> str:
    """What is to be said of an action: until when it waits, why it was held back, how it failed."""
    due = f"due {action['due_at'][:16].replace('T', ' ')}" if action["status"] in ("pending", "waiting") else ""
    return ": ".join(filter(None, (due, action["reason"] or action["last_error"])))
