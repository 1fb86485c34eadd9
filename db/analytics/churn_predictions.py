"""Churn predictions: which customers are likely to churn, when, and which retention actions to take."""

from __future__ import annotations

from psycopg import sql

from db.analytics.journey_analytics import stages_json
from db.analytics.rollup_reader import RollupReader, read_rollups, span_params
from db.connections import Pool
from db.essential_queries import RegisteredQuery
from db.journeys.projection import INACTIVE_SINCE, days_since, stage_names
from journey.stages import DEFAULT_RULEBOOK, Role, Rulebook

MAX_COUNTED = 10_000

_PREDICTIONS = sql.SQL(
    """
{clauses}, {names}, listed as materialized (
    select id from (
        (select id, risk_score from customer_relationships
          where company_id = %(company)s and risk_score > %(high_risk)s order by risk_score desc, id limit {limit})
        union
        select a.id, a.risk_score from unnest(%(at_risk_stages)s::text[]) as s(stage) cross join lateral (
            select id, risk_score from customer_relationships
             where company_id = %(company)s and current_stage = s.stage
             order by risk_score desc, id limit {limit}) a
    ) candidates order by risk_score desc, id limit {limit}
), churned_after as materialized (
    select key[1] as stage, sum(amount) / sum(n) * interval '1 second' as mean_stay
      from ({stays}) s where key[2] = any(%(lost_stages)s) group by 1 having sum(n) > 0
), rows as (
    select r.id, c.external_id, c.name, c.email, r.current_stage,
           coalesce(n.names ->> r.current_stage, r.current_stage) as stage_name, r.stage_entered_at, r.risk_score,
           r.lifetime_value, r.last_appointment_at, now() - {inactive_since} as inactive,
           {days_inactive} as days_inactive,
           case when r.current_stage = any(%(lost_stages)s) then null
                when h.mean_stay is not null then r.stage_entered_at + h.mean_stay
                when r.next_stage = any(%(lost_stages)s) then r.next_deadline end as churns_at,
           case when r.current_stage = any(%(lost_stages)s) then null
                when h.mean_stay is not null then 'history'
                when r.next_stage = any(%(lost_stages)s) then 'deadline' end as predicted_by
      from listed join customer_relationships r using (id)
      join customers c on c.company_id = r.company_id and c.id = r.customer_id
      cross join names n left join churned_after h on h.stage = r.current_stage
     where r.company_id = %(company)s
)
select json_build_object('total', least(counted, {most}), 'more', counted > {most},
    'predictions', coalesce(json_agg(json_build_object(
    'customer_id', external_id, 'name', name, 'email', email, 'current_stage', current_stage,
    'stage_name', stage_name, 'stage_entered_at', stage_entered_at, 'risk_score', risk_score,
    'days_inactive', days_inactive, 'lifetime_value', lifetime_value,
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
            (select id from customer_relationships
              where company_id = %(company)s and risk_score > %(high_risk)s limit {most} + 1)
            union
            (select id from customer_relationships
              where company_id = %(company)s and current_stage = any(%(at_risk_stages)s) limit {most} + 1)) t) c
  left join rows on true group by counted
"""
)


def _statement(reader: RollupReader, limit: int) -> sql.Composed:
    return _PREDICTIONS.format(
        limit=sql.Literal(limit),  # not a parameter: the generic plan for an unknown limit reads all customers
        clauses=sql.SQL(reader.clauses),
        names=stage_names(sql.Placeholder("company")),
        stays=sql.SQL(reader.rows("stay", "ever")),
        inactive_since=sql.SQL(INACTIVE_SINCE),
        days_inactive=sql.SQL(days_since(INACTIVE_SINCE)),
        most=sql.Literal(MAX_COUNTED),
    )


async def churn_predictions(pool: Pool, company_id: int, rulebook: Rulebook, limit: int) -> bytes:
    """Return the customers with a high risk score or in a stage with the role at risk, highest risk first.

    ``predicted_churn_date`` is when the stage was entered plus the mean stay of those who moved from it to a stage with
    the role lost (``predicted_by`` is ``history``), without such the deadline that leads to one (``deadline``); it is
    never in the past. It is null for customers who are lost already, and if neither is known.

    Returns:
        The JSON text of ``{"total", "more", "predictions"}``. ``total`` counts up to `MAX_COUNTED` customers;
        ``more`` says whether there are more.
    """
    params = {
        "company": company_id,
        "stages": stages_json(rulebook.all_stages),
        "at_risk_stages": rulebook.keys_with(Role.AT_RISK),
        "lost_stages": rulebook.keys_with(Role.LOST),
        "high_risk": rulebook.scoring.high_risk,
        **span_params("ever", None, None),
    }
    text: str = await read_rollups(pool, company_id, lambda reader: _statement(reader, limit), params)
    return text.encode()


ESSENTIAL_QUERIES = (
    RegisteredQuery(
        "churn predictions",
        lambda pool, sample: churn_predictions(pool, sample.company_id, DEFAULT_RULEBOOK, 50),
        reads_whole_company=True,
    ),
)
