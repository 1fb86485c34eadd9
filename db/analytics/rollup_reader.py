"""What the roll-ups and the commits that are not in them yet come to, in one snapshot.

A statement over them begins with `clauses`, and takes its rows from `of_figure`: whole months, the days at both ends
that fill none, and what waits to be rolled up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, LiteralString

from db.analytics.rollup_deltas import CONTRIBUTIONS, EVERYTHING, STAGES, WAITING
from db.connections import Pool, Statement, snapshot

# In the order of the index: by itself the planner might read the table, which after an import is mostly empty pages.
BEHIND: LiteralString = """
select (select relationship_id from journey_unrolled where company_id = %(company)s
         order by relationship_id limit 1) is not null,
       coalesce((select stages <> %(stages)s from journey_rollup_stages where company_id = %(company)s), false)
"""
_LIVE: LiteralString = f"""
waiting as materialized (
    select relationship_id, version, customer_id from journey_unrolled where company_id = %(company)s
), {WAITING}, {CONTRIBUTIONS}
"""
_ROLLED: LiteralString = """
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
_WAITING_TOO: LiteralString = """
union all
select day, key, n, amount from contributions
 where figure = 'FIGURE' and day >= %(SPAN_from)s::date and day < %(SPAN_until)s::date
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """How a snapshot stands: `behind`, commits wait to be rolled up; `outdated`, conversions are by other stages."""

    behind: bool
    outdated: bool

    @property
    def clauses(self) -> LiteralString:
        """The `with` clause that `of_figure` needs, `stages` in it."""
        return f"with {STAGES}, {_LIVE}" if self.behind else f"with {STAGES}"

    def of_figure(self, figure: LiteralString, span: LiteralString) -> LiteralString:
        """The rows (day, key, n, amount) of a figure; the parameters of the span are those of `days`."""
        rows = _ROLLED + _WAITING_TOO if self.behind else _ROLLED
        return rows.replace("FIGURE", figure).replace("SPAN", span)


# What roll-ups and waiting commits come to that a full count does not, the other way round, and months that are not the
# sum of their days.
_DIFFERENCES: LiteralString = f"""
, recounted as materialized (with {EVERYTHING}, {CONTRIBUTIONS} select * from contributions),
known as materialized (
    select figure, day, key, sum(n) as n, sum(amount) as amount from (
        select figure, day, key, n, amount from journey_rollups
         where company_id = %(company)s and grain = 'day' WAITING) k
     group by figure, day, key having sum(n) <> 0 or sum(amount) <> 0
), months as (
    select figure, date_trunc('month', day::timestamp)::date as day, key,
           sum(case grain when 'day' then n else -n end) as n,
           sum(case grain when 'day' then amount else -amount end) as amount
      from journey_rollups where company_id = %(company)s group by 1, 2, 3
)
select coalesce(json_agg(json_build_object('figure', figure, 'day', day, 'key', key, 'n', n, 'amount', amount,
           'problem', problem)), '[]') from (
    select *, 'lacking' as problem from (select * from recounted except select * from known) l
    union all
    select *, 'too much' from (select * from known except select * from recounted) t
    union all
    select *, 'month differs from its days' from months where n <> 0 or amount <> 0) found
"""


async def differences(pool: Pool, company_id: int, stages: str) -> list[dict[str, Any]]:
    """What is wrong with a company's roll-ups, against a count from the beginning: rows with their ``problem``.

    A minute for a million customers. `rollups.rebuild` mends it.
    """

    def statement(seen: Seen) -> LiteralString:
        waiting = "union all select figure, day, key, n, amount from contributions" if seen.behind else ""
        return seen.clauses + _DIFFERENCES.replace("WAITING", waiting)

    found: list[dict[str, Any]] = await read(pool, company_id, statement, {"company": company_id, "stages": stages})
    return found


def days(span: str, first: date | None, last: date | None, *, daily: bool = False) -> dict[str, str]:
    """The parameters of a span of days, both inclusive; None: from the beginning, or all there is.

    `daily`: of each day the day's own rows, where otherwise whole months stand in one.
    """
    begin = "-infinity" if first is None else first.isoformat()
    end = "infinity" if last is None else (last + timedelta(days=1)).isoformat()
    months = begin if first is None else _month(first - timedelta(days=1), 1)
    rest = end if last is None else _month(last + timedelta(days=1))
    if daily or (first is not None and last is not None and months > rest):
        months = rest = end
    return {f"{span}_from": begin, f"{span}_months": months, f"{span}_days": rest, f"{span}_until": end}


def _month(day: date, later: int = 0) -> str:
    """The first day of the month of `day`, or of a later one."""
    months = 12 * day.year + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1).isoformat()


async def read(pool: Pool, company_id: int, statement: Callable[[Seen], Statement], params: dict[str, Any]) -> Any:
    """The first value of a statement, which is made for how things stand, in the same snapshot.

    `params` has `company` and `stages` beside the statement's own.
    """
    async with snapshot(pool, company_id) as connection:
        row = await (await connection.execute(BEHIND, params)).fetchone()
        assert row is not None
        found = await (await connection.execute(statement(Seen(*row)), params)).fetchone()
    assert found is not None
    return found[0]
