"""The figures of one company, as of any instant, one function each: summed from what journeys contribute.

What is counted up to an instant counts all that has taken effect by then (`transitioned_at`, `occurred_at`), whenever
it became known; "now" counts all that is known. Who stands in a stage are its entries less its exits, and the days
stood in it are the days since all entries less those since all exits, so that sums by day are enough. What a past
instant cuts off from its own day is looked up. Only the funnel of the past looks at single journeys.

Each figure is a scalar query beside the `with` clause of its `View`, so that several can be one statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import orjson

from db.analytics.rollup_reader import Seen, days, read
from db.connections import Pool
from journey.stages import DEFAULT_RULEBOOK, Stage

#: the UTC days of a period, that of its end among them; None: from the beginning
PERIODS: dict[str, int | None] = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365, "all": None}


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: the company's `stages` in their order, as of when (None: now), and the period up to then."""

    stages: Sequence[Stage] = field(default_factory=lambda: DEFAULT_RULEBOOK.all_stages)
    as_of: datetime | None = None
    period: str = "all"

    @property
    def until(self) -> datetime:
        return (self.as_of or datetime.now(UTC)).astimezone(UTC)

    @property
    def since(self) -> date | None:
        """The first day of the period."""
        length = PERIODS[self.period]
        return None if length is None else self.until.date() - timedelta(days=length - 1)

    def params(self, company_id: int) -> dict[str, Any]:
        """The parameters of every figure's statement."""
        last = None if self.as_of is None else self.until.date()
        return {
            "company": company_id,
            "stages": stages_json(self.stages),
            "until": self.until,
            **days("ever", None, last),
            **days("period", self.since, last),
        }

    def clauses(self, seen: Seen) -> LiteralString:
        """`stages`, and of all time: `moved` by (from, to), `standing` by stage."""
        moves = seen.of_figure("move", "ever") + (CUT_OFF if self.as_of else "")
        return f"{seen.clauses}, {_MOVED.replace('MOVES', moves)}, {_STANDING}"


#: the transitions of the day of `until` that had not taken effect by then, to be taken away. "More than 90 days" begins
#: just after its instant, so that a deadline on the very instant looked from has not.
CUT_OFF: LiteralString = """
union all
select (transitioned_at at time zone 'UTC')::date, array[coalesce(from_stage, ''), to_stage]::text[], -1,
       -extract(epoch from transitioned_at)
  from journey_transitions
 where company_id = %(company)s and transitioned_at >= %(until)s
   and transitioned_at < %(ever_until)s::date::timestamp at time zone 'UTC'
   and (transitioned_at > %(until)s or event_id is null and trigger_type = 'automatic')
"""
_MOVED: LiteralString = """
moved as materialized (
    select key[1] as from_stage, key[2] as to_stage, sum(n) as n, sum(amount) as seconds from (MOVES) m group by 1, 2)
"""
_STANDING: LiteralString = """
standing as materialized (
    select stage, sum(n)::bigint as n from (
        select to_stage as stage, n from moved union all select from_stage, -n from moved where from_stage <> '') m
     group by stage having sum(n) > 0)
"""

_DISTRIBUTION: LiteralString = """
(select coalesce(json_object_agg(stage, coalesce(n, 0) order by rank nulls last, stage), '{}')
   from stages full join standing using (stage) where active or n > 0)
"""

