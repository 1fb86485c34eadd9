"""The figures of one company, as of any instant, one function each: counted from transitions and the ledger.

What is counted up to an instant counts all that has taken effect by then (`transitioned_at`, `occurred_at`), whenever
it became known. Nearly all of it is sums over (time, from, to), which need no window over a journey: who stands in a
stage are its entries less its exits, and the days stood in it are the days since all entries less those since all
exits. Only the funnel looks at single journeys.

Each figure is a scalar query beside the `with` clause of its `View`, so that several can be one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

import orjson

from db.session import Pool, tenant_rows
from journey.stages import DEFAULT_RULEBOOK, Stage

#: the days that a period goes back from its end; None: from the beginning
PERIODS: dict[str, int | None] = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365, "all": None}


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at: the company's `stages` in their order, as of when (None: now), and the period up to then."""

    stages: Sequence[Stage] = field(default_factory=lambda: DEFAULT_RULEBOOK.all_stages)
    as_of: datetime | None = None
    period: str = "all"

    def params(self, company_id: int) -> dict[str, Any]:
        """The parameters of every figure's statement."""
        return {
            "company": company_id,
            "stages": stages_json(self.stages),
            "as_of": self.as_of,
            "days": PERIODS[self.period],
        }

    @property
    def clauses(self) -> LiteralString:
        return BASE + ", " + (_STANDING_NOW if self.as_of is None else _STANDING_THEN)


#: `span`: one row, `until` (inclusive) and `since` (exclusive). `stages`: the company's, by `rank`. `moves`: the
#: transitions that have taken effect by then. "More than 90 days" begins just after its instant, so that a deadline on
#: the very instant looked from has not; the index alone answers for all before.
BASE: LiteralString = """
with span as materialized (
    select until, coalesce(until - %(days)s::int * interval '24 hours', '-infinity') as since
      from (select coalesce(%(as_of)s::timestamptz, now()) as until) u
), stages as materialized (
    select * from jsonb_to_recordset(%(stages)s::jsonb) as s(stage text, rank int, growth boolean, active boolean)
), moves as not materialized (
    select relationship_id, sequence, from_stage, to_stage, transitioned_at, stay from journey_transitions
     where company_id = %(company)s and transitioned_at < (select until from span)
    union all
    select relationship_id, sequence, from_stage, to_stage, transitioned_at, stay from journey_transitions
     where company_id = %(company)s and transitioned_at = (select until from span)
       and (event_id is not null or trigger_type <> 'automatic'))
"""

# `standing`: how many stand in each stage. The projection has it for now.
_STANDING_NOW: LiteralString = """
standing as (
    select current_stage as stage, count(*) as n from customer_relationships where company_id = %(company)s group by 1)
"""
_STANDING_THEN: LiteralString = """
standing as (
    select stage, sum(n)::bigint as n from (
        select to_stage as stage, count(*) as n from moves group by 1
        union all
        select from_stage, -count(*) from moves where from_stage is not null group by 1) moved
     group by 1 having sum(n) > 0)
"""

_DISTRIBUTION: LiteralString = """
(select coalesce(json_object_agg(stage, coalesce(n, 0) order by rank nulls last, stage), '{}')
   from stages full join standing using (stage) where active or n > 0)
"""

_FUNNEL: LiteralString = """
(with highest as (
    -- a journey that started in the period has moved in it alone
    select max(g.rank) as rank from moves m left join stages g on g.stage = m.to_stage and g.growth
     where transitioned_at > (select since from span) group by relationship_id having bool_or(from_stage is null)
), by_rank as (
    select rank, count(*) as n from highest group by 1
), steps as (
    -- every journey starts in the first growth stage of its day, whatever became of that stage
    select rank, stage, (select coalesce(sum(n), 0) from by_rank b where b.rank >= g.rank or g.rank = first) as n
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
    select from_stage, to_stage, count(*) as n from moves
     where transitioned_at > (select since from span) group by 1, 2
)
select coalesce(json_agg(json_build_object('from', from_stage, 'to', to_stage, 'count', n)
                         order by f.rank nulls first, from_stage nulls first, t.rank nulls last, to_stage), '[]')
  from counted left join stages f on f.stage = from_stage left join stages t on t.stage = to_stage)
"""

_TIME_IN_STAGE: LiteralString = """
(with moved as (
    select to_stage as stage, count(*) as entries, sum(until - transitioned_at) as elapsed from moves, span group by 1
    union all
    select from_stage, 0, -sum(until - transitioned_at) from moves, span where from_stage is not null group by 1
), stays as (
    select stage, sum(entries) as entries, sum(extract(epoch from elapsed)) as seconds from moved group by 1
)
select coalesce(json_object_agg(stage, round(seconds / 86400 / entries, 4) order by rank nulls last, stage), '{}')
  from stays left join stages using (stage) where entries > 0)
"""

