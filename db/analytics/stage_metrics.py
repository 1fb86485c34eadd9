"""Stage metrics: one row per company, stage and UTC day, summed from the roll-ups.

Only a day that `as_of` ends before midnight is counted from the journeys themselves.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import LiteralString

from db.analytics.journey_analytics import EFFECTIVE_BY_UNTIL, AnalyticsQuery
from db.analytics.rollup_deltas import CONVERSION_DELTAS, FULL_SCOPE
from db.analytics.rollup_reader import RollupReader, read_rollups, span_params
from db.connections import Pool
from db.essential_queries import RegisteredQuery
from db.sql_fragments import EARNED

# The totals before the first day plus the changes of each day, as running sums.
_RUNNING: LiteralString = """
days as materialized (
    select d::date as day from generate_series(%(from)s::date::timestamp, %(to)s::date::timestamp, interval '1 day') d
), moved as materialized (
    select greatest(day, %(from)s::date) as day, key[1] as from_stage, key[2] as to_stage, sum(n) as n
      from (MOVES) m group by 1, 2, 3
), running as (
    select stage, day, sum(coalesce(sum(customers), 0)) over w as customers,
           sum(coalesce(sum(entered), 0)) over w as entered,
           sum(coalesce(sum(gone_on), 0)) over w as gone_on
      from stages cross join days left join (
          select to_stage as stage, day, n as customers, 0 as entered, 0 as gone_on from moved
          union all
          select from_stage, day, -n, 0, 0 from moved where from_stage <> ''
          union all
          select key[1], greatest(day, %(from)s::date), 0, n, 0 from (ENTERED) e
          union all
          select key[1], greatest(day, %(from)s::date), 0, 0, n from (GONE_ON) g) changed using (stage, day)
     group by stage, day window w as (partition by stage order by day)
), ended as (
    select key[1] as stage, day, sum(amount) / nullif(sum(n), 0) / 86400 as mean_stay from (STAYS) s group by 1, 2
), earned as (
    select key[1] as stage, day, sum(amount) as revenue from (REVENUE) r group by 1, 2
)
"""
_ROWS: LiteralString = """
select coalesce(json_agg(json_build_object(
           'metric_date', day, 'stage', stage, 'customer_count', customers::bigint,
           'avg_time_in_stage', round(mean_stay, 2), 'journeys_entered_30d', entered::bigint,
           'conversion_rate', round(100.0 * gone_on / nullif(entered, 0), 2), 'revenue', round(coalesce(revenue, 0), 2)
       ) order by day, rank), '[]')::text
  from running join stages using (stage) left join ended using (stage, day) left join earned using (stage, day)
 where active or customers > 0 or mean_stay is not null or entered > 0 or revenue <> 0
