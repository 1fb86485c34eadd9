"""``evaluate-transitions``, ``queue-updates``, ``update-risk-scores``: evaluate journeys now.

A journey keeps its own deadlines, so the projection tells what an evaluation would change: each journey is decided by
the pure core, and only those that would change are asked to evaluate themselves. For the maintenance commands finding
one is drift, because its own deadline has passed by more than any wake-up is spread.
"""

import asyncio
import time
from typing import Any

from rich.markup import escape
from temporalio.client import Client
from temporalio.service import RPCError

import connection
from cli.output import complaints, console, print_json, print_rows, progress
from db import companies, maintenance
from db.maintenance import Standing
from db.rulebooks import Rulebooks
from db.session import Pool, open_pool, owner_connection
from journey.engine import decide
from journey.events import utc_text
from journey.stages import Rulebook
from journey.state import State, unpack
from settings import Settings
from workflows.intake import journey
from workflows.names import EVALUATE_SIGNAL, WAKE_SPREAD

GRACE = int(WAKE_SPREAD.total_seconds() + 60)  # seconds: a deadline that passed more recently is not overdue
PATIENCE = 30.0  # seconds for a journey to answer


async def company_ids(settings: Settings, company: int | None) -> list[int]:
    """The company asked for, or all."""
    if company is not None:
        return [company]
    async with owner_connection(settings.owner_url) as owner:
        return [found.id for found in await companies.list_all(owner)]


async def evaluate(
    settings: Settings, company: int | None, customer: str | None, *, chunk: int, grace: int, as_json: bool
) -> int:
    """Evaluate journeys, but those whose deadline passed within ``grace`` seconds, and print what changed.

    The exit code is 1 where something could not be done, and, with a grace, where there was something to do.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=2, timeout=10.0)
    changes: list[dict[str, Any]] = []
    looked = 0
    try:
        client = await connection.connect()
        with progress() as bar:
            for company_id in await company_ids(settings, company):
                rulebook = await Rulebooks().newest(pool, company_id)
                task = bar.add_task(f"company {company_id}", total=await maintenance.count(pool, company_id))
                async for standings in maintenance.standings(pool, company_id, chunk=chunk, customer_id=customer):
                    looked += len(standings)
                    now = int(time.time() * 1_000_000)
                    for standing in standings:
                        if change := _due(standing, rulebook, now, grace * 1_000_000):
                            change = {"company_id": company_id, "customer_id": standing.customer_id, **change}
                            change["done"] = await _ask(client, pool, company_id, standing)
                            changes.append(change)
                    bar.advance(task, len(standings))
    except LookupError as error:
        raise ValueError(str(error)) from None
    finally:
        await pool.close()
    if customer is not None and not looked:
        raise ValueError(f"company {company} has no journey of customer {customer!r}")
    _report(looked, changes, drift=grace > 0, as_json=as_json)
    failed = any(not change["done"] for change in changes)
    return 1 if failed or (grace and changes) else 0


def _due(standing: Standing, rulebook: Rulebook, now: int, grace: int) -> dict[str, Any] | None:
    """What an evaluation would change; None for nothing, or where the journey itself is about to do it."""
    before = unpack(standing.state)
    if before.deadline is not None and now - grace <= before.deadline < now:
        return None
    decision = decide(before, [], rulebook, now)
    after = decision.state
    if after == before:
        return None
    return {
        "stage": " → ".join([before.stage or "", *(move.to_stage for move in decision.transitions)]),
        "because": ", ".join(move.trigger_event for move in decision.transitions) or "scores or rules",
        "risk": _moved(before, after, "risk"),
        "engagement": _moved(before, after, "engagement"),
        "since": utc_text(before.deadline) if before.deadline is not None and before.deadline < now else "",
    }


def _moved(before: State, after: State, score: str) -> str:
    old, new = getattr(before, score) / 100, getattr(after, score) / 100
    return f"{old:.2f} → {new:.2f}" if old != new else f"{new:.2f}"


async def _ask(client: Client, pool: Pool, company_id: int, standing: Standing) -> bool:
    """Have the journey evaluate itself; whether its row moved on in time."""
    try:
        await journey(client, company_id, standing.customer_id or "").signal(EVALUATE_SIGNAL)
    except RPCError as error:
        complaints.print(f"[red]customer {standing.customer_id}:[/red] {escape(error.message)}")
        return False
    gave_up = time.monotonic() + PATIENCE
    while time.monotonic() < gave_up:
        async for rows in maintenance.standings(pool, company_id, customer_id=standing.customer_id):
            if rows[0].version > standing.version:
                return True
        await asyncio.sleep(0.1)
    complaints.print(f"[red]customer {standing.customer_id}:[/red] no answer in {PATIENCE:.0f} s: is a worker running?")
    return False


def _report(looked: int, changes: list[dict[str, Any]], *, drift: bool, as_json: bool) -> None:
    if as_json:
        print_json({"evaluated": looked, "drift" if drift else "changed": changes})
        return
    print_rows(changes, f"{looked:,} journeys evaluated: nothing to do, as it should be")
    if changes:
        verdict = "drifted, and were asked to repair themselves" if drift else "changed"
        console.print(f"{looked:,} journeys evaluated, {len(changes):,} {verdict}")
