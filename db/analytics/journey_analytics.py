"""Journey analytics of one company as of any instant, summed from the roll-ups.

A past instant counts everything that had taken effect by then (`transitioned_at`, `occurred_at`), whenever it became
known; "now" counts everything that is known. The customers in a stage are its entries minus its exits, and the days
spent in it are the days since all entries minus the days since all exits, so daily sums are sufficient. The part of the
day after a past instant is read from the transitions. Only the funnel of a past instant reads single journeys.

Each result is a scalar subquery over the `with` clauses of `AnalyticsQuery.clauses`, so that one statement can return
several.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

import orjson

from db.analytics.key_figures import STANDING, key_figures, previous_key_figures
from db.analytics.rollup_reader import RollupReader, read_rollups, span_params
from db.connections import Pool
from db.essential_queries import RegisteredQuery
from journey.stages import DEFAULT_RULEBOOK, Role, Stage, keys_with_role

#: the number of UTC days in a period, including its last day; None: no lower bound
PERIODS: dict[str, int | None] = {"day": 1, "week": 7, "month": 30, "quarter": 90, "year": 365, "all": None}


@dataclass(frozen=True, slots=True)
class AnalyticsQuery:
    """What to analyse.

    Attributes:
        stages: The company's stages in their order.
        as_of: The instant of the analysis; None for now.
        period: The period that ends at `as_of`, a key of PERIODS.
    """

    stages: Sequence[Stage] = field(default_factory=lambda: DEFAULT_RULEBOOK.all_stages)
    as_of: datetime | None = None
    period: str = "all"

    @property
    def until(self) -> datetime:
        return (self.as_of or datetime.now(UTC)).astimezone(UTC)

    @property
    def since(self) -> date | None:
        """The first day of the period; None for no lower bound."""
        length = PERIODS[self.period]
        return None if length is None else self.until.date() - timedelta(days=length - 1)

    def params(self, company_id: int) -> dict[str, Any]:
        """Return the parameters of every analytics statement."""
        last = None if self.as_of is None else self.until.date()
        return {
            "company": company_id,
            "stages": stages_json(self.stages),
            "at_risk_stages": keys_with_role(self.stages, Role.AT_RISK),
            "vip_stages": keys_with_role(self.stages, Role.VIP),
            "until": self.until,
            **span_params("ever", None, last),
            **span_params("period", self.since, last),
            **span_params("before", None, None if self.since is None else self.since - timedelta(days=1)),
            "since": self.since,
        }

    def clauses(self, reader: RollupReader) -> LiteralString:
        """Return the `with` clauses `stages`, `moved` (all moves by from, to) and `standing` (customers by stage)."""
        moves = reader.rows("move", "ever") + (NOT_YET_EFFECTIVE if self.as_of else "")
        return f"{reader.clauses}, {_MOVED.replace('MOVES', moves)}, {STANDING.replace('MOVED', 'moved')}"


#: whether a transition had taken effect by `until`. "More than 90 days" is true only after its deadline, so a deadline
#: exactly at `until` has not taken effect.
EFFECTIVE_BY_UNTIL: LiteralString = """
(transitioned_at < %(until)s or transitioned_at = %(until)s and (event_id is not null or trigger_type <> 'automatic'))
"""
_Subquery = Callable[["AnalyticsQuery", RollupReader], LiteralString]

#: the transitions on the day of `until` that are not EFFECTIVE_BY_UNTIL, as rows to subtract
NOT_YET_EFFECTIVE: LiteralString = """
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

_DISTRIBUTION: LiteralString = """
(select coalesce(json_object_agg(stage, coalesce(n, 0) order by rank nulls last, stage), '{}')
   from stages full join standing using (stage) where active or n > 0)
"""

# A journey that started in the period has all of its moves in the period.
_HIGHEST_NOW: LiteralString = """
select (select max(rank) from stages where growth and stage = any(key)) as rank, sum(n) as n
  from (STARTS) s group by key
"""
_HIGHEST_THEN: LiteralString = """
select rank, count(*) as n from (
    select max(g.rank) as rank from journey_transitions m left join stages g on g.stage = m.to_stage and g.growth
     where company_id = %(company)s and transitioned_at >= %(period_from)s::date::timestamp at time zone 'UTC'
       and EFFECTIVE
     group by relationship_id having bool_or(from_stage is null) and not bool_or(to_stage = '')) j group by rank
""".replace("EFFECTIVE", EFFECTIVE_BY_UNTIL)
_FUNNEL: LiteralString = """
(with highest as materialized (HIGHEST), steps as materialized (
    -- every journey counts for the first growth stage, even if it started in a stage that is inactive now
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
      from (MOVES) m where key[2] <> '' group by 1, 2 having sum(n) > 0
)
select coalesce(json_agg(json_build_object('from', from_stage, 'to', to_stage, 'count', n)
                         order by f.rank nulls first, from_stage nulls first, t.rank nulls last, to_stage), '[]')
  from counted left join stages f on f.stage = from_stage left join stages t on t.stage = to_stage)
"""

_TIME_IN_STAGE: LiteralString = """
(with u as (select extract(epoch from %(until)s::timestamptz) as now), stays as (
    select stage, sum(entries) as entries, sum(elapsed) as seconds from (
        select to_stage as stage, n as entries, n * now - seconds as elapsed from moved, u where to_stage <> ''
        union all
        select from_stage, 0, seconds - n * now from moved, u where from_stage <> '') m
     group by stage
)
select coalesce(json_object_agg(stage, round(seconds / 86400 / entries, 4) order by rank nulls last, stage), '{}')
  from stays left join stages using (stage) where entries > 0)
"""

