"""Roll-up deltas: what journeys add to a company's analytics, as rows (figure, day, key, n, amount) that are summed.

The same SQL recounts a company from scratch, rolls up new commits, subtracts one again, and is evaluated live for
commits that are still in the queue. Each of these uses a `scope` of journeys, each with a sign and the range of commits
that count. The delta of a commit is the total of its journey with the commit, minus the total without it.

| figure | key | n | amount |
|---|---|---|---|
| `move` | from ('' for the start), to ('' after a merge) | transitions | sum of their times, seconds since 1970 |
| `stay` | from, to | completed stays | sum of their lengths in seconds |
| `start` (on the day of the start) | every stage ever entered, sorted | journeys that were not merged | 0 |
| `entered` | stage | change in the number of journeys that entered it within 30 days | 0 |
| `gone_on` | stage | change in the number of those that had converted by then | 0 |
| `revenue` | stage after the appointment | visits | sum of their amounts |
| `adjusted` | – | payment adjustments | sum of their amounts |

Corrections and retractions count on their own day: what they add to visits and amounts, or take back.
"""

from __future__ import annotations

from typing import LiteralString

from db.sql_fragments import ADJUSTED, APPLIED_BY, EARNED, HAS_AMOUNT, VISITS

#: the figures that depend on which stages a company has and on their order
CONVERSION_FIGURES = ("entered", "gone_on")

#: every journey of a company that ever began, also those that ended in another one
EVERY_JOURNEY: LiteralString = """
(select id, customer_id, false as is_merged from customer_relationships where company_id = %(company)s
 union all
 select relationship_id, customer_id, true from merged_journeys where company_id = %(company)s)
"""
#: every journey of a company with all of its commits; `before` is the first version that does not count
FULL_SCOPE: LiteralString = """
scope as materialized (
    select id as relationship_id, customer_id, is_merged, 1 as sign, 0 as first_new, 2147483647 as before,
           '-infinity'::timestamptz as changed_from
      from EVERY_JOURNEY j)
""".replace("EVERY_JOURNEY", EVERY_JOURNEY)
#: the journeys of the queued commits in `pending` (relationship_id, version, customer_id): once with these commits
#: (sign 1), once without them (sign -1)
PENDING_SCOPE: LiteralString = """
changed as materialized (
    select relationship_id, customer_id, min(version) as first_new, max(version) + 1 as last from pending group by 1, 2
), scope as materialized (
    select c.relationship_id, c.customer_id, sign, first_new, case when sign > 0 then last else first_new end as before,
           exists (select from merged_journeys m
                    where m.company_id = %(company)s and m.relationship_id = c.relationship_id) as is_merged,
           (select min(transitioned_at) from journey_transitions t
             where t.relationship_id = c.relationship_id and t.version >= first_new and t.version < last) as
             changed_from
      from changed c cross join (values (1), (-1)) as s(sign))
"""

# `offset 0` keeps the planner from flattening the lateral join, so it scans the index once per journey.
_HISTORY: LiteralString = """
history as materialized (
    select s.relationship_id, s.sign, t.* from scope s cross join lateral (
        select sequence, coalesce(from_stage, '')::text as from_stage, to_stage::text, transitioned_at, stay,
               (transitioned_at at time zone 'UTC')::date as day
          from journey_transitions t
         where t.company_id = %(company)s and t.relationship_id = s.relationship_id and t.version < s.before
        offset 0) t)
"""

# The 30 days after an entry, without the days that an earlier entry of the same stage covers, so that a journey that
# entered twice counts once. A later entry never converts before an earlier one, so the same holds for conversions.
_CONVERSIONS: LiteralString = """
entries as materialized (
    select h.relationship_id, h.sign, h.sequence, h.to_stage as stage, h.day, s.growth, s.rank,
           lag(h.day) over (partition by h.relationship_id, h.sign, h.to_stage order by h.sequence) + 30 as uncovered
      from history h join stages s on s.stage = h.to_stage
), conversions as (
    select e.stage, e.sign, e.day, e.uncovered, min(h.day) as gone_on
      from entries e join history h on h.relationship_id = e.relationship_id and h.sign = e.sign
       and h.sequence > e.sequence and h.day < e.day + 30
      join stages g on g.stage = h.to_stage and g.growth and (not e.growth or g.rank > e.rank)
     group by e.relationship_id, e.sequence, e.stage, e.sign, e.day, e.uncovered
)
"""
_BY_STAGES: LiteralString = """
select 'entered' as figure, day, array[stage] as key, sum(sign) as n, 0::numeric as amount from (
    select greatest(day, uncovered) as day, stage, sign from entries
    union all
    select day + 30, stage, -sign from entries) e group by day, stage
union all
select 'gone_on', day, array[stage], sum(sign), 0 from (
    select greatest(gone_on, uncovered) as day, stage, sign from conversions
     where greatest(gone_on, uncovered) < day + 30
    union all
    select day + 30, stage, -sign from conversions where greatest(gone_on, uncovered) < day + 30) w group by day, stage
"""

