"""Whom to contact: the call list by value at stake, and customers who are expected soon and have not booked.

An index has the order of each list. What decides whether a customer is listed changes with time (a booking, a contact,
an expected visit that passes), so both lists read candidates in that order and leave out the others. A page reads a
bounded number of candidates; where it ends because of that, it may be short, and the next page continues there.

Each page is planned for itself. It looks up contacts, tasks and actions for each candidate, and a plan from when those
tables were empty would read all of their rows each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from psycopg import sql

from db.connections import Pool, tenant_rows
from db.essential_queries import RegisteredQuery
from db.journeys.projection import NEXT_APPOINTMENT, days_since, stage_names
from db.outreach.contacts import CONTACT_UNWANTED_SINCE, LAST_CONTACT
from db.people.phone_numbers import E164_OF_C
from journey.stages import DEFAULT_RULEBOOK, Role, Rulebook

CANDIDATES = 500  # read for one page: of each stage, or of all expected customers
CONTACT_PAUSE = timedelta(days=7)  # who was contacted in this time is not listed

Position = tuple[str, int]  # the sorted value (as text) and the id of the last row of a page

# Of `r` (customer_relationships). The years end with the latest commit, so that the value does not change with time.
_HAS_RHYTHM = "r.usual_interval > 0 and r.total_appointments > 0"
_YEARS = "greatest(1, extract(epoch from r.decided_at - r.created_at) / 31557600)"
_PER_YEAR = (
    f"case when {_HAS_RHYTHM}"
    " then coalesce(r.mean_amount, r.lifetime_value / r.total_appointments) * 365 / r.usual_interval"
    f" else r.lifetime_value / {_YEARS} end"
)
#: An index has this expression.
VALUE_AT_STAKE = sql.SQL(f"round({_PER_YEAR} * (1 - coalesce(r.return_probability, 0)), 2)")
# Scalar subqueries, so that they are evaluated for candidates only, and not joined with whole tables.
_MAY_BE_CONTACTED = sql.SQL("{booked} is null and {unwanted_since} is null").format(
    booked=sql.SQL(NEXT_APPOINTMENT), unwanted_since=CONTACT_UNWANTED_SINCE
)
_CUSTOMER = sql.SQL(
    "c.external_id as customer_id, c.name, c.email, c.phone, {e164} as phone_e164, r.current_stage,"
    " coalesce(n.names ->> r.current_stage, r.current_stage) as stage_name, r.lifetime_value, r.last_appointment_at,"
    " {days} as days_since_last_visit, case when {has_rhythm} then r.usual_interval end as usual_interval_days,"
    " r.expected_at, r.mean_amount,"
    " r.return_probability, {contacted} as contacted_at"
).format(
    e164=E164_OF_C,
    days=sql.SQL(days_since("r.last_appointment_at")),
    has_rhythm=sql.SQL(_HAS_RHYTHM),
    contacted=LAST_CONTACT,
)

_CALL_LIST = sql.SQL("""
with {names}, stages as materialized (
    select * from unnest(%(stages)s::text[], %(always)s::boolean[]) as s(stage, always)
), found as materialized (
    select s.stage, x.* from stages s cross join lateral (
        select r.id, r.value_at_stake from (
            select r.*, {value} as value_at_stake from customer_relationships r
             where r.company_id = %(company)s and r.current_stage = s.stage {beyond}
             order by {value} desc, r.id limit {candidates}) r
         where (s.always or r.expected_at <= now()) and {may_be_contacted}
           and coalesce({last_contact} < now() - %(pause)s::interval, true)
         order by r.value_at_stake desc, r.id limit {limit}) x
), horizon as materialized (
    select h.* from stages s cross join lateral (
        select {value} as value_at_stake, r.id from customer_relationships r
         where r.company_id = %(company)s and r.current_stage = s.stage {beyond}
         order by {value} desc, r.id offset {candidates} - 1 limit 1) h
     where (select count(*) from found where found.stage = s.stage) < {limit}
     order by h.value_at_stake desc, h.id limit 1
), page as (
    select f.id, f.value_at_stake from found f
     where not exists (select from horizon h where f.value_at_stake < h.value_at_stake
                          or (f.value_at_stake = h.value_at_stake and f.id > h.id))
     order by f.value_at_stake desc, f.id limit {limit}
)
select p.value_at_stake::text, p.id, (select row_to_json(x) from (
           select {customer}, p.value_at_stake, round({per_year}, 2) as value_per_year,
                  round({years}, 2) as years_as_customer, {overdue} as overdue_days) x)::text,
       (select settings from companies where id = %(company)s), null::text, null::bigint
  from page p join customer_relationships r on r.id = p.id and r.company_id = %(company)s
  join customers c on c.company_id = r.company_id and c.id = r.customer_id cross join names n
