"""``journey optimize-queries``: the plan of each essential query, and what index it uses."""

from datetime import UTC, datetime
from typing import Any

from cli.evaluate import company_ids
from cli.output import console, print_json, print_rows, progress
from db.connections import Pool, open_pool
from db.operations import maintenance, query_plans
from db.operations.query_registry import ESSENTIAL, sample
from settings import Settings


async def optimize(settings: Settings, company: int | None, analyze: bool, as_json: bool) -> int:
    """Print every plan; 1 where a query reads a large table through. ``analyze`` runs the reading ones, too.

    Raises ValueError for an unknown company.
    """
    pool = await open_pool(settings.database_url, min_size=1, max_size=1, timeout=10.0)
    try:
        company_id = await _whose(pool, company)
        if company_id is None:
            if as_json:
                print_json({"company_id": None, "queries": []})
            else:
                console.print("no company yet: journey companies add NAME")
            return 0
        of, sizes = await sample(pool, company_id, datetime.now(UTC)), await query_plans.table_sizes(pool)
        found = []
        async with (
            query_plans.explaining_pool(settings.database_url, analyze=analyze) as running,
            query_plans.explaining_pool(settings.database_url, analyze=False) as explaining,
        ):
            with progress() as bar:
                task = bar.add_task("queries", total=len(ESSENTIAL))
                for essential in ESSENTIAL:
                    ask = explaining if essential.writes else running
                    found.append(await query_plans.explain(pool, ask, essential, of, sizes))
                    bar.advance(task)
    finally:
        await pool.close()
    _report(company_id, found, sizes, as_json)
    return 1 if any(plan.warning for plan in found) else 0


async def _whose(pool: Pool, company: int | None) -> int | None:
    """The company asked for, or the one with the most journeys; None where there is none."""
    ids = await company_ids(pool, company)
    if company is not None:
        return company
    counts = {company_id: await maintenance.count_journeys(pool, company_id) for company_id in ids}
    return max(counts, key=counts.__getitem__, default=None)


def _report(company_id: int, found: list[query_plans.Plan], sizes: dict[str, float], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "query": plan.query,
            "indexes": plan.indexes,
            "read_through": plan.sequential,
            "cost": round(plan.cost, 1),
            "ms": None if plan.ms is None else round(plan.ms, 2),
            "warning": plan.warning,
            "because": "; ".join(reason for reason in plan.through.values() if reason) or None,
        }
        for plan in found
    ]
    unknown = sorted(table for table, size in sizes.items() if size < 0)
    if as_json:
        print_json({"company_id": company_id, "queries": rows, "never_analyzed": unknown})
        return
    shown = [
        {**row, "indexes": ", ".join(row["indexes"]), "read_through": ", ".join(row["read_through"])} for row in rows
    ]
    print_rows(shown, "")
    warnings = sum(plan.warning is not None for plan in found)
    console.print(
        f"{len(found)} queries of company {company_id}: "
        + (
            f"[yellow]{warnings} read a large table through[/yellow]"
            if warnings
            else "none reads a large table through"
        )
        + f" (large: over {query_plans.LARGE:,} rows)"
    )
    if unknown:
        console.print(f"[yellow]never analyzed:[/yellow] {', '.join(unknown)}: plans are guesses until Postgres has")