# A journey that started in the period has moved in it alone.
_HIGHEST_NOW: LiteralString = """
select (select max(rank) from stages where growth and stage = any(key)) as rank, sum(n) as n
  from (STARTS) s group by key
"""
_HIGHEST_THEN: LiteralString = """
select rank, count(*) as n from (
    select max(g.rank) as rank from journey_transitions m left join stages g on g.stage = m.to_stage and g.growth
     where company_id = %(company)s and transitioned_at >= %(period_from)s::date::timestamp at time zone 'UTC'
       and (transitioned_at < %(until)s
            or transitioned_at = %(until)s and (event_id is not null or trigger_type <> 'automatic'))
     group by relationship_id having bool_or(from_stage is null)) j group by rank
"""
_FUNNEL: LiteralString = """
(with highest as materialized (HIGHEST), steps as materialized (
    -- every journey starts in the first growth stage of its day, whatever became of that stage
    select rank, stage,
           (select coalesce(sum(n), 0)::bigint from highest h where h.rank >= g.rank or g.rank = first) as n
      from stages g, (select min(rank) as first from stages where growth and active) f where growth and active
), shares as (
    select *, first_value(n) over (order by rank) as first, lag(n, 1, n) over (order by rank) as before from steps
)
select coalesce(json_agg(json_build_object(
           'stage', stage, 'customers', n,
           'percentage', coalesce(round(100.0 * n / nullif(first, 0), 2), 0),
           'conversionRate', coalesce(round(100.0 * n / nullif(before, 0), 2), 0)) order by rank), '[]')
  from shares)
"""

_TRANSITIONS: LiteralString = """
(with counted as (
    select nullif(key[1], '') as from_stage, key[2] as to_stage, sum(n)::bigint as n
      from (MOVES) m group by 1, 2 having sum(n) > 0
)
select coalesce(json_agg(json_build_object('from', from_stage, 'to', to_stage, 'count', n)
                         order by f.rank nulls first, from_stage nulls first, t.rank nulls last, to_stage), '[]')
  from counted left join stages f on f.stage = from_stage left join stages t on t.stage = to_stage)
"""

_TIME_IN_STAGE: LiteralString = """
(with u as (select extract(epoch from %(until)s::timestamptz) as now), stays as (
    select stage, sum(entries) as entries, sum(elapsed) as seconds from (
        select to_stage as stage, n as entries, n * now - seconds as elapsed from moved, u
        union all
        select from_stage, 0, seconds - n * now from moved, u where from_stage <> '') m
     group by stage
)
select coalesce(json_object_agg(stage, round(seconds / 86400 / entries, 4) order by rank nulls last, stage), '{}')
  from stays left join stages using (stage) where entries > 0)
"""

_VALUE_NOW: LiteralString = "(select sum(amount) from (REVENUE union all ADJUSTED) v)"
_VALUE_THEN: LiteralString = """
(select sum((payload ->> 'amount')::numeric) from journey_events
  where company_id = %(company)s and outcome = 'applied' and type in ('appointment.completed', 'payment.adjusted')
    and occurred_at <= %(until)s)
"""
_SUMMARY: LiteralString = """
(select json_build_object(
    'total_customers', total,
    'at_risk_count', at_risk, 'at_risk_percentage', coalesce(round(100.0 * at_risk / nullif(total, 0), 2), 0),
    'vip_count', vip, 'vip_percentage', coalesce(round(100.0 * vip / nullif(total, 0), 2), 0),
    'avg_lifetime_value', coalesce(round(VALUE / nullif(total, 0), 2), 0))
  from (select coalesce(sum(n), 0)::bigint as total,
               coalesce(sum(n) filter (where stage = 'at_risk'), 0)::bigint as at_risk,
               coalesce(sum(n) filter (where stage = 'vip'), 0)::bigint as vip from standing) counted)
"""

_DASHBOARD: LiteralString = """
select json_build_object(
    'period', %(period)s::text, 'as_of', %(until)s::timestamptz, 'total_customers', s -> 'total_customers',
    'at_risk_count', s -> 'at_risk_count', 'at_risk_percentage', s -> 'at_risk_percentage',
    'vip_count', s -> 'vip_count', 'vip_percentage', s -> 'vip_percentage',
    'avg_lifetime_value', s -> 'avg_lifetime_value',
    'funnel_data', f, 'transitions', t, 'stage_times', d, 'distribution', n)::text
  from (select PARTS) as figures(s, f, t, d, n)
"""