"""
# Conversions that were rolled up by other stages cannot be used: recount them live until they are rolled up again.
_RECOUNT: LiteralString = (
    "recounted as materialized (with " + FULL_SCOPE + ", " + CONVERSION_DELTAS + " select * from deltas)"
)
_RECOUNTED: LiteralString = "select day, key, n, amount from recounted where figure = 'FIGURE' and day <= %(to)s::date"

# A day that ends at `until`, counted from the journeys themselves.
_PARTIAL_DAY: LiteralString = """
moves as materialized (
    select relationship_id, sequence, from_stage, to_stage, stay, (transitioned_at at time zone 'UTC')::date as day
      from journey_transitions
     where company_id = %(company)s and transitioned_at >= (%(to)s::date - 29)::timestamp at time zone 'UTC'
       and EFFECTIVE
), converted as (
    select e.to_stage as stage, count(distinct e.relationship_id) as entered,
           count(distinct e.relationship_id) filter (where gone_on) as gone_on
      from moves e join stages s on s.stage = e.to_stage cross join lateral (
          select exists (
              select from journey_transitions n join stages g on g.stage = n.to_stage and g.growth
               where n.relationship_id = e.relationship_id and n.sequence > e.sequence
                 and n.transitioned_at <= %(until)s and (not s.growth or g.rank > s.rank) offset 0) as gone_on) w
     group by 1
), running as (
    select stage, %(to)s::date as day, coalesce(n, 0) as customers, coalesce(entered, 0) as entered,
           coalesce(gone_on, 0) as gone_on
      from stages left join standing using (stage) left join converted using (stage)
), ended as (
    select from_stage as stage, day, avg(extract(epoch from stay)) / 86400 as mean_stay
      from moves where from_stage is not null and day = %(to)s::date group by 1, 2
), earned as (
    -- of two appointments at the same instant, each belongs to the stage that it led to
    select coalesce(reached.stage, first.stage) as stage, %(to)s::date as day,
           sum(EARNED) as revenue
      from journey_events e
      join customer_relationships r on r.company_id = e.company_id and r.customer_id = e.customer_id
      left join lateral (
          select to_stage as stage from journey_transitions t
           where t.relationship_id = coalesce(e.merged_from, r.id) and t.to_stage <> ''
             and (t.transitioned_at < e.occurred_at
                 or t.transitioned_at = e.occurred_at
                    and (t.event_id is null or t.event_id collate "C" <= e.event_id collate "C"))
           order by sequence desc limit 1) reached on true
      left join lateral (
          select to_stage as stage from journey_transitions t
           where reached.stage is null and t.relationship_id = coalesce(e.merged_from, r.id)
           order by sequence limit 1) first on true
     where e.company_id = %(company)s and e.outcome = 'applied'
       and (e.type = 'appointment.completed' or e.contributions is not null)
       and e.occurred_at >= %(to)s::date::timestamp at time zone 'UTC' and e.occurred_at <= %(until)s
     group by 1
)
""".replace("EFFECTIVE", EFFECTIVE_BY_UNTIL).replace("EARNED", EARNED)


def statement(reader: RollupReader) -> LiteralString:
    """Build the statement for the complete days `from` to `to`."""
    if reader.stages_changed:
        clauses = f"{reader.clauses}, {_RECOUNT}, "
        entered, gone_on = _RECOUNTED.replace("FIGURE", "entered"), _RECOUNTED.replace("FIGURE", "gone_on")
    else:
        clauses = reader.clauses + ", "
        entered, gone_on = _up_to_each_day(reader, "entered"), _up_to_each_day(reader, "gone_on")
    running = _RUNNING.replace("MOVES", _up_to_each_day(reader, "move"))
    running = running.replace("ENTERED", entered).replace("GONE_ON", gone_on)
    running = running.replace("STAYS", reader.rows("stay", "range"))
    return clauses + running.replace("REVENUE", reader.rows("revenue", "range")) + _ROWS


def _up_to_each_day(reader: RollupReader, figure: LiteralString) -> LiteralString:
    return f"{reader.rows(figure, 'before')} union all {reader.rows(figure, 'range')}"


async def stage_metrics(pool: Pool, company_id: int, query: AnalyticsQuery, first: date, last: date) -> bytes:
    """Return the stage metrics of a range of days as the text of a JSON array, by day and stage.

    Args:
        query: The stages and the instant of the analysis; the day of `as_of` ends there. `period` is not used.
        first: The first UTC day.
        last: The last UTC day, inclusive.

    Returns:
        Rows of ``{"metric_date", "stage", "customer_count" (at the end of the day), "avg_time_in_stage" (mean days of
        the stays that ended that day, null if none did), "journeys_entered_30d", "conversion_rate" (percent, null
        without entries), "revenue"}``.
    """
    is_partial = query.as_of is not None and query.until.date() == last
    last_complete = last - timedelta(days=1) if is_partial else last
    params = {**query.params(company_id), "from": first, "to": last_complete}
    params |= span_params("before", None, first - timedelta(days=1)) | span_params(
        "range", first, last_complete, daily=True
    )
    rows: list[str] = []
    if first <= last_complete:
        rows.append(await read_rollups(pool, company_id, statement, params))
    if is_partial:
        params = {**query.params(company_id), "to": last}
        rows.append(
            await read_rollups(
                pool, company_id, lambda reader: f"{query.clauses(reader)}, {_PARTIAL_DAY} {_ROWS}", params
            )
        )
    return f"[{', '.join(text[1:-1] for text in rows if text != '[]')}]".encode()


ESSENTIAL_QUERIES = (
    RegisteredQuery(
        "stage metrics, one month",
        lambda pool, sample: stage_metrics(
            pool, sample.company_id, AnalyticsQuery(), sample.month_ago.date(), sample.now.date()
        ),
        reads_whole_company=True,
    ),
)
