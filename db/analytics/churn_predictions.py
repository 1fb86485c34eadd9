"""Churn predictions: which customers are likely to churn, when, and which retention actions to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from db.analytics.journey_analytics import AnalyticsQuery
from db.analytics.rollup_reader import RollupReader, read_rollups
from db.connections import Pool
from db.essential_queries import RegisteredQuery
from db.journeys.projection import INACTIVE_SINCE, NEXT_APPOINTMENT, days_since, stage_names
from db.outreach.contacts import LAST_CONTACT
from db.people.phone_numbers import E164_OF_C
from db.sql_fragments import conjunction
from journey.stages import DEFAULT_RULEBOOK, Role, Rulebook

MAX_COUNTED = 1_000  # customers outside the stages with the role at risk
CANDIDATES = 200  # of each other stage, before the final order; as many as the limit if that is higher


@dataclass(frozen=True, slots=True)
class ChurnSearch:
    """Which customers to list: those in stages with the role `at_risk`, and on request others.

    Others are in stages without the roles `at_risk` and `lost`. They are listed if `min_risk` or
    `max_return_probability` is given, and if they match both.

    Attributes:
        min_risk: List others from this risk score on.
        max_return_probability: List others up to this return probability, as of the last fit.
        include_lost: Also list customers in stages with the role `lost`.
        stages: List only customers in these stages; () does not filter.
    """

    min_risk: float | None = None
    max_return_probability: float | None = None
    include_lost: bool = False
    stages: Sequence[str] = ()
    limit: int = 50

    def params(self, rulebook: Rulebook) -> dict[str, Any]:
        at_risk, lost = rulebook.keys_with(Role.AT_RISK), rulebook.keys_with(Role.LOST)
        others = [key for key in rulebook.by_key if key not in at_risk + lost]
        with_others = self.min_risk is not None or self.max_return_probability is not None
        return {
            "listed_stages": self._filter(at_risk + lost if self.include_lost else at_risk),
            "other_stages": self._filter(others if with_others else []),
            "lost_stages": lost,
            "min_risk": str(self.min_risk),
            "max_return_probability": str(self.max_return_probability),
        }

    def _filter(self, keys: Sequence[str]) -> list[str]:
        return [key for key in keys if not self.stages or key in self.stages]

    @property
    def others(self) -> sql.Composed:
        """The condition on others."""
        conditions = []
        if self.min_risk is not None:
            conditions.append(sql.SQL("risk_score >= %(min_risk)s::numeric"))
        if self.max_return_probability is not None:
            conditions.append(sql.SQL("return_probability <= %(max_return_probability)s::numeric"))
        return conjunction(conditions or [sql.SQL("false")])

    def first_others(self, limit: int) -> sql.Composed:
        """Return a subquery with the first others of the stage `s.stage`, in the order of an index.

        A single condition is applied to the first rows of the index only, which are those that may match: Postgres uses
        no index for comparisons of numbers under row-level security, and would read the rest of the stage in vain.
        """
        by_risk = self.min_risk is not None
        has_both = by_risk and self.max_return_probability is not None
        return sql.SQL(
            "select * from (select id, return_probability, risk_score, {value} as expected_value"
            " from customer_relationships where company_id = %(company)s and current_stage = s.stage"
            " and {known} is not null and {inner} order by {order} limit {limit}) first_others where {others}"
        ).format(
            value=_EXPECTED_VALUE,
            known=sql.SQL("risk_score" if by_risk else "return_probability"),
            inner=self.others if has_both else sql.SQL("true"),
            order=sql.SQL("risk_score desc, id" if by_risk else "return_probability, id"),
            limit=sql.Literal(limit),
            others=self.others,
        )


# An index has this order, by the probabilities of the last fit. The order by current ones is up to the caller.
_EXPECTED_VALUE = sql.SQL("coalesce(return_probability, 1) * lifetime_value")

# The total of the listed stages is `standing` of `journey_analytics`, so that it is the number that analytics shows.
_PREDICTIONS = sql.SQL(
    """
{clauses}, {names}, listed as materialized (
    select id, expected_value from (
        select a.* from unnest(%(listed_stages)s::text[]) as s(stage) cross join lateral (
            select id, {expected_value} as expected_value from customer_relationships
             where company_id = %(company)s and current_stage = s.stage
             order by {expected_value} desc, id limit {limit}) a
        union all
        select a.id, a.expected_value
          from unnest(%(other_stages)s::text[]) as s(stage) cross join lateral ({candidates}) a
    ) candidates order by expected_value desc, id limit {limit}
), counted as (
    select (select coalesce(sum(n), 0)::bigint from standing where stage = any(%(listed_stages)s)) as listed,
           (select count(*) from (
                select from unnest(%(other_stages)s::text[]) as s(stage) cross join lateral ({counted}) a
                 limit {most} + 1) t) as others
), churned_after as materialized (
    select key[1] as stage, sum(amount) / sum(n) * interval '1 second' as mean_stay
      from ({stays}) s where key[2] = any(%(lost_stages)s) group by 1 having sum(n) > 0
), rows as (
    select r.id, expected_value, c.external_id, c.name, c.email, c.phone,
           {e164} as phone_e164, r.current_stage,
           coalesce(n.names ->> r.current_stage, r.current_stage) as stage_name, r.stage_entered_at, r.risk_score,
           r.lifetime_value, r.last_appointment_at, {next_appointment} as next_appointment_at,
           now() - {inactive_since} as inactive,
           {days_inactive} as days_inactive, {last_contact} as contacted_at,
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
select json_build_object('total', listed + least(others, {most}), 'more', others > {most},
    'predictions', coalesce(json_agg(json_build_object(
    'customer_id', external_id, 'name', name, 'email', email, 'phone', phone,
    'phone_e164', phone_e164, 'current_stage', current_stage,
    'stage_name', stage_name, 'stage_entered_at', stage_entered_at, 'risk_score', risk_score,
    'days_inactive', days_inactive, 'lifetime_value', lifetime_value,
    'last_appointment_at', last_appointment_at, 'next_appointment_at', next_appointment_at,
    'contacted_at', contacted_at,
    'predicted_churn_date', case when churns_at is not null then greatest(churns_at, now())::date end,
    'predicted_by', predicted_by,
    'retention_actions', (
        select json_agg(json_build_object('type', type, 'priority', priority, 'description', description))
          from (values ('personal_call', 'high', 'Schedule a personal check-in call', risk_score > 0.8),
                       ('special_offer', 'medium', 'Send a special return offer', inactive > interval '1440 hours'),
                       ('email_campaign', 'low', 'Include in re-engagement email campaign', true)
               ) as a(type, priority, description, advised) where advised))
    order by expected_value desc, risk_score desc, id) filter (where id is not null), '[]'))::text
  from counted left join rows on true group by listed, others
"""
)


def _statement(query: AnalyticsQuery, reader: RollupReader, search: ChurnSearch) -> sql.Composed:
    return _PREDICTIONS.format(
        # not parameters: the generic plan for an unknown limit reads all customers
        limit=sql.Literal(search.limit),
        candidates=search.first_others(max(search.limit, CANDIDATES)),
        counted=search.first_others(MAX_COUNTED + 1),
        expected_value=_EXPECTED_VALUE,
        clauses=sql.SQL(query.clauses(reader)),
        names=stage_names(sql.Placeholder("company")),
        stays=sql.SQL(reader.rows("stay", "ever")),
        e164=E164_OF_C,
        inactive_since=sql.SQL(INACTIVE_SINCE),
        next_appointment=sql.SQL(NEXT_APPOINTMENT),
        days_inactive=sql.SQL(days_since(INACTIVE_SINCE)),
        last_contact=LAST_CONTACT,
        most=sql.Literal(MAX_COUNTED),
    )


async def churn_predictions(pool: Pool, company_id: int, rulebook: Rulebook, search: ChurnSearch) -> bytes:
    """Return the customers that a search lists, the highest return probability × lifetime value first.

    The probabilities are those of the last fit; an unknown one counts as 1.

    ``predicted_churn_date`` is when the stage was entered plus the mean stay of those who moved from it to a stage with
    the role lost (``predicted_by`` is ``history``), without such the deadline that leads to one (``deadline``); it is
    never in the past. It is null for customers who are lost already, and if neither is known.

    Returns:
        The JSON text of ``{"total", "more", "predictions"}``. ``total`` counts every customer in the listed stages and
        up to `MAX_COUNTED` others; ``more`` says whether there are more others.
    """
    query = AnalyticsQuery(rulebook.all_stages)
    params = {**query.params(company_id), **search.params(rulebook)}
    text: str = await read_rollups(pool, company_id, lambda reader: _statement(query, reader, search), params)
    return text.encode()


def _essential(name: str, search: ChurnSearch) -> RegisteredQuery:
    return RegisteredQuery(
        name,
        lambda pool, sample: churn_predictions(pool, sample.company_id, DEFAULT_RULEBOOK, search),
        reads_whole_company=True,
    )


ESSENTIAL_QUERIES = (
    _essential("churn predictions", ChurnSearch()),
    _essential("churn predictions above a risk", ChurnSearch(min_risk=float(DEFAULT_RULEBOOK.scoring.high_risk))),
    _essential("churn predictions up to a return probability", ChurnSearch(max_return_probability=0.5)),
    _essential("churn predictions with lost customers", ChurnSearch(include_lost=True)),
)
