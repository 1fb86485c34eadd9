"""Failed and held-back actions: pages of them, and how many there are of each kind.

Each query reads a bounded part of the partial index `journey_actions_problems`, however many actions a company has:
the actions' names are found by skipping from one to the next, and no more than `MAX_COUNTED` rows of each are counted.
Conditions on the table compare plain columns only: with row-level security, an index serves no condition that calls a
function which is not leakproof, such as `split_part`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.essential_queries import RegisteredQuery
from db.outreach.action_queries import ACTIONS_OF_CUSTOMERS, COLUMNS
from db.sql_fragments import json_array

MAX_COUNTED = 1_000  # of each problem and action

#: - `failed`: tried for a day, or refused permanently.
#: - `failing`: the last attempt failed, and another one follows.
#: - `waiting`: held back until later.
#: - `suppressed`: held back, and not tried again by itself.
Problem = Literal["failed", "failing", "waiting", "suppressed"]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)

# The conditions repeat those of the index literally, so that the planner recognizes them.
_CONDITIONS: dict[Problem, sql.SQL] = {
    "failed": sql.SQL("a.status = 'failed'"),
    "failing": sql.SQL("a.status = 'pending' and a.attempts > 0 and a.last_error is not null"),
    "waiting": sql.SQL("a.status = 'waiting'"),
    "suppressed": sql.SQL("a.status = 'suppressed'"),
}

# The names of a problem's actions with their steps, each found from the one before.
_NAMES = sql.SQL("""
{names}(action) as (
    (select a.action from journey_actions a where a.company_id = %(company)s and {condition} order by a.action limit 1)
    union all
    select (select a.action from journey_actions a
             where a.company_id = %(company)s and {condition} and a.action > n.action order by a.action limit 1)
      from {names} n where n.action is not null
)""")

_NEWEST = sql.SQL("""
select x.id, {problem} as problem from {names} n cross join lateral (
    select a.id from journey_actions a
     where a.company_id = %(company)s and {condition} and a.action = n.action and a.id < %(before)s
     order by a.id desc limit %(limit)s) x
 where %(action)s::text is null or split_part(n.action, '.', 1) = %(action)s
""")
_PAGE = sql.SQL("""
with recursive {names}, page as (select * from ({newest}) x order by id desc limit %(limit)s)
select (select row_to_json(x) from (select p.problem, {columns}) x)::text, a.id
  from page p join {source} on a.company_id = %(company)s and a.id = p.id order by a.id desc
""")

_COUNTED = sql.SQL("""
select {problem} as problem, split_part(n.action, '.', 1) as action, (select count(*) from (
    select from journey_actions a where a.company_id = %(company)s and {condition} and a.action = n.action
     limit %(limit)s) x) as n
  from {names} n where n.action is not null
""")
_COUNTS = sql.SQL("""
with recursive {names}
select problem, action, least(sum(n), %(limit)s - 1)::bigint, sum(n) >= %(limit)s from ({counted}) c
 group by problem, action
""")


@dataclass(frozen=True, slots=True)
class ProblemSearch:
    """The filter of a page of problems; () and None do not filter.

    Attributes:
        action: The name of an action without its step.
        before: Only actions with a smaller id, for the next page.
    """

    problems: Sequence[Problem] = ()
    action: str | None = None
    limit: int = 50
    before: int | None = None


async def list_problems(pool: Pool, company_id: int, search: ProblemSearch) -> tuple[bytes, int | None]:
    """Return a page of problems, newest first, as the text of a JSON array, and `before` of the next page or None."""
    problems = search.problems or PROBLEMS
    statement = _PAGE.format(
        names=_for_each(problems, _NAMES, ", "),
        newest=_for_each(problems, _NEWEST, " union all "),
        columns=COLUMNS,
        source=ACTIONS_OF_CUSTOMERS,
    )
    params: dict[str, Any] = {"company": company_id, "action": search.action, "limit": search.limit + 1}
    params["before"] = (1 << 63) - 1 if search.before is None else search.before
    rows = await tenant_rows(pool, company_id, statement, params)
    next_before = rows[search.limit - 1][1] if len(rows) > search.limit else None
    return json_array(row[0] for row in rows[: search.limit]), next_before


async def count_problems(pool: Pool, company_id: int) -> list[dict[str, Any]]:
    """Count the actions of each problem and name, most first: ``{"problem", "action", "count", "more"}``.

    ``more``: there are more than ``count``, which is MAX_COUNTED.
    """
    statement = _COUNTS.format(
        names=_for_each(PROBLEMS, _NAMES, ", "), counted=_for_each(PROBLEMS, _COUNTED, " union all ")
    )
    rows = await tenant_rows(pool, company_id, statement, {"company": company_id, "limit": MAX_COUNTED + 1})
    counts = [{"problem": row[0], "action": row[1], "count": row[2], "more": row[3]} for row in rows]
    return sorted(counts, key=lambda row: (PROBLEMS.index(row["problem"]), -row["count"], row["action"]))


async def customers_of_actions(pool: Pool, company_id: int, action_ids: Sequence[int]) -> dict[int, str]:
    """Return the external ids of the customers of these actions; unknown actions are absent."""
    statement = sql.SQL(
        "select a.id, u.external_id from {} where a.company_id = %s and a.id = any(%s::bigint[])"
    ).format(ACTIONS_OF_CUSTOMERS)
    return dict(await tenant_rows(pool, company_id, statement, [company_id, list(action_ids)]))


def _for_each(problems: Sequence[Problem], template: sql.SQL, separator: str) -> sql.Composed:
    return sql.SQL(separator).join(
        template.format(
            names=sql.Identifier(f"{problem}_actions"), problem=sql.Literal(problem), condition=_CONDITIONS[problem]
        )
        for problem in problems
    )


ESSENTIAL_QUERIES = (
    RegisteredQuery(
        "failed and held-back actions", lambda pool, sample: list_problems(pool, sample.company_id, ProblemSearch())
    ),
    RegisteredQuery(
        "failed and held-back actions of one kind",
        lambda pool, sample: list_problems(pool, sample.company_id, ProblemSearch(action="send_welcome_email")),
    ),
    RegisteredQuery(
        "counts of failed and held-back actions", lambda pool, sample: count_problems(pool, sample.company_id)
    ),
)
