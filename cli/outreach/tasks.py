"""``journey tasks``: list, complete and assign staff tasks."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.markup import escape

import connection
from cli.database import pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import complaints, console, print_json, print_rows
from cli.outreach.actions import Customer, Limit, execute_command
from contracts.messages import FinishTask, ReassignTask
from db.outreach import task_queries
from db.outreach.task_queries import TaskSearch
from settings import Settings

app = command_app("List, complete and assign staff tasks.")

TaskId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)]


class Status(StrEnum):
    open = "open"
    done = "done"
    cancelled = "cancelled"
    all = "all"


@app.command("list")
def tasks_list(
    company: Company,
    status: Annotated[Status, typer.Option(help="Limit to this status.")] = Status.open,
    assigned_to: Annotated[str | None, typer.Option(help='A staff id, or "nobody".')] = None,
    customer: Customer = None,
    kind: Annotated[str | None, typer.Option(help="Limit to this kind, like check_in_call.")] = None,
    limit: Limit = 50,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """List tasks, soonest due first.

    Example: [bold]journey tasks list --company 1 --assigned-to nobody[/bold]
    """
    staff_id = None
    if assigned_to is not None:
        if assigned_to != "nobody" and not (
            assigned_to.isascii() and assigned_to.isdecimal() and len(assigned_to) < 19
        ):
            raise typer.BadParameter('--assigned-to must be a staff id or "nobody"')
        staff_id = 0 if assigned_to == "nobody" else int(assigned_to)
    wanted = None if status == Status.all else status.value
    search = TaskSearch(wanted, staff_id, customer, kind, limit=limit)
    run(data, lambda settings: list_tasks(settings, company, search, as_json))


@app.command("done")
def tasks_done(
    task_id: TaskId,
    company: Company,
    note: Annotated[str | None, typer.Option(help="A note for the customer's history.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Complete a task and record it in the customer's history.

    Example: [bold]journey tasks done 17 --company 1 --note "Coming in on Friday"[/bold]
    """
    run(data, lambda settings: finish_task(settings, company, task_id, note, as_json))


@app.command("assign")
def tasks_assign(
    task_id: TaskId,
    company: Company,
    to: Annotated[int | None, typer.Option(help="Id of the staff member.", min=1, max=2**63 - 1)] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Remove the assignment.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Assign an open task to a staff member.

    Example: [bold]journey tasks assign 17 --to 2 --company 1[/bold]
    """
    if (to is None) is not nobody:
        raise typer.BadParameter("use either --to ID or --nobody")
    run(data, lambda settings: assign_task(settings, company, task_id, to, as_json))


async def list_tasks(settings: Settings, company: int, search: TaskSearch, as_json: bool) -> int:
    async with pool_for(settings, company) as pool:
        found, _ = await task_queries.list_tasks(pool, company, search)
    tasks = orjson.loads(found)
    if as_json:
        print_json({"tasks": tasks})
        return 0
    shown = ("id", "customer_id", "kind", "title", "status", "staff_name", "due_at", "overdue", "note")
    print_rows([{name: task[name] for name in shown} for task in tasks], "No matching tasks.")
    return 0


async def finish_task(settings: Settings, company: int, task_id: int, note: str | None, as_json: bool) -> int:
    return await _change_task(settings, company, FinishTask(task_id, note), as_json)


async def assign_task(settings: Settings, company: int, task_id: int, staff_id: int | None, as_json: bool) -> int:
    return await _change_task(settings, company, ReassignTask(task_id, staff_id), as_json)


async def _change_task(settings: Settings, company: int, command: FinishTask | ReassignTask, as_json: bool) -> int:
    """Send the change to the journey and print the task; returns 1 if it does not exist or the journey refuses."""
    async with pool_for(settings, company) as pool:
        found = await task_queries.find_task(pool, company, command.task_id)
        if found is None:
            complaints.print(f"[red]Company {company} has no task {command.task_id}[/red]")
            return 1
        if problem := await execute_command(await connection.connect(), company, found[0], command):
            complaints.print(f"[red]Refused:[/red] {escape(problem)}")
            return 1
        changed = await task_queries.find_task(pool, company, command.task_id)
    assert changed is not None
    task = orjson.loads(changed[1])
    if as_json:
        print_json(task)
    else:
        assignee = f"assigned to {task['staff_name']}" if task["staff_name"] else "not assigned"
        console.print(f"Task {task['id']} ({escape(task['title'])}) is {task['status']}, {escape(assignee)}.")
    return 0
