"""``journey optimize-queries``: the plan of each essential query, and the indexes it uses."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.database import company_ids
from cli.options import AnyCompany, AsJson, Data, command_app, run
from cli.output import console, print_json, print_rows, progress
from db.connections import Pool, open_pool
from db.operations import maintenance, query_plans
from db.operations.query_registry import QUERIES, find_sample
from settings import Settings

app = command_app()


@app.command()
def optimize_queries(
    company: AnyCompany = None,
    analyze: Annotated[bool, typer.Option(help="Also run the read-only queries and measure them.")] = False,
    data: Data = Path(".journey"),
    as_json: AsJson = False,
) -> None:
    """Show the plan of each essential query.

    Exit code 1 if one scans a large table sequentially. The queries run as the application does, for one company: by
    default the one with the most journeys.

    Example: [bold]journey optimize-queries --company 1 --analyze[/bold]
    """
    run(data, lambda settings: optimize(settings, company, analyze, as_json))


async def optimize(settings: Settings, company: int | None, analyze: bool, as_json: bool) -> int:
    """Print the plan of every registered query.

    Args:
        settings: The settings of the process.
        company: The company; None for the one with the most journeys.
        analyze: Also execute the queries that only read, to measure their times.
        as_json: Print JSON instead of a table.

    Returns:
        The exit code: 1 if a query has a sequential scan on a large table.

    Raises:
        ValueError: The company does not exist.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    try:
        company_id = await _selected_company(pool, company)
        if company_id is None:
            if as_json:
                print_json({"company_id": None, "queries": []})
            else:
                console.print("No companies yet. Create one with: journey companies add NAME")
            return 0
        sample, sizes = await find_sample(pool, company_id, datetime.now(UTC)), await query_plans.table_sizes(pool)
        plans = []
        async with (
            query_plans.open_explain_pool(settings.database_url, analyze=analyze) as reading_pool,
            query_plans.open_explain_pool(settings.database_url, analyze=False) as writing_pool,
        ):
            with progress() as bar:
                task = bar.add_task("queries", total=len(QUERIES))
                for query in QUERIES:
                    explain_pool = writing_pool if query.writes else reading_pool
                    plans.append(await query_plans.explain(pool, explain_pool, query, sample, sizes))
                    bar.advance(task)
    finally:
        await pool.close()
    _report(company_id, plans, sizes, as_json)
    return 1 if any(plan.warning for plan in plans) else 0


async def _selected_company(pool: Pool, company: int | None) -> int | None:
    """Return the requested company or the one with the most journeys; None if there are no companies."""
    ids = await company_ids(pool, company)
    if company is not None:
        return company
    counts = {company_id: await maintenance.count_journeys(pool, company_id) for company_id in ids}
    return max(counts, key=counts.__getitem__, default=None)


def _report(company_id: int, plans: list[query_plans.Plan], sizes: dict[str, float], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "query": plan.query,
            "indexes": plan.indexes,
            "read_through": plan.scanned_tables,
            "cost": round(plan.cost, 1),
            "ms": None if plan.ms is None else round(plan.ms, 2),
            "warning": plan.warning,
            "because": "; ".join(reason for reason in plan.sequential_scans.values() if reason) or None,
        }
        for plan in plans
    ]
    unknown = sorted(table for table, size in sizes.items() if size < 0)
    if as_json:
        print_json({"company_id": company_id, "queries": rows, "never_analyzed": unknown})
        return
    shown = [
        {
            "query": row["query"],
            "indexes": ", ".join(row["indexes"]),
            "sequential_scans": ", ".join(row["read_through"]),
            **{name: row[name] for name in ("cost", "ms", "warning", "because")},
        }
        for row in rows
    ]
    print_rows(shown, "")
    warnings = sum(plan.warning is not None for plan in plans)
    console.print(
        f"{len(plans)} queries of company {company_id}: "
        + (
            f"[yellow]{warnings} with a sequential scan on a large table[/yellow]"
            if warnings
            else "no sequential scans on large tables"
        )
        + f" (large: over {query_plans.LARGE_TABLE_ROWS:,} rows)"
    )
    if unknown:
        tables = ", ".join(unknown)
        console.print(f"[yellow]never analyzed:[/yellow] {tables}: plans are unreliable until Postgres has statistics")
