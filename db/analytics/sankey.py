"""Moves between stages as a diagram without cycles: what a Sankey diagram can draw, loops included.

A node is a stage at a step: the number of moves that a journey had made in the period when it came there. So a customer
who was at risk, came back and lapsed again passes through `at_risk` at two steps, and every link leads one step on.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import LiteralString

from db.analytics.journey_analytics import View, stages_json
from db.connections import Pool, tenant_rows

MOST_STEPS = 8  # of a journey with more moves, the last link leads to where it came in the end

# At step 0 a journey stands where its first move of the period led from, or, where it began in the period, in its first
# stage. What has taken effect by an instant is counted as in `analytics`.
_SANKEY: LiteralString = """
with span as materialized (
    select %(until)s::timestamptz as until, coalesce(%(since)s::timestamptz, '-infinity') as since
), stages as materialized (
    select stage, rank from jsonb_to_recordset(%(stages)s::jsonb) as s(stage text, rank int)
), moves as materialized (
    select relationship_id, from_stage, to_stage, from_stage is null as begins,
           row_number() over w - max((from_stage is null)::int) over w as step,
           last_value(to_stage) over (w rows between unbounded preceding and unbounded following) as finally
      from journey_transitions, span
     where company_id = %(company)s and transitioned_at >= since and transitioned_at <= until
       and (transitioned_at < until or event_id is not null or trigger_type <> 'automatic')
    window w as (partition by relationship_id order by sequence)
), links as (
    select step - 1 as step, from_stage, case when step = %(steps)s then finally else to_stage end as to_stage,
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


async def sankey(pool: Pool, company_id: int, view: View, *, steps: int = MOST_STEPS) -> bytes:
    """The moves of a period as JSON text: ``{"period", "as_of", "nodes": [{"id", "step", "stage"}], "links":
    [{"source", "target", "count"}]}``, in the order of steps and of the company's stages."""
    since = None if view.since is None else datetime.combine(view.since, time(), UTC)
    values = {
        "company": company_id,
        "stages": stages_json(view.stages),
        "until": view.until,
        "since": since,
        "period": view.period,
        "steps": steps,
    }
    rows = await tenant_rows(pool, company_id, _SANKEY, values)
    text: str = rows[0][0]
    return text.encode()
