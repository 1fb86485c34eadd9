"""Gauges of one company for operators: risk distribution, finished actions, open tasks and overdue deadlines."""

from __future__ import annotations

from db.connections import Pool, tenant_rows
from db.outreach.action_outcomes import FINAL_STATUSES
from journey.stages import DEFAULT_RULEBOOK

#: how far back finished actions are counted
RECENT_DAYS = 30

# The label of a bucket is (above, up to]; a missing score counts as 0. The limits are the same for every company, so
# that the series stay comparable: 0.3 is the first step of the default scoring, the other its limit of a high risk.
_HIGH = DEFAULT_RULEBOOK.scoring.high_risk
_RISK = """
select count(*) filter (where risk <= 0), count(*) filter (where risk > 0 and risk <= 0.3),
       count(*) filter (where risk > 0.3 and risk <= %(high)s), count(*) filter (where risk > %(high)s)
  from (select coalesce(risk_score, 0) as risk from customer_relationships where company_id = %(company)s) scores
"""
RISK_BUCKETS = ("0", "0-0.3", f"0.3-{_HIGH}", f"{_HIGH}-1")

# The index is on `updated_at`, which is not before `done_at` except for clock differences.
_FINISHED = """
select status, count(*) from journey_actions
 where company_id = %(company)s and status = any(%(statuses)s)
   and updated_at > now() - make_interval(days => %(days)s + 1) and done_at > now() - make_interval(days => %(days)s)
 group by status
"""

_OVERDUE = """
select coalesce(extract(epoch from now() - min(next_deadline)), 0)::float8 from customer_relationships
 where company_id = %s and next_deadline < now()
"""


async def risk_distribution(pool: Pool, company_id: int) -> dict[str, int]:
    """Count the customers by risk score, for every label of RISK_BUCKETS."""
    rows = await tenant_rows(pool, company_id, _RISK, {"company": company_id, "high": _HIGH})
    return dict(zip(RISK_BUCKETS, rows[0], strict=True))


async def finished_actions(pool: Pool, company_id: int) -> dict[str, int]:
    """Count the actions that finished in the last RECENT_DAYS, by each of FINAL_STATUSES."""
    parameters = {"company": company_id, "statuses": list(FINAL_STATUSES), "days": RECENT_DAYS}
    return dict.fromkeys(FINAL_STATUSES, 0) | dict(await tenant_rows(pool, company_id, _FINISHED, parameters))


async def overdue_seconds(pool: Pool, company_id: int) -> float:
    """Return the seconds since the oldest deadline that passed without an evaluation; 0 if there is none."""
    rows = await tenant_rows(pool, company_id, _OVERDUE, [company_id])
    seconds: float = rows[0][0]
    return seconds


async def open_tasks(pool: Pool, company_id: int) -> int:
    """Count the open tasks."""
    statement = "select count(*) from tasks where company_id = %s and status = 'open'"
    rows = await tenant_rows(pool, company_id, statement, [company_id])
    count: int = rows[0][0]
    return count
