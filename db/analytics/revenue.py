"""Revenue of a period by week or month, summed from the roll-ups.

Days count as a whole (UTC), also the last one. Revenue is the amounts of completed appointments, as in the stage
metrics; adjustments (refunds, tips and other payments) are separate.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, LiteralString

from db.analytics.journey_analytics import PERIODS, AnalyticsQuery
from db.analytics.rollup_reader import RollupReader, read_rollups, span_params
from db.connections import Pool
from db.essential_queries import RegisteredQuery

Unit = Literal["week", "month"]

_EARNED: LiteralString = """
select day, n as appointments, amount as revenue, 0 as adjustments from (REVENUE) r
union all
select day, 0, 0, amount from (ADJUSTED) a
"""
_TOTALS: LiteralString = """
(select json_build_object('appointments', coalesce(sum(appointments), 0)::bigint,
                          'revenue', round(coalesce(sum(revenue), 0), 2),
                          'adjustments', round(coalesce(sum(adjustments), 0), 2)) from (EARNED) e)
"""
# A week or month that the period begins or ends in counts from its first or up to its last day in the period.
_REVENUE: LiteralString = """
, earned as materialized (EARNED), bounds as (
    select coalesce(%(first)s::date, (select min(day) from earned)) as first, %(last)s::date as last
), spans as (
    select b::date as unit, greatest(b::date, first) as first,
           least((b + ('1 ' || %(unit)s)::interval)::date - 1, last) as last
      from bounds, generate_series(date_trunc(%(unit)s, first::timestamp), last::timestamp,
                                   ('1 ' || %(unit)s)::interval) b
), sums as (
    select date_trunc(%(unit)s, day::timestamp)::date as unit, sum(appointments) as appointments,
           sum(revenue) as revenue, sum(adjustments) as adjustments from earned group by 1
)
select json_build_object(
    'period', %(period)s::text, 'as_of', %(until)s::timestamptz, 'by', %(unit)s::text,
    'first', (select first from bounds), 'last', (select last from bounds), 'total', TOTAL, 'previous', PREVIOUS,
    'rows', (select coalesce(json_agg(json_build_object(
                 'first', first, 'last', last, 'appointments', coalesce(appointments, 0)::bigint,
                 'revenue', round(coalesce(revenue, 0), 2), 'adjustments', round(coalesce(adjustments, 0), 2))
                 order by first), '[]') from spans left join sums using (unit)))::text
"""


async def revenue(pool: Pool, company_id: int, query: AnalyticsQuery, unit: Unit) -> bytes:
    """Return the revenue of the period by week (from Monday) or month as JSON text.

    The shape is ``{"period", "as_of", "by", "first", "last", "total", "previous", "rows"}``; ``first`` is None if
    nothing was ever earned, ``previous`` is the total of the period before, and None for the period ``all``.
    """
    first, last, length = query.since, query.until.date(), PERIODS[query.period]
    params: dict[str, Any] = {
        **query.params(company_id),
        **span_params("range", first, last, daily=unit == "week"),
        "period": query.period,
        "unit": unit,
        "first": first,
        "last": last,
    }
    if first is not None and length is not None:
        params |= span_params("before", first - timedelta(days=length), first - timedelta(days=1))

    def statement(reader: RollupReader) -> LiteralString:
        previous = "null" if first is None else _TOTALS.replace("EARNED", _earned(reader, "before"))
        text = _REVENUE.replace("TOTAL", _TOTALS.replace("EARNED", "table earned")).replace("PREVIOUS", previous)
        return reader.clauses + text.replace("EARNED", _earned(reader, "range"))

    text: str = await read_rollups(pool, company_id, statement, params)
    return text.encode()


def _earned(reader: RollupReader, span: LiteralString) -> LiteralString:
    rows = _EARNED.replace("REVENUE", reader.rows("revenue", span))
    return rows.replace("ADJUSTED", reader.rows("adjusted", span))


ESSENTIAL_QUERIES = (
    RegisteredQuery(
        "revenue by week, one year",
        lambda pool, sample: revenue(pool, sample.company_id, AnalyticsQuery(period="year"), "week"),
        reads_whole_company=True,
    ),
    RegisteredQuery(
        "revenue by month",
        lambda pool, sample: revenue(pool, sample.company_id, AnalyticsQuery(), "month"),
        reads_whole_company=True,
    ),
)
