"""Stage metrics: a row per company, stage and day (UTC), counted live from transitions and the ledger."""

from __future__ import annotations

from datetime import date
from typing import LiteralString

from db.analytics import BASE, View
from db.session import Pool, tenant_rows

_BY_STAGE_AND_DAY: LiteralString = """
days as materialized (
    select d::date as day from generate_series(%(from)s::date::timestamp, %(to)s::date::timestamp, interval '1 day') d
), dated as materialized (
    select relationship_id, sequence, from_stage, to_stage, stay, (transitioned_at at time zone 'UTC')::date as day
      from moves where transitioned_at < (%(to)s::date + 1)::timestamp at time zone 'UTC'
), standing as (
    select stage, day, sum(coalesce(sum(n), 0)) over (partition by stage order by day)::bigint as customers
      from stages cross join days
      left join (select to_stage as stage, greatest(day, %(from)s::date) as day, 1 as n from dated
                 union all
                 select from_stage, greatest(day, %(from)s::date), -1 from dated where from_stage is not null) moved
           using (stage, day)
     group by stage, day
), ended as (
    select from_stage as stage, day, avg(extract(epoch from stay)) / 86400 as mean_stay
      from dated where from_stage is not null and day >= %(from)s::date group by 1, 2
), entered as (
    select m.relationship_id, s.stage, m.day, (
               select min(n.transitioned_at at time zone 'UTC')::date
                 from moves n join stages g on g.stage = n.to_stage and g.growth
                where n.relationship_id = m.relationship_id and n.sequence > m.sequence
                  and (not s.growth or g.rank > s.rank)) as gone_on
      from dated m join stages s on s.stage = m.to_stage where m.day > %(from)s::date - 30
), converted as (
    select stage, d.day, count(distinct relationship_id) as entered,
           count(distinct relationship_id) filter (where gone_on <= d.day) as gone_on
      from days d join entered e on e.day > d.day - 30 and e.day <= d.day group by 1, 2
), revenue as (
    -- of two appointments at one instant the stage after the first is that before the second
    select coalesce(stood.stage, first.stage) as stage, (occurred_at at time zone 'UTC')::date as day,
           sum((payload ->> 'amount')::numeric) as amount
      from span, journey_events e
      join customer_relationships r on r.company_id = e.company_id and r.customer_id = e.customer_id
      left join lateral (
          select to_stage as stage from journey_transitions t
           where t.relationship_id = r.id and (t.transitioned_at < e.occurred_at
                 or t.transitioned_at = e.occurred_at
                    and (t.event_id is null or t.event_id collate "C" <= e.event_id collate "C"))
           order by sequence desc limit 1) stood on true
      left join lateral (
          select to_stage as stage from journey_transitions t
           where stood.stage is null and t.relationship_id = r.id order by sequence limit 1) first on true
     where e.company_id = %(company)s and e.outcome = 'applied' and e.type = 'appointment.completed'
       and e.occurred_at >= %(from)s::date::timestamp at time zone 'UTC' and e.occurred_at <= until
       and e.occurred_at < (%(to)s::date + 1)::timestamp at time zone 'UTC'
     group by 1, 2
)
select coalesce(json_agg(json_build_object(
           'metric_date', day, 'stage', stage, 'customer_count', customers, 'avg_time_in_stage', round(mean_stay, 2),
           'journeys_entered_30d', coalesce(c.entered, 0),
           'conversion_rate', round(100.0 * c.gone_on / nullif(c.entered, 0), 2),
           'revenue', round(coalesce(amount, 0), 2)) order by day, rank), '[]')::text
  from standing join stages using (stage) left join ended using (stage, day) left join converted c using (stage, day)
  left join revenue using (stage, day)
 where active or customers > 0 or mean_stay is not null or c.entered > 0 or amount <> 0
"""


async def stage_metrics(pool: Pool, company_id: int, view: View, first: date, last: date) -> bytes:
    """The rows of the days from `first` to `last` as the text of a JSON array, by day and stage; `view.period` is moot.

    ``{"metric_date", "stage", "customer_count" (at the end of the day), "avg_time_in_stage" (mean days of the stays
    that ended that day, null without), "journeys_entered_30d", "conversion_rate" (percent, null without entries),
    "revenue"}``. The day of `view.as_of` ends there.
    """
    params = {**view.params(company_id), "from": first, "to": last}
    rows = await tenant_rows(pool, company_id, BASE + ", " + _BY_STAGE_AND_DAY, params)
    text: str = rows[0][0]
    return text.encode()
