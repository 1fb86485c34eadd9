"""Read roll-ups together with the commits that are still in the roll-up queue, in one snapshot.

A statement starts with `RollupReader.clauses` and takes its rows from `RollupReader.rows`: whole months, the remaining
days at both ends, and the deltas of the queued commits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, LiteralString

from db.analytics.rollup_deltas import ALL_DELTAS, FULL_SCOPE, PENDING_SCOPE, STAGES
from db.connections import Pool, Statement, tenant_snapshot

# `order by` makes the planner use the index: after an import most pages of the table are empty, and a scan is slow.
STATUS_PROBE: LiteralString = """
select (select relationship_id from journey_unrolled where company_id = %(company)s
         order by relationship_id limit 1) is not null,
       coalesce((select stages <> %(stages)s from journey_rollup_stages where company_id = %(company)s), false)
"""
_PENDING_DELTAS: LiteralString = f"""
pending as materialized (
    select relationship_id, version, customer_id from journey_unrolled where company_id = %(company)s
), {PENDING_SCOPE}, {ALL_DELTAS}
"""
_STORED_ROWS: LiteralString = """
select day, key, n, amount from journey_rollups
 where company_id = %(company)s and figure = 'FIGURE' and grain = 'month'
   and day >= %(SPAN_months)s::date and day < %(SPAN_days)s::date
union all
select day, key, n, amount from journey_rollups
 where company_id = %(company)s and figure = 'FIGURE' and grain = 'day'
   and day >= %(SPAN_from)s::date and day < %(SPAN_months)s::date
union all
select day, key, n, amount from journey_rollups
 where company_id = %(company)s and figure = 'FIGURE' and grain = 'day'
   and day >= %(SPAN_days)s::date and day < %(SPAN_until)s::date
"""
_PENDING_ROWS: LiteralString = """
union all
select day, key, n, amount from deltas
 where figure = 'FIGURE' and day >= %(SPAN_from)s::date and day < %(SPAN_until)s::date
"""


@dataclass(frozen=True, slots=True)
class RollupReader:
    """Builds SQL over the roll-ups of one company as they are in one snapshot.

    Attributes:
        has_pending: Some commits are still in the roll-up queue.
        stages_changed: The conversions were rolled up by stages other than the current ones.
    """

    has_pending: bool
    stages_changed: bool

    @property
    def clauses(self) -> LiteralString:
        """The `with` clause that `rows` depends on, including `stages`."""
        return f"with {STAGES}, {_PENDING_DELTAS}" if self.has_pending else f"with {STAGES}"

    def rows(self, figure: LiteralString, span: LiteralString) -> LiteralString:
        """Select (day, key, n, amount) of a figure; `span_params` gives the parameters of the span."""
        rows = _STORED_ROWS + _PENDING_ROWS if self.has_pending else _STORED_ROWS
        return rows.replace("FIGURE", figure).replace("SPAN", span)


# Rows that a recount has and the roll-ups with the queued commits lack, the reverse, and months that differ from the
# sum of their days.
_DRIFT: LiteralString = f"""
, recounted as materialized (with {FULL_SCOPE}, {ALL_DELTAS} select * from deltas),
stored as materialized (
    select figure, day, key, sum(n) as n, sum(amount) as amount from (
        select figure, day, key, n, amount from journey_rollups
         where company_id = %(company)s and grain = 'day' PENDING) r
     group by figure, day, key having sum(n) <> 0 or sum(amount) <> 0
), months as (
    select figure, date_trunc('month', day::timestamp)::date as day, key,
           sum(case grain when 'day' then n else -n end) as n,
           sum(case grain when 'day' then amount else -amount end) as amount
      from journey_rollups where company_id = %(company)s group by 1, 2, 3
)
select coalesce(json_agg(json_build_object('figure', figure, 'day', day, 'key', key, 'n', n, 'amount', amount,
           'problem', problem)), '[]') from (
    select *, 'missing' as problem from (select * from recounted except select * from stored) missing
    union all
    select *, 'surplus' from (select * from stored except select * from recounted) surplus
    union all
    select *, 'month differs from the sum of its days' from months where n <> 0 or amount <> 0) drift
"""


async def rollup_drift(pool: Pool, company_id: int, stages: str) -> list[dict[str, Any]]:
    """Compare a company's roll-ups with a recount from the ledger and the transitions.

    Takes about a minute for a million customers. `rollup_writer.rebuild` repairs what differs.

    Returns:
        One row for each difference: ``{"figure", "day", "key", "n", "amount", "problem"}``.
    """

    def statement(reader: RollupReader) -> LiteralString:
        pending = "union all select figure, day, key, n, amount from deltas" if reader.has_pending else ""
        return reader.clauses + _DRIFT.replace("PENDING", pending)

    drift: list[dict[str, Any]] = await read_rollups(
        pool, company_id, statement, {"company": company_id, "stages": stages}
    )
    return drift


def span_params(span: str, first: date | None, last: date | None, *, daily: bool = False) -> dict[str, str]:
    """Build the parameters of a span of days for `RollupReader.rows`.

    Args:
        span: The name of the span.
        first: The first day; None for no lower bound.
        last: The last day, inclusive; None for no upper bound.
        daily: Read daily rows only, instead of monthly rows where a month is complete.
    """
    begin = "-infinity" if first is None else first.isoformat()
    end = "infinity" if last is None else (last + timedelta(days=1)).isoformat()
    months = begin if first is None else _month(first - timedelta(days=1), 1)
    rest = end if last is None else _month(last + timedelta(days=1))
    if daily or (first is not None and last is not None and months > rest):
        months = rest = end
    return {f"{span}_from": begin, f"{span}_months": months, f"{span}_days": rest, f"{span}_until": end}


def _month(day: date, later: int = 0) -> str:
    """Return the first day of the month that is `later` months after the month of `day`."""
    months = 12 * day.year + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1).isoformat()


async def read_rollups(
    pool: Pool, company_id: int, statement: Callable[[RollupReader], Statement], params: dict[str, Any]
) -> Any:
    """Execute a statement over roll-ups and return its first value.

    Args:
        statement: Builds the statement for the state of the roll-ups in the same snapshot.
        params: The parameters of the statement, plus `company` and `stages`.
    """
    async with tenant_snapshot(pool, company_id) as connection:
        row = await (await connection.execute(STATUS_PROBE, params)).fetchone()
        assert row is not None
        result = await (await connection.execute(statement(RollupReader(*row)), params)).fetchone()
    assert result is not None
    return result[0]
