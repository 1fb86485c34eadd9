"""``journey metrics``: recalculate the stage metrics of past days.

The command does this itself instead of starting the nightly workflow: it needs neither a worker nor Temporal, and days
that were written before an interruption stay written.
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

app = command_app("Recalculate the daily stage metrics.")


@app.command()
def rebuild(
    first: Annotated[str, typer.Option("--from", help="First day (UTC), like 2026-01-01.")],
    last: Annotated[str | None, typer.Option("--to", help="Last day (UTC); default: yesterday.")] = None,
    company: AnyCompany = None,
    rollups: Annotated[bool, typer.Option(help="First recalculate the roll-ups of all days from the ledger.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Recalculate the metrics of a range of days and replace the existing rows.

    Example: [bold]journey metrics rebuild --from 2026-01-01 --to 2026-03-31 --company 1[/bold]
    """
    run(data, lambda settings: rebuild_days(settings, first, last, company, rollups, as_json))


async def rebuild_days(
    settings: Settings, first: str, last: str | None, company: int | None, rollups: bool, as_json: bool
) -> int:
    """Raises ValueError (exit code 2) for invalid or future days and for an unknown company."""
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
        print_rows(written, "No companies yet. Create one with: journey companies add NAME")
        if written:
            console.print(f"{(end - begin).days + 1:,} days of {len(written):,} companies written.")
    return 0


def _days(first: str, last: str | None) -> tuple[date, date]:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    begin, end = _day("--from", first), yesterday if last is None else _day("--to", last)
    if end > yesterday:
        raise ValueError(f"--to {end}: at most {yesterday} (yesterday, UTC)")
    if not EARLIEST.date() <= begin <= end:
        raise ValueError(f"--from {begin}: must be between {EARLIEST.date()} and {end}")
    return begin, end


def _day(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{option} {text!r}: not a date like 2026-03-12") from None
