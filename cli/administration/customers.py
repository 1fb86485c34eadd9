"""``journey customers``: explain one customer's journey, and merge two customers who are one person."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

import connection
from activities.merging import plan_merge
from cli.administration.customer_show import show_customer
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import complaints, console, print_json
from contracts.journey_client import CommandError, merge_customers
from contracts.requests import MergeResult
from db.connections import Pool, open_pool, tenant_transaction
from db.journeys.rulebooks import RulebookCache
from db.people import companies
from journey.identifiers import CUSTOMER_ID_CHARACTERS, is_customer_id
from journey.time import to_micros
from settings import Settings

MERGE_TIMEOUT = 60.0  # seconds
CANNOT_BE_UNDONE = "A merge cannot be undone."

app = command_app("Explain a customer's journey; merge customers who are one person.")

CustomerId = Annotated[str, typer.Argument(metavar="ID", help="The customer whose id becomes an alias.")]


@app.command()
def show(
    customer: Annotated[str, typer.Argument(metavar="ID", help="The customer's id, or an alias.")],
    company: Company,
    as_of: Annotated[
        str | None, typer.Option(help="Explain it as it was then, like 2026-03-12T09:00:00Z; default: now.")
    ] = None,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Print why a customer is in their stage, or was on a date: scores, rules and what comes next.

    Example: [bold]journey customers show 123 --company 1 --as-of 2026-03-12T09:00:00Z[/bold]
    """
    run(data, lambda settings: show_customer(settings, company, customer, as_of, as_json=as_json))


@app.command()
def merge(
    customer: CustomerId,
    company: Company,
    into: Annotated[str, typer.Option(help="The customer who remains.")],
    preview: Annotated[bool, typer.Option("--preview", help="Only print what the merge would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Merge without asking.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Merge a customer into another one, because both are one person. This cannot be undone.

    Events, tasks and messages count for the customer who remains. Needs a worker.

    Example: [bold]journey customers merge 124 --into 123 --company 1 --preview[/bold]
    """
    for name, value in (("ID", customer), ("--into", into)):
        if not is_customer_id(value):
            raise typer.BadParameter(f"{name}: {value!r} is not a customer's id ({CUSTOMER_ID_CHARACTERS})")
    run(data, lambda settings: merge_one(settings, company, customer, into, preview=preview, yes=yes, as_json=as_json))


async def merge_one(
    settings: Settings, company: int, customer: str, into: str, *, preview: bool, yes: bool, as_json: bool
) -> int:
    """Preview and merge; returns 1 if the merge is refused or not confirmed.

    Raises:
        ValueError: The company does not exist.
        RuntimeError: No worker has merged the customers in time, or Temporal is unavailable.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    try:
        if await companies.find_name(pool, company) is None:
            raise ValueError(f"there is no company {company}")
        result = await _plan(pool, company, customer, into)
    finally:
        await pool.close()
    if "refused" not in result and not preview:
        if not yes:
            _print(result, done=False)
            if not typer.confirm(f"{CANNOT_BE_UNDONE} Merge {customer} into {result['into']}?", err=True):
                complaints.print("Nothing was changed.")
                return 1
        try:
            result = await merge_customers(
                await connection.connect(),
                {"company_id": company, "customer_id": customer, "into": into, "actor": "cli"},
                timeout=MERGE_TIMEOUT,
            )
        except CommandError as error:
            raise RuntimeError(str(error)) from None
    if "refused" in result:
        complaints.print(f"[red]error:[/red] {result['refused'][1]}")
        return 1
    if as_json:
        print_json(result)
    else:
        _print(result, done=not preview)
    return 0


async def _plan(pool: Pool, company: int, customer: str, into: str) -> MergeResult:
    async with tenant_transaction(pool, company) as opened:
        rulebook = await RulebookCache().load(opened, company)
        plan = await plan_merge(opened, company, customer, into, rulebook, to_micros(datetime.now(UTC)))
    return {"refused": plan} if isinstance(plan, tuple) else plan.summary()


def _print(result: MergeResult, *, done: bool) -> None:
    stages = result["stages"]
    before = f"{stages['customer_id'] or 'no journey'} and {stages['into'] or 'no journey'}"
    answers: dict[bool | None, str] = {True: "yes", False: "no", None: "no record"}
    consent = [f"{channel}: {answers[given]}" for channel, given in result["consent"].items()]
    lines: list[tuple[str, Any]] = [
        ("profile fields taken", ", ".join(result["profile"]) or "none"),
        ("consent changes", ", ".join(consent) or "none"),
        ("events", result["events"]),
        ("open tasks moved", result["tasks"]),
        ("open tasks cancelled", result["tasks_cancelled"]),
        ("actions cancelled", result["actions_cancelled"]),
        ("campaign ended", "yes" if result["campaign_ended"] else "no"),
        ("stage", f"{before} → {stages['after'] or 'no journey'}"),
    ]
    verb = "was merged" if done else "would be merged"
    console.print(f"Customer {result['customer_id']} {verb} into {result['into']}. {CANNOT_BE_UNDONE}")
    for name, value in lines:
        console.print(f"  {name}: {value}")