def _distribution(view: View, seen: Seen) -> LiteralString:
    return _DISTRIBUTION


def _funnel(view: View, seen: Seen) -> LiteralString:
    now = _HIGHEST_NOW.replace("STARTS", seen.of_figure("start", "period"))
    return _FUNNEL.replace("HIGHEST", now if view.as_of is None else _HIGHEST_THEN)


def _transitions(view: View, seen: Seen) -> LiteralString:
    moves = seen.of_figure("move", "period") + (CUT_OFF if view.as_of else "")
    return _TRANSITIONS.replace("MOVES", moves)


def _time_in_stage(view: View, seen: Seen) -> LiteralString:
    return _TIME_IN_STAGE


def _summary(view: View, seen: Seen) -> LiteralString:
    if view.as_of is not None:
        return _SUMMARY.replace("VALUE", _VALUE_THEN)
    revenue, adjusted = seen.of_figure("revenue", "ever"), seen.of_figure("adjusted", "ever")
    return _SUMMARY.replace("VALUE", _VALUE_NOW.replace("REVENUE", revenue).replace("ADJUSTED", adjusted))


async def distribution(pool: Pool, company_id: int, view: View) -> dict[str, int]:
    """Journeys by the stage they stand in: every active stage, and others where somebody stands."""
    found: dict[str, int] = await _figure(pool, company_id, view, _distribution)
    return found


async def funnel(pool: Pool, company_id: int, view: View) -> list[dict[str, Any]]:
    """Of the journeys that started in the period, how many ever stood in each growth stage or in a later one.

    ``{"stage", "customers", "percentage" (of the first), "conversionRate" (from the step before; the first: 100)}``.
    """
    found: list[dict[str, Any]] = await _figure(pool, company_id, view, _funnel)
    return found


async def transitions(pool: Pool, company_id: int, view: View) -> list[dict[str, Any]]:
    """Moves in the period: ``{"from" (None: the start), "to", "count"}``."""
    found: list[dict[str, Any]] = await _figure(pool, company_id, view, _transitions)
    return found


async def time_in_stage(pool: Pool, company_id: int, view: View) -> dict[str, float]:
    """Mean days of all stays in each stage that was ever entered, an open stay counted up to ``view.as_of``."""
    found: dict[str, float] = await _figure(pool, company_id, view, _time_in_stage)
    return found


async def summary(pool: Pool, company_id: int, view: View) -> dict[str, Any]:
    """``total_customers``, ``at_risk_…`` and ``vip_count``/``_percentage``, ``avg_lifetime_value``."""
    found: dict[str, Any] = await _figure(pool, company_id, view, _summary)
    return found


async def _figure(pool: Pool, company_id: int, view: View, figure: Callable[[View, Seen], LiteralString]) -> Any:
    return await read(
        pool, company_id, lambda seen: view.clauses(seen) + " select " + figure(view, seen), view.params(company_id)
    )


async def dashboard(pool: Pool, company_id: int, view: View) -> bytes:
    """All of these as the text of one JSON object, seen at one moment: the summary's fields, ``funnel_data``,
    ``transitions``, ``stage_times``, ``distribution``, with the ``period`` and ``as_of`` they are of."""

    def statement(seen: Seen) -> LiteralString:
        figures = (_summary, _funnel, _transitions, _time_in_stage, _distribution)
        parts = ", ".join(figure(view, seen) for figure in figures)
        return view.clauses(seen) + _DASHBOARD.replace("PARTS", parts)

    text: str = await read(pool, company_id, statement, {**view.params(company_id), "period": view.period})
    return text.encode()


def stages_json(stages: Sequence[Stage]) -> str:
    """The company's stages in their order, as the statements unfold them."""
    rows = [
        {"stage": stage.key, "rank": rank, "growth": stage.is_growth, "active": stage.is_active}
        for rank, stage in enumerate(stages)
    ]
    return orjson.dumps(rows).decode()
