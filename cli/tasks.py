"""``journey tasks``: people's work."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.actions import Customer, Limit
from cli.options import AsJson, Company, Data, finish, settle

tasks = typer.Typer(help="People's work: calls, reviews, follow-ups.", no_args_is_help=True)

TaskId = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**63 - 1)]


class Status(StrEnum):
    open = "open"
    done = "done"
    cancelled = "cancelled"
    all = "all"


@tasks.command("list")
def tasks_list(
    company: Company,
    status: Annotated[Status, typer.Option(help="Which of them.")] = Status.open,
    assigned_to: Annotated[str | None, typer.Option(help="A staff id, or nobody.")] = None,
    customer: Customer = None,
    kind: Annotated[str | None, typer.Option(help="Like check_in_call.")] = None,
    limit: Limit = 50,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Tasks, soonest due first.

    Example: [bold]journey tasks list --company 1 --assigned-to nobody[/bold]
    """
    staff_id = None
    if assigned_to is not None:
        if assigned_to != "nobody" and not (
            assigned_to.isascii() and assigned_to.isdecimal() and len(assigned_to) < 19
        ):
            raise typer.BadParameter("--assigned-to: a staff id, or nobody")
        staff_id = 0 if assigned_to == "nobody" else int(assigned_to)
    from cli import desk
    from db.outreach.task_queries import TaskSearch
    from settings import read_settings

    settle(data)
    search = TaskSearch(None if status == Status.all else status.value, staff_id, customer, kind, limit)
    finish(desk.list_tasks(read_settings(), company, search, as_json))


@tasks.command("done")
def tasks_done(
    task_id: TaskId,
    company: Company,
    note: Annotated[str | None, typer.Option(help="What is to be said about it.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """A task is done; the journey's history tells so.

    Example: [bold]journey tasks done 17 --company 1 --note "Comes on Friday"[/bold]
    """
    from cli import desk
    from settings import read_settings

    settle(data)
    finish(desk.finish_task(read_settings(), company, task_id, note, as_json))


@tasks.command("assign")
def tasks_assign(
    task_id: TaskId,
    company: Company,
    to: Annotated[int | None, typer.Option(help="The staff id of who gets it.", min=1, max=2**63 - 1)] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="Leave it to whoever takes it.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Give an open task to somebody of the staff.

    Example: [bold]journey tasks assign 17 --to 2 --company 1[/bold]
    """
    if (to is None) is not nobody:
        raise typer.BadParameter("say who: --to ID, or --nobody")
    from cli import desk
    from settings import read_settings

    settle(data)
    finish(desk.assign_task(read_settings(), company, task_id, to, as_json))
