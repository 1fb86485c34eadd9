"""``journey actions``: what stages brought about, and what is to be tried again."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import AsJson, Company, Data, finish, settle

actions = typer.Typer(help="Actions: mails, messages, tasks, webhooks, and what became of them.", no_args_is_help=True)

STATUSES = ("pending", "waiting", "succeeded", "failed", "suppressed", "cancelled")

Customer = Annotated[str | None, typer.Option(help="Only this customer's.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)]


@actions.command("list")
def actions_list(
    company: Company,
    status: Annotated[list[str] | None, typer.Option(help=f"Repeatable: {', '.join(STATUSES)}.")] = None,
    customer: Customer = None,
    action: Annotated[str | None, typer.Option(help="Only this one, like send_welcome_email.")] = None,
    limit: Limit = 50,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """The newest actions, why they wait or failed, and how many there are of each status.

    Example: [bold]journey actions list --company 1 --status failed --status waiting[/bold]
    """
    if unknown := [given for given in status or () if given not in STATUSES]:
        raise typer.BadParameter(f"--status {unknown[0]!r} is not one of {', '.join(STATUSES)}")
    from cli import desk
    from db.outreach.action_queries import ActionSearch
    from settings import read_settings

    settle(data)
    finish(desk.list_actions(read_settings(), company, ActionSearch(status or (), customer, action, limit), as_json))


@actions.command("retry")
def actions_retry(
    company: Company,
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", min=1, max=2**63 - 1)] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that have failed.")] = False,
    action: Annotated[str | None, typer.Option(help="With --failed: only this one.")] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Try actions again that failed or were suppressed. A message has the same id as the first time.

    Example: [bold]journey actions retry 311 312 --company 1[/bold]
    Example: [bold]journey actions retry --failed --action send_welcome_email --company 1[/bold]
    """
    if not ids and not failed:
        raise typer.BadParameter("say which: ids, or --failed")
    from cli import desk
    from db.outreach.action_queries import ActionSearch
    from settings import read_settings

    settle(data)
    search = ActionSearch(("failed",), action=action) if failed else None
    finish(desk.retry_actions(read_settings(), company, ids or [], search, as_json))
