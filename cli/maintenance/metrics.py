"""``journey metrics``: the stage metrics of days that are over, written anew.

Directly, not by the workflow of every night: it is done while somebody looks, needs no worker and no Temporal, and what
was written when it is interrupted stays written.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import console, print_json, print_rows, progress
from db.analytics import metric_days
from db.analytics.journey_analytics import AnalyticsQuery, stages_json
from db.analytics.rollup_writer import rebuild as rebuild_rollups
from db.connections import open_pool
from db.journeys.rulebooks import RulebookCache
from journey.time import EARLIEST
from settings import Settings

CHUNK = timedelta(days=31)

app = command_app("Stage metrics: one row per company, stage and day.")


@app.command()
def rebuild(
    first: Annotated[str, typer.Option("--from", help="The first day (UTC), like 2026-01-01.")],
    last: Annotated[str | None, typer.Option("--to", help="The last day (UTC); default: yesterday.")] = None,
    company: AnyCompany = None,
    rollups: Annotated[bool, typer.Option(help="First count the roll-ups of all days anew, from the ledger.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Count the days from one to another anew, and put the rows in the place of those that are there.

    Example: [bold]journey metrics rebuild --from 2026-01-01 --to 2026-03-31 --company 1[/bold]
    """
    run(data, lambda settings: rebuild_days(settings, first, last, company, rollups, as_json))


async def rebuild_days(
    settings: Settings, first: str, last: str | None, company: int | None, rollups: bool, as_json: bool
) -> int:
    """Raises ValueError (exit code 2) for days that are none, or not over, and for an unknown company."""
    begin, end = _days(first, last)
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    written: list[dict[str, Any]] = []
    try:
        with progress() as bar:
            for company_id in await company_ids(pool, company):
                query = AnalyticsQuery((await RulebookCache().latest(pool, company_id)).all_stages)
                if rollups:
                    counting = bar.add_task(f"company {company_id}, roll-ups", total=None)
                    await rebuild_rollups(pool, company_id, stages_json(query.stages))
                    bar.update(counting, total=1, completed=1)
                task = bar.add_task(f"company {company_id}, days", total=(end - begin).days + 1)
                rows, at = 0, begin
                while at <= end:
                    until = min(end, at + CHUNK - timedelta(days=1))
                    rows += await metric_days.write_days(pool, company_id, query, at, until)
                    bar.advance(task, (until - at).days + 1)
                    at = until + timedelta(days=1)
                written.append({"company_id": company_id, "from": str(begin), "to": str(end), "rows": rows})
    finally:
        await pool.close()
    if as_json:
        print_json(written)
    else:
        print_rows(written, "no company yet: journey companies add NAME")
        if written:
            console.print(f"{(end - begin).days + 1:,} days written of {len(written):,} companies")
    return 0


def _days(first: str, last: str | None) -> tuple[date, date]:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    begin, end = _day("--from", first), yesterday if last is None else _day("--to", last)
    if end > yesterday:
        raise ValueError(f"--to {end}: at most {yesterday}, the last day that is over (UTC)")
    if not EARLIEST.date() <= begin <= end:
        raise ValueError(f"--from {begin}: from {EARLIEST.date()} up to {end}, the last day")
    return begin, end


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option} {text!r}: a day like 2026-03-12 is required") from None
