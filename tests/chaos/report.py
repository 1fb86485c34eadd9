"""The report of the drill: kills and restarts, the stream of requests, and the violated invariants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from tests.chaos.invariants import ALL, Finding

if TYPE_CHECKING:
    from tests.chaos.drill import Drill


def totals(database_url: str) -> list[tuple[str, int]]:
    """Row counts that the drill left in Postgres."""
    counts = {
        "journeys": "select count(*) from customer_relationships",
        "commits": "select sum(version) from customer_relationships",
        "transitions": "select count(*) from journey_transitions",
        "conflicts in the ledger": "select count(*) from journey_events where outcome = 'conflict'",
    }
    with psycopg.connect(database_url) as connection:
        rows = [(name, connection.execute(statement.encode()).fetchone()) for name, statement in counts.items()]
    return [(name, row[0] or 0) for name, row in rows if row]


def report(done: Drill, findings: list[Finding]) -> None:
    console = Console(highlight=False, width=140, soft_wrap=True)
    console.print(parts_table(done))
    answers = done.answers
    ids = {key[:2] for key in answers.sent}
    acknowledged = {key[:2] for key in answers.acknowledged}
    table = Table("the stream", "", box=box.SIMPLE_HEAD)
    table.add_row("event ids sent", str(len(ids)))
    table.add_row("acknowledged with 202", str(len(acknowledged)))
    table.add_row("never acknowledged (given up)", str(len(ids - acknowledged)))
    table.add_row("ids sent with a second content", str(len(answers.sent) - len(ids)))
    for name, number in [*sorted(answers.numbers.items()), *totals(done.database_url)]:
        table.add_row(name, str(number))
    console.print(table)
    print_findings(console, ALL, findings)


def parts_table(done: Drill) -> Table:
    """Kills, freezes and restarts of each part."""
    columns = ("part", "killed", "frozen", "exited by itself", "failed starts", "seconds down")
    table = Table(*columns, box=box.SIMPLE_HEAD)
    for name in done.parts:
        row = (done.kills, done.freezes, done.own_ends, done.failed_starts)
        table.add_row(name, *(str(numbers[name]) for numbers in row), f"{done.down[name] / 1000:.1f}")
    return table


def print_findings(console: Console, invariants: Sequence[str], findings: list[Finding]) -> None:
    """How often each invariant is violated, and the first violations."""
    violated = Counter(finding.invariant for finding in findings)
    table = Table("invariant", "violations", box=box.SIMPLE_HEAD)
    for invariant in invariants:
        table.add_row(invariant, str(violated[invariant] or "none"))
    console.print(table)
    for finding in findings[:40]:
        console.print(f"{finding.subject}: {finding.problem}  [{finding.invariant}]", markup=False)
    if len(findings) > 40:
        console.print(f"… and {len(findings) - 40} more")
