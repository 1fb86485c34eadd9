"""Stage flow: moves between stages as an acyclic graph for a Sankey diagram.

A node is a stage at a step, where the step is the number of moves that a journey had made in the period when it entered
the stage. A customer who was at risk, returned and lapsed again passes through `at_risk` at two steps; every link leads
from one step to the next.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import LiteralString

from db.analytics.journey_analytics import AnalyticsQuery, stages_json
from db.connections import Pool, tenant_rows
from db.essential_queries import RegisteredQuery

MAX_STEPS = 8  # the last link of a journey with more moves leads to its last stage

# At step 0 a journey is in the stage that its first move of the period left or, if it began in the period, in its first
# stage. Which transitions have taken effect by an instant is defined as in `journey_analytics`.
_SANKEY: LiteralString = """
with span as materialized (
    select %(until)s::timestamptz as until, coalesce(%(since)s::timestamptz, '-infinity') as since
), stages as materialized (
    select stage, rank from jsonb_to_recordset(%(stages)s::jsonb) as s(stage text, rank int)
), moves as materialized (
    select relationship_id, from_stage, to_stage, from_stage is null as begins,
           row_number() over w - max((from_stage is null)::int) over w as step,
           last_value(to_stage) over (w rows between unbounded preceding and unbounded following) as last_stage
      from journey_transitions, span
     where company_id = %(company)s and transitioned_at >= since and transitioned_at <= until and to_stage <> ''
       and (transitioned_at < until or event_id is not null or trigger_type <> 'automatic')
    window w as (partition by relationship_id order by sequence)
), links as (
    select step - 1 as step, from_stage, case when step = %(steps)s then last_stage else to_stage end as to_stage,
           count(*) as n
      from moves where not begins and step <= %(steps)s group by 1, 2, 3
), nodes as (
    select step, from_stage as stage from links
    union select step + 1, to_stage from links
    union select 0, to_stage from moves where begins
)
select json_build_object(
    'period', %(period)s::text, 'as_of', (select until from span),
    'nodes', coalesce((
        select json_agg(json_build_object('id', step || ':' || stage, 'step', step, 'stage', stage)
                        order by step, rank nulls last, stage)
          from nodes left join stages using (stage)), '[]'),
    'links', coalesce((
        select json_agg(json_build_object('source', step || ':' || from_stage, 'target', (step + 1) || ':' || to_stage,
                                          'count', n)
                        order by step, f.rank nulls last, from_stage, t.rank nulls last, to_stage)
          from links left join stages f on f.stage = from_stage left join stages t on t.stage = to_stage), '[]'))::text
"""


async def sankey(pool: Pool, company_id: int, query: AnalyticsQuery, *, steps: int = MAX_STEPS) -> bytes:
    """Return the moves of a period as JSON text, ordered by step and by the company's stages.

    The shape is ``{"period", "as_of", "nodes": [{"id", "step", "stage"}], "links": [{"source", "target", "count"}]}``.
    """
    since = None if query.since is None else datetime.combine(query.since, time(), UTC)
    values = {
        "company": company_id,
        "stages": stages_json(query.stages),
        "until": query.until,
        "since": since,
        "period": query.period,
        "steps": steps,
    }
    rows = await tenant_rows(pool, company_id, _SANKEY, values)
    text: str = rows[0][0]
    return text.encode()


ESSENTIAL_QUERIES = (
    RegisteredQuery(
        "sankey, one month",
        lambda pool, sample: sankey(pool, sample.company_id, AnalyticsQuery(period="month")),
        reads_whole_company=True,
    ),
)
