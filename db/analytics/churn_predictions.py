"""Churn predictions: who is about to be lost, when, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_reader import Seen, days, read
from db.connections import Pool
from db.journeys.projection import INACTIVE_SINCE, names
from journey.stages import Stage

MOST_COUNTED = 10_000

_PREDICTIONS = sql.SQL(
    """
{clauses}, {names}, shown as materialized (
    select id from customer_relationships
     where company_id = %(company)s and (risk_score > 0.7 or current_stage = 'at_risk')
     order by risk_score desc, id limit {limit}
), churned_after as materialized (
    select key[1] as stage, sum(amount) / sum(n) * interval '1 second' as mean_stay
      from ({stays}) s where key[2] = 'churned' group by 1 having sum(n) > 0
), rows as (
    select r.id, c.external_id, c.name, c.email, r.current_stage,
           coalesce(n.names ->> r.current_stage, r.current_stage) as stage_name, r.stage_entered_at, r.risk_score,
           r.lifetime_value, r.last_appointment_at, now() - {inactive_since} as inactive,
           case when r.current_stage = 'churned' then null
                when h.mean_stay is not null then r.stage_entered_at + h.mean_stay
                when r.next_stage = 'churned' then r.next_deadline end as churns_at,
           case when r.current_stage = 'churned' then null
                when h.mean_stay is not null then 'history'
                when r.next_stage = 'churned' then 'deadline' end as predicted_by
      from shown join customer_relationships r using (id)
      join customers c on c.company_id = r.company_id and c.id = r.customer_id
      cross join names n left join churned_after h on h.stage = r.current_stage
     where r.company_id = %(company)s
)
select json_build_object('total', least(counted, {most}), 'more', counted > {most},
    'predictions', coalesce(json_agg(json_build_object(
    'customer_id', external_id, 'name', name, 'email', email, 'current_stage', current_stage,
    'stage_name', stage_name, 'stage_entered_at', stage_entered_at, 'risk_score', risk_score,
    'days_inactive', floor(extract(epoch from inactive) / 86400)::int, 'lifetime_value', lifetime_value,
    'last_appointment_at', last_appointment_at,
    'predicted_churn_date', case when churns_at is not null then greatest(churns_at, now())::date end,
    'predicted_by', predicted_by,
    'retention_actions', (
        select json_agg(json_build_object('type', type, 'priority', priority, 'description', description))
          from (values ('personal_call', 'high', 'Schedule a personal check-in call', risk_score > 0.8),
                       ('special_offer', 'medium', 'Send a special return offer', inactive > interval '1440 hours'),
                       ('email_campaign', 'low', 'Include in re-engagement email campaign', true)
               ) as a(type, priority, description, advised) where advised))
    order by risk_score desc, id) filter (where id is not null), '[]'))::text
  from (select count(*) as counted from (
            select from customer_relationships
             where company_id = %(company)s and (risk_score > 0.7 or current_stage = 'at_risk') limit {most} + 1) t) c
  left join rows on true group by counted
"""
)


def _statement(seen: Seen, limit: int) -> sql.Composed:
    return _PREDICTIONS.format(
        limit=sql.Literal(limit),  # no parameter: the plan for any number reads all customers
        clauses=sql.SQL(seen.clauses),
        names=names(sql.Placeholder("company")),
        stays=sql.SQL(seen.of_figure("stay", "ever")),
        inactive_since=sql.SQL(INACTIVE_SINCE),
        most=sql.Literal(MOST_COUNTED),
    )


async def churn_predictions(pool: Pool, company_id: int, stages: Sequence[Stage], limit: int) -> bytes:
    """Customers with a risk over 0.7 or in at_risk, the riskiest first, as the text of ``{"total", "more",
    "predictions"}``; counted up to `MOST_COUNTED`, with ``more`` where there are more.

    ``predicted_churn_date``: when the stage was entered plus the mean stay of those who went from it to churned
    (``predicted_by`` ``history``), without such the churn deadline (``deadline``); never in the past. null: churned
    already, or nothing yet leads there.
    """
    params = {"company": company_id, "stages": stages_json(stages), **days("ever", None, None)}
    text: str = await read(pool, company_id, lambda seen: _statement(seen, limit), params)
    return text.encode()
