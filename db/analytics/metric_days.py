"""Write the table `journey_stage_metrics`: find the days that are due, and recount a range of days."""

from __future__ import annotations

from datetime import date, datetime

from db.analytics.journey_analytics import AnalyticsQuery
from db.analytics.stage_metrics import stage_metrics
from db.connections import Pool, tenant_rows
from db.essential_queries import RegisteredQuery

#: Days that are recounted every night: most late events (an outage, a slow upstream) are not older than this.
RECOUNT_DAYS = 35
#: How many years the first run of a company goes back; `metrics rebuild` can go back further.
MAX_YEARS = 10

# An event received since the mark affects all days from its own on; the transitions that it causes are not older.
# Transitions without an event are found by the time at which they were decided.
_FIRST_DUE = """
with mark as materialized (select max(counted_at) as at from stage_metric_marks where company_id = %(company)s),
begun as materialized (
    select greatest((min(transitioned_at) at time zone 'UTC')::date,
                    (%(last)s::date - %(years)s::int * interval '1 year')::date) as day
      from journey_transitions where company_id = %(company)s
)
select case when (select at from mark) is null then begun.day else greatest(begun.day, least(
    %(last)s::date - %(recount_days)s::int + 1,
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
), deleted as (
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


async def first_due_day(pool: Pool, company_id: int, last: date) -> date | None:
    """Find the first day that must be recounted so that all days up to `last` are current.

    Returns:
        The earliest of the day after the last one written, the first of the last RECOUNT_DAYS days, and the first day
        affected by events or transitions that became known since the mark. Without a mark, the day of the first
        transition, at most MAX_YEARS ago. None if the company has no transitions up to `last`.
    """
    params = {"company": company_id, "last": last, "recount_days": RECOUNT_DAYS, "years": MAX_YEARS}
    rows = await tenant_rows(pool, company_id, _FIRST_DUE, params)
    return rows[0][0] if rows else None


async def write_days(pool: Pool, company_id: int, query: AnalyticsQuery, first: date, last: date) -> int:
    """Recount the days from `first` to `last`, replace their rows, and return the number of rows written."""
    rows = await stage_metrics(pool, company_id, query, first, last)
    params = {"company": company_id, "rows": rows.decode(), "first": first, "last": last}
    written: int = (await tenant_rows(pool, company_id, _WRITE, params))[0][0]
    return written


async def set_mark(pool: Pool, company_id: int, at: datetime) -> None:
    """Record that everything known at `at` is counted in the company's stage metrics."""
    await tenant_rows(pool, company_id, _MARK, {"company": company_id, "at": at})


ESSENTIAL_QUERIES = (
    RegisteredQuery(
        "stage metrics: first due day",
        lambda pool, sample: first_due_day(pool, sample.company_id, sample.now.date()),
        reads_whole_company=True,
    ),
)