union all
select null, null, null, null, h.value_at_stake::text, h.id from horizon h
""")

_DUE = sql.SQL("""
with {names}, candidates as materialized (
    select r.id, r.expected_at from customer_relationships r
     where r.company_id = %(company)s and r.expected_at > now()
       and r.expected_at <= now() + %(ahead)s::interval {beyond}
     order by r.expected_at, r.id limit {candidates}
), page as (
    select r.id, r.expected_at from candidates p join customer_relationships r on r.id = p.id
     where r.company_id = %(company)s and r.current_stage <> all(%(lost)s::text[]) and {may_be_contacted}
     order by p.expected_at, p.id limit {limit}
), horizon as (
    select expected_at, id from candidates
     where (select count(*) from page) < {limit} order by expected_at, id offset {candidates} - 1 limit 1
)
select p.expected_at::text, p.id, (select row_to_json(x) from (select {customer}, r.rhythm) x)::text,
       (select settings from companies where id = %(company)s), null::text, null::bigint
  from page p join customer_relationships r on r.id = p.id and r.company_id = %(company)s
  join customers c on c.company_id = r.company_id and c.id = r.customer_id cross join names n
union all
select null, null, null, null, h.expected_at::text, h.id from horizon h
""")


@dataclass(frozen=True, slots=True)
class ListedCustomers:
    """A page of a list.

    Attributes:
        rows: The customers in the list's order.
        settings: The company's settings as stored; empty without rows.
        next: The position after which the next page starts.
    """

    rows: list[dict[str, Any]]
    settings: dict[str, Any]
    next: Position | None


async def call_list(
    pool: Pool,
    company_id: int,
    rulebook: Rulebook,
    *,
    include_lost: bool = False,
    limit: int = 50,
    after: Position | None = None,
) -> ListedCustomers:
    """Return a page of the call list, the highest value at stake first.

    Args:
        include_lost: Also list customers in stages with the role `lost`.
        after: `next` of the previous page.
    """
    at_risk, lost = rulebook.keys_with(Role.AT_RISK), rulebook.keys_with(Role.LOST)
    always = [*at_risk, *(lost if include_lost else ())]
    others = [key for key in rulebook.by_key if key not in at_risk and key not in lost]
    stages = [*always, *others]
    beyond: sql.Composable = sql.SQL("")
    parameters: dict[str, Any] = {
        "company": company_id,
        "stages": stages,
        "always": [stage in always for stage in stages],
        "pause": CONTACT_PAUSE,
    }
    if after is not None:
        beyond = sql.SQL(
            "and {value} <= %(value)s::numeric and ({value} < %(value)s::numeric or r.id > %(id)s::bigint)"
        ).format(value=VALUE_AT_STAKE)
        parameters |= {"value": after[0], "id": after[1]}
    statement = _CALL_LIST.format(
        names=stage_names(sql.Placeholder("company")),
        value=VALUE_AT_STAKE,
        beyond=beyond,
        # not parameters: the generic plan for an unknown limit reads all customers
        candidates=sql.Literal(max(CANDIDATES, limit + 1)),
        limit=sql.Literal(limit + 1),
        may_be_contacted=_MAY_BE_CONTACTED,
        last_contact=LAST_CONTACT,
        customer=_CUSTOMER,
        per_year=sql.SQL(_PER_YEAR),
        years=sql.SQL(_YEARS),
        overdue=sql.SQL(days_since("r.expected_at")),
    )
    rows = await tenant_rows(pool, company_id, statement, parameters, fresh_plan=True)
    return _page(rows, limit, descending=True)


async def due_list(
    pool: Pool, company_id: int, rulebook: Rulebook, *, days: int = 7, limit: int = 50, after: Position | None = None
) -> ListedCustomers:
    """Return a page of the customers who are expected in the next days and have not booked, the earliest first."""
    beyond: sql.Composable = sql.SQL("")
    parameters: dict[str, Any] = {
        "company": company_id,
        "ahead": timedelta(days=days),
        "lost": list(rulebook.keys_with(Role.LOST)),
    }
    if after is not None:
        beyond = sql.SQL("and (r.expected_at, r.id) > (%(value)s::timestamptz, %(id)s::bigint)")
        parameters |= {"value": after[0], "id": after[1]}
    statement = _DUE.format(
        names=stage_names(sql.Placeholder("company")),
        beyond=beyond,
        candidates=sql.Literal(max(CANDIDATES, limit + 1)),
        limit=sql.Literal(limit + 1),
        may_be_contacted=_MAY_BE_CONTACTED,
        customer=_CUSTOMER,
    )
    rows = await tenant_rows(pool, company_id, statement, parameters, fresh_plan=True)
    return _page(rows, limit, descending=False)


def _page(rows: Sequence[tuple[Any, ...]], limit: int, *, descending: bool) -> ListedCustomers:
    """Return the page of these rows, which may be in any order, one more than `limit` and the horizon among them."""
    found = [row for row in rows if row[1] is not None]
    documents = {row[1]: orjson.loads(row[2]) for row in found}
    key = "value_at_stake" if descending else "expected_at"
    found.sort(key=lambda row: row[1])
    found.sort(key=lambda row: documents[row[1]][key], reverse=descending)
    horizon = next(((row[4], row[5]) for row in rows if row[1] is None), None)
    following = (found[limit - 1][0], found[limit - 1][1]) if len(found) > limit else horizon
    return ListedCustomers([documents[row[1]] for row in found[:limit]], found[0][3] if found else {}, following)


ESSENTIAL_QUERIES = (
    RegisteredQuery("call list", lambda pool, sample: call_list(pool, sample.company_id, DEFAULT_RULEBOOK)),
    RegisteredQuery("due list", lambda pool, sample: due_list(pool, sample.company_id, DEFAULT_RULEBOOK)),
)
