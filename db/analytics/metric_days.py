"""`journey_stage_metrics`, written: which days are due, and the rows of some days as they are counted now."""

from __future__ import annotations

from datetime import date, datetime

from db.analytics.journey_analytics import View
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool, tenant_rows

#: Days that are counted anew every night: what reaches Postgres late (an outage, a slow upstream) is mostly this young.
ANEW = 35
#: How far back the first run of a company goes, in years; `metrics rebuild` goes further where somebody wants it.
YEARS = 10

# Received since the mark, an event touches all days from its own on; the transitions it brings about are not older.
# Those that no event brings about are found by when they were decided.
_FIRST_DUE = """
with mark as materialized (select max(counted_at) as at from stage_metric_marks where company_id = %(company)s),
begun as materialized (
    select greatest((min(transitioned_at) at time zone 'UTC')::date,
                    (%(last)s::date - %(years)s::int * interval '1 year')::date) as day
      from journey_transitions where company_id = %(company)s
)
select case when (select at from mark) is null then begun.day else greatest(begun.day, least(
    %(last)s::date - %(anew)s::int + 1,
    (select max(metric_date) + 1 from journey_stage_metrics where company_id = %(company)s),
    (select (min(occurred_at) at time zone 'UTC')::date from journey_events
      where company_id = %(company)s and outcome = 'applied' and received_at >= (select at from mark)),
    (select (min(transitioned_at) at time zone 'UTC')::date from journey_transitions
      where company_id = %(company)s and decided_at >= (select at from mark)))) end
  from begun where begun.day <= %(last)s::date
"""

_WRITE = """
with counted as (
    select * from jsonb_to_recordset(%(rows)s::jsonb) as c(metric_date date, stage text, customer_count int,
        avg_time_in_stage numeric, conversion_rate numeric, revenue numeric)
), gone as (
    delete from journey_stage_metrics m
     where company_id = %(company)s and metric_date between %(first)s and %(last)s
       and not exists (select from counted c where c.metric_date = m.metric_date and c.stage = m.stage_key)
), written as (
    insert into journey_stage_metrics (company_id, stage_key, metric_date, customer_count, avg_time_in_stage,
                                       conversion_rate, revenue)
    select %(company)s, stage, metric_date, customer_count, avg_time_in_stage, conversion_rate, revenue from counted
    on conflict (company_id, stage_key, metric_date) do update
       set customer_count = excluded.customer_count, avg_time_in_stage = excluded.avg_time_in_stage,
           conversion_rate = excluded.conversion_rate, revenue = excluded.revenue
    returning 1
)
select count(*) from written
"""

_MARK = """
insert into stage_metric_marks (company_id, counted_at) values (%(company)s, %(at)s)
on conflict (company_id) do update set counted_at = greatest(stage_metric_marks.counted_at, excluded.counted_at)
returning counted_at
"""


async def first_due(pool: Pool, company_id: int, last: date) -> date | None:
    """The first day to be written so that all days up to `last` are as they are counted now; None: there is no day.

    The earliest of the day after the last one written, of the last 35 days, and of those that events or transitions
    touched which became known since the mark; without a mark the day of the first transition, ten years ago at most.
    """
    params = {"company": company_id, "last": last, "anew": ANEW, "years": YEARS}
    rows = await tenant_rows(pool, company_id, _FIRST_DUE, params)
    return rows[0][0] if rows else None


async def write_days(pool: Pool, company_id: int, view: View, first: date, last: date) -> int:
    """Count the days from `first` to `last` and put their rows in the place of those that are there; how many."""
    rows = await stage_metrics(pool, company_id, view, first, last)
    params = {"company": company_id, "rows": rows.decode(), "first": first, "last": last}
    written: int = (await tenant_rows(pool, company_id, _WRITE, params))[0][0]
    return written


async def mark(pool: Pool, company_id: int, at: datetime) -> None:
    """All that was known at `at` is counted in the company's days."""
    await tenant_rows(pool, company_id, _MARK, {"company": company_id, "at": at})