_DASHBOARD: LiteralString = """
select json_build_object(
    'period', %(period)s::text, 'period_from', %(since)s::date, 'as_of', %(until)s::timestamptz, 'previous', p,
    'total_customers', s -> 'total_customers',
    'at_risk_count', s -> 'at_risk_count', 'at_risk_percentage', s -> 'at_risk_percentage',
    'vip_count', s -> 'vip_count', 'vip_percentage', s -> 'vip_percentage',
    'avg_lifetime_value', s -> 'avg_lifetime_value',
    'funnel_data', f, 'transitions', t, 'stage_times', d, 'distribution', n)::text
  from (select SUBQUERIES) as results(s, f, t, d, n, p)
"""


def _distribution(query: AnalyticsQuery, reader: RollupReader) -> LiteralString:
    return _DISTRIBUTION


def _funnel(query: AnalyticsQuery, reader: RollupReader) -> LiteralString:
    now = _HIGHEST_NOW.replace("STARTS", reader.rows("start", "period"))
    return _FUNNEL.replace("HIGHEST", now if query.as_of is None else _HIGHEST_THEN)


def _transitions(query: AnalyticsQuery, reader: RollupReader) -> LiteralString:
    moves = reader.rows("move", "period") + (NOT_YET_EFFECTIVE if query.as_of else "")
    return _TRANSITIONS.replace("MOVES", moves)


def _time_in_stage(query: AnalyticsQuery, reader: RollupReader) -> LiteralString:
    return _TIME_IN_STAGE


def _summary(query: AnalyticsQuery, reader: RollupReader) -> LiteralString:
    return key_figures(reader, is_past=query.as_of is not None)


def _previous(query: AnalyticsQuery, reader: RollupReader) -> LiteralString:
    return "null" if query.since is None else previous_key_figures(reader)


async def distribution(pool: Pool, company_id: int, query: AnalyticsQuery) -> dict[str, int]:
    """Count the journeys in each stage: every active stage, and inactive stages that still have journeys."""
    result: dict[str, int] = await _read(pool, company_id, query, _distribution)
    return result


async def funnel(pool: Pool, company_id: int, query: AnalyticsQuery) -> list[dict[str, Any]]:
    """Count the journeys that started in the period by the growth stages they reached.

    Returns:
        One row for each growth stage: ``{"stage", "customers" (that reached it or a later one), "percentage" (of the
        first stage), "conversionRate" (percent of the previous stage; 100 for the first one)}``.
    """
    result: list[dict[str, Any]] = await _read(pool, company_id, query, _funnel)
    return result


async def transitions(pool: Pool, company_id: int, query: AnalyticsQuery) -> list[dict[str, Any]]:
    """Count the moves in the period: ``{"from" (None: the start), "to", "count"}``."""
    result: list[dict[str, Any]] = await _read(pool, company_id, query, _transitions)
    return result


async def time_in_stage(pool: Pool, company_id: int, query: AnalyticsQuery) -> dict[str, float]:
    """Return the mean days of all stays in each stage that was ever entered; open stays end at ``query.as_of``."""
    result: dict[str, float] = await _read(pool, company_id, query, _time_in_stage)
    return result


async def summary(pool: Pool, company_id: int, query: AnalyticsQuery) -> dict[str, Any]:
    """Return ``total_customers``, ``at_risk_…`` and ``vip_count``/``_percentage``, ``avg_lifetime_value``."""
    result: dict[str, Any] = await _read(pool, company_id, query, _summary)
    return result


async def _read(pool: Pool, company_id: int, query: AnalyticsQuery, subquery: _Subquery) -> Any:
    def statement(reader: RollupReader) -> LiteralString:
        return f"{query.clauses(reader)} select {subquery(query, reader)}"

    return await read_rollups(pool, company_id, statement, query.params(company_id))


async def dashboard(pool: Pool, company_id: int, query: AnalyticsQuery) -> bytes:
    """Return all of these from one snapshot as the text of one JSON object.

    It has the fields of the summary, ``funnel_data``, ``transitions``, ``stage_times``, ``distribution``, ``period``,
    ``period_from``, ``as_of`` and ``previous``: the summary at the end of the period before (None for all).
    """

    def statement(reader: RollupReader) -> LiteralString:
        parts = (_summary, _funnel, _transitions, _time_in_stage, _distribution, _previous)
        subqueries = ", ".join(part(query, reader) for part in parts)
        return query.clauses(reader) + _DASHBOARD.replace("SUBQUERIES", subqueries)

    text: str = await read_rollups(pool, company_id, statement, {**query.params(company_id), "period": query.period})
    return text.encode()


def stages_json(stages: Sequence[Stage]) -> str:
    """Serialize the company's stages in their order for the statements."""
    rows = [
        {"stage": stage.key, "rank": rank, "growth": stage.is_growth, "active": stage.is_active}
        for rank, stage in enumerate(stages)
    ]
    return orjson.dumps(rows).decode()


def _essential(
    name: str, read: Callable[[Pool, int, AnalyticsQuery], Awaitable[Any]], period: str = "all"
) -> RegisteredQuery:
    return RegisteredQuery(
        name,
        lambda pool, sample: read(pool, sample.company_id, AnalyticsQuery(period=period)),
        reads_whole_company=True,
    )


ESSENTIAL_QUERIES = (
    _essential("dashboard, one month", dashboard, "month"),
    RegisteredQuery(
        "dashboard, as of a month ago",
        lambda pool, sample: dashboard(pool, sample.company_id, AnalyticsQuery(as_of=sample.month_ago, period="month")),
        reads_whole_company=True,
    ),
    _essential("summary", summary),
    _essential("distribution", distribution),
    _essential("funnel", funnel),
    _essential("transitions", transitions),
    _essential("time in stage", time_in_stage),
)