# An event belongs to the journey that has applied it, also after its customer was merged into another one.
# An appointment belongs to the stage that follows it (two appointments at the same instant: each to its own), one
# before the start of the journey to the first stage. The appointments of earlier commits are recounted only from the
# first new transition on.
_MONEY: LiteralString = """
money as materialized (
    select s.sign, e.visits, e.earned, e.adjusted, e.is_adjustment, (e.occurred_at at time zone 'UTC')::date as day,
           coalesce(reached.stage, first.stage)::text as stage
      from scope s cross join lateral (
          select occurred_at, event_id, VISITS as visits, EARNED as earned, ADJUSTED as adjusted,
                 e.contributions is null and e.type <> 'appointment.completed' as is_adjustment
            from journey_events e
           where e.company_id = %(company)s and e.customer_id = s.customer_id and e.outcome = 'applied'
             and HAS_AMOUNT
             and case when s.is_merged then e.merged_from = s.relationship_id else e.merged_from is null end
             and APPLIED_BY < s.before
             and (APPLIED_BY >= s.first_new or e.occurred_at >= s.changed_from) offset 0) e
      left join lateral (
          select to_stage as stage from journey_transitions t
           where t.company_id = %(company)s and t.relationship_id = s.relationship_id and t.version < s.before
             and t.to_stage <> ''
             and (t.transitioned_at < e.occurred_at or t.transitioned_at = e.occurred_at
                  and (t.event_id is null or t.event_id collate "C" <= e.event_id collate "C"))
           order by sequence desc limit 1) reached on not e.is_adjustment
      left join lateral (
          select to_stage as stage from journey_transitions t
           where reached.stage is null and t.company_id = %(company)s and t.relationship_id = s.relationship_id
           order by sequence limit 1) first on not e.is_adjustment)
"""
for _name, _sql in (
    ("APPLIED_BY", APPLIED_BY),
    ("HAS_AMOUNT", HAS_AMOUNT),
    ("VISITS", VISITS),
    ("EARNED", EARNED),
    ("ADJUSTED", ADJUSTED),
):
    _MONEY = _MONEY.replace(_name, _sql)

_PLAIN: LiteralString = """
select 'move' as figure, day, array[from_stage, to_stage] as key, sum(sign) as n,
       sum(sign * extract(epoch from transitioned_at)) as amount from history group by day, from_stage, to_stage
union all
select 'stay', day, array[from_stage, to_stage], sum(sign), sum(sign * extract(epoch from stay)) from history
 where from_stage <> '' group by day, from_stage, to_stage
union all
select 'start', day, stages, sum(sign), 0 from (
    select sign, min(day) filter (where from_stage = '') as day,
           array_agg(distinct to_stage collate "C" order by to_stage collate "C") as stages
      from history group by relationship_id, sign having not bool_or(to_stage = '')) j group by day, stages
union all
select 'revenue', day, array[stage], sum(sign * visits), sum(sign * earned) from money
 where not is_adjustment group by day, stage
union all
select 'adjusted', day, '{}', sum(case when is_adjustment then sign when adjusted <> 0 then -sign else 0 end),
       sum(sign * adjusted) from money where is_adjustment or adjusted <> 0 group by day
"""

# Only non-zero deltas: most of what a journey adds is the same with and without the commit.
_CHANGING: LiteralString = "deltas as materialized (select * from (ROWS) c where n <> 0 or amount <> 0)"

STAGES: LiteralString = """
stages as materialized (
    select * from jsonb_to_recordset(%(stages)s::jsonb) as s(stage text, rank int, growth boolean, active boolean))
"""

#: the `deltas` of the `scope` (after `stages`): of every figure, or only of those that depend on the stages
ALL_DELTAS: LiteralString = ", ".join(
    (_HISTORY, _CONVERSIONS.strip(), _MONEY, _CHANGING.replace("ROWS", _PLAIN + "union all" + _BY_STAGES))
)
CONVERSION_DELTAS: LiteralString = ", ".join((_HISTORY, _CONVERSIONS.strip(), _CHANGING.replace("ROWS", _BY_STAGES)))