_VALUE_NOW: LiteralString = "(select sum(lifetime_value) from customer_relationships where company_id = %(company)s)"
_VALUE_THEN: LiteralString = """
(select sum((payload ->> 'amount')::numeric) from journey_events, span
  where company_id = %(company)s and outcome = 'applied' and type in ('appointment.completed', 'payment.adjusted')
    and occurred_at <= until)
"""
_SUMMARY: LiteralString = """
(select json_build_object(
    'total_customers', total,
    'at_risk_count', at_risk, 'at_risk_percentage', coalesce(round(100.0 * at_risk / nullif(total, 0), 2), 0),
    'vip_count', vip, 'vip_percentage', coalesce(round(100.0 * vip / nullif(total, 0), 2), 0),
    'avg_lifetime_value', coalesce(round(VALUE / nullif(total, 0), 2), 0))
  from (select coalesce(sum(n), 0) as total, coalesce(sum(n) filter (where stage = 'at_risk'), 0) as at_risk,
               coalesce(sum(n) filter (where stage = 'vip'), 0) as vip from standing) counted)
"""

_DASHBOARD: LiteralString = """
select json_build_object(
    'period', %(period)s::text, 'as_of', until, 'total_customers', s -> 'total_customers',
    'at_risk_count', s -> 'at_risk_count', 'at_risk_percentage', s -> 'at_risk_percentage',
    'vip_count', s -> 'vip_count', 'vip_percentage', s -> 'vip_percentage',
    'avg_lifetime_value', s -> 'avg_lifetime_value',
    'funnel_data', f, 'transitions', t, 'stage_times', d, 'distribution', n)::text
  from span, (select PARTS) as figures(s, f, t, d, n)
"""


def _summary(view: View) -> LiteralString:
    return _SUMMARY.replace("VALUE", _VALUE_NOW if view.as_of is None else _VALUE_THEN)


async def distribution(pool: Pool, company_id: int, view: View) -> dict[str, int]:
    """Journeys by the stage they stand in: every active stage, and others where somebody stands."""
    found: dict[str, int] = await _figure(pool, company_id, view, _DISTRIBUTION)
    return found


async def funnel(pool: Pool, company_id: int, view: View) -> list[dict[str, Any]]:
    """Of the journeys that started in the period, how many ever stood in each growth stage or in a later one.

    ``{"stage", "customers", "percentage" (of the first), "conversionRate" (from the step before; the first: 100)}``.
    """
    found: list[dict[str, Any]] = await _figure(pool, company_id, view, _FUNNEL)
    return found


async def transitions(pool: Pool, company_id: int, view: View) -> list[dict[str, Any]]:
    """Moves in the period: ``{"from" (None: the start), "to", "count"}``."""
    found: list[dict[str, Any]] = await _figure(pool, company_id, view, _TRANSITIONS)
    return found


async def time_in_stage(pool: Pool, company_id: int, view: View) -> dict[str, float]:
    """Mean days of all stays in each stage that was ever entered, an open stay counted up to ``view.as_of``."""
    found: dict[str, float] = await _figure(pool, company_id, view, _TIME_IN_STAGE)
    return found


async def summary(pool: Pool, company_id: int, view: View) -> dict[str, Any]:
    """``total_customers``, ``at_risk_…`` and ``vip_count``/``_percentage``, ``avg_lifetime_value``."""
    found: dict[str, Any] = await _figure(pool, company_id, view, _summary(view))
    return found


async def _figure(pool: Pool, company_id: int, view: View, figure: LiteralString) -> Any:
    rows = await tenant_rows(pool, company_id, view.clauses + " select " + figure, view.params(company_id))
    return rows[0][0]


async def dashboard(pool: Pool, company_id: int, view: View) -> bytes:
    """All of these as the text of one JSON object, seen at one moment: the summary's fields, ``funnel_data``,
    ``transitions``, ``stage_times``, ``distribution``, with the ``period`` and ``as_of`` they are of."""
    parts = ", ".join((_summary(view), _FUNNEL, _TRANSITIONS, _TIME_IN_STAGE, _DISTRIBUTION))
    statement = view.clauses + _DASHBOARD.replace("PARTS", parts)
    rows = await tenant_rows(pool, company_id, statement, {**view.params(company_id), "period": view.period})
    text: str = rows[0][0]
    return text.encode()


def stages_json(stages: Sequence[Stage]) -> str:
    """The company's stages in their order, as the statements unfold them."""
    rows = [
        {"stage": stage.key, "rank": rank, "growth": stage.is_growth, "active": stage.is_active}
        for rank, stage in enumerate(stages)
    ]
    return orjson.dumps(rows).decode()
