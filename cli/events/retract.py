"""``journey events retract``: take an event back."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

import connection
from cli.database import pool_for
from cli.options import AsJson, Company, Data, command_app, run
from cli.output import complaints, console, print_json
from contracts.journey_client import send_events
from db.connections import Pool, tenant_transaction
from db.journeys import event_outcomes
from db.journeys.retractions import customer_of_event, journey_past, record_author
from db.journeys.rulebooks import RulebookCache
from journey.events import canonical
from journey.retraction_preview import NotRetractable, find_event, preview_retraction, retraction_of
from journey.time import Micros, utc_text
from settings import Settings

app = command_app("Take events back.")

ANSWER_LIMIT = 15.0  # seconds for a worker to apply the retraction
POLL_INTERVAL = 0.1  # seconds
ACTOR = "journey events retract"


@app.command("retract")
def events_retract(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    company: Company,
    reason: Annotated[str | None, typer.Option(help="Why, for the timeline.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only print what it would change.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Retract an event: it stays in the ledger and counts as if it had never come.

    It cannot be undone; send the event again with a new id.

    Example: [bold]journey events retract visit-7 --company 1 --reason "entered for the wrong customer"[/bold]
    """
    if reason is not None and (not reason.strip() or len(reason) > 1000):
        raise typer.BadParameter("--reason must be 1 to 1000 characters, not blank")
    run(data, lambda settings: retract(settings, company, event_id, reason, preview, as_json))


async def retract(
    settings: Settings, company: int, event_id: str, reason: str | None, preview: bool, as_json: bool
) -> int:
    """Print what changes, and do it; returns 1 if the event cannot be retracted or nobody applies it in time."""
    now = Micros(time.time_ns() // 1000)
    async with pool_for(settings, company) as pool:
        customer = await customer_of_event(pool, company, event_id)
        past = None if customer is None else await journey_past(pool, company, customer)
        if customer is None or past is None:
            return _complain(f"Company {company} has no applied event {event_id}")
        try:
            event = find_event(past.history, event_id)
        except NotRetractable as error:
            return _complain(f"{event_id}: {error}")
        assert event is not None
        async with tenant_transaction(pool, company) as transaction:
            rulebook = await RulebookCache().load(transaction, company)
        effect = preview_retraction(past.state, past.history, past.manual, rulebook, event, now)
        retraction = canonical(retraction_of(event, customer, now, reason))
        outcome = "preview"
        if not preview:
            await send_events(await connection.connect(), company, customer, [retraction])
            await record_author(pool, company, retraction["id"], ACTOR)
            outcome = await _outcome(pool, company, retraction["id"])
    result = {
        "customer_id": customer,
        "retracts": event.id,
        "type": event.type,
        "occurred_at": utc_text(event.at),
        "before": effect.before,
        "after": effect.after,
        "held": effect.is_held,
        "outcome": outcome,
    }
    if as_json:
        print_json(result)
    else:
        _show(result)
    return 0 if outcome in ("applied", "preview") else 1


async def _outcome(pool: Pool, company: int, retraction_id: str) -> str:
    until = time.monotonic() + ANSWER_LIMIT
    while time.monotonic() < until:
        rows = (await event_outcomes.find_outcomes(pool, company, [retraction_id])).get(retraction_id)
        if rows:
            return rows[0].outcome
        await asyncio.sleep(POLL_INTERVAL)
    return "pending"


def _show(result: dict[str, Any]) -> None:
    console.print(
        f"{escape(result['type'])} of customer {escape(result['customer_id'])}, {result['occurred_at']}",
        highlight=False,
    )
    for name, before in result["before"].items():
        if (after := result["after"][name]) != before:
            console.print(f"  {name}: {before} → {after}", highlight=False)
    if result["before"] == result["after"]:
        console.print("  no figure changes")
    if result["held"]:
        console.print("  the journey is held and stays in its stage")
    says = {
        "preview": "Nothing was changed.",
        "applied": "[green]Retracted.[/green]",
        "pending": "[yellow]Stored, but no worker has applied it yet.[/yellow]",
    }
    console.print(says.get(result["outcome"], f"[red]{result['outcome']}[/red]"))


def _complain(text: str) -> int:
    complaints.print(f"[red]{escape(text)}[/red]")
    return 1
