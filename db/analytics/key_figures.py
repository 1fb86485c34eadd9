"""SQL of a company's key figures, as of an instant and at the end of the period before."""

from __future__ import annotations

from typing import LiteralString

from db.analytics.rollup_reader import RollupReader
from db.sql_fragments import ADJUSTED, EARNED, HAS_AMOUNT

#: the customers in each stage, from the moves in MOVED; a journey that ended by a merge is in none
STANDING: LiteralString = """
standing as materialized (
    select stage, sum(n)::bigint as n from (
        select to_stage as stage, n from MOVED where to_stage <> ''
        union all select from_stage, -n from MOVED where from_stage <> '') m
     group by stage having sum(n) > 0)
"""
_SUMMARY: LiteralString = """
(select json_build_object(
    'total_customers', total,
    'at_risk_count', at_risk, 'at_risk_percentage', coalesce(round(100.0 * at_risk / nullif(total, 0), 2), 0),
    'vip_count', vip, 'vip_percentage', coalesce(round(100.0 * vip / nullif(total, 0), 2), 0),
    'avg_lifetime_value', coalesce(round(VALUE / nullif(total, 0), 2), 0))
  from (select coalesce(sum(n), 0)::bigint as total,
               coalesce(sum(n) filter (where stage = any(%(at_risk_stages)s)), 0)::bigint as at_risk,
               coalesce(sum(n) filter (where stage = any(%(vip_stages)s)), 0)::bigint as vip from standing) counted)
"""
_VALUE: LiteralString = "(select sum(amount) from (REVENUE union all ADJUSTED) v)"
_VALUE_THEN: LiteralString = (
    """
(select sum(EARNED + ADJUSTED) from journey_events e
  where company_id = %(company)s and outcome = 'applied' and HAS_AMOUNT
    and occurred_at <= %(until)s)
""".replace("HAS_AMOUNT", HAS_AMOUNT)
    .replace("EARNED", EARNED)
    .replace("ADJUSTED", ADJUSTED)
)

# The period before ends with a whole day, so the roll-ups suffice.
_PREVIOUS: LiteralString = """
(with moved_before as materialized (
    select key[1] as from_stage, key[2] as to_stage, sum(n) as n from (MOVES) m group by 1, 2
), STANDING
select json_build_object('as_of', %(since)s::date::timestamp at time zone 'UTC')::jsonb || (SUMMARY)::jsonb)
"""


def key_figures(reader: RollupReader, *, is_past: bool) -> LiteralString:
    """Select the key figures as of `until` as a JSON object; depends on the clause `standing`."""
    return _SUMMARY.replace("VALUE", _VALUE_THEN if is_past else _value(reader, "ever"))


def previous_key_figures(reader: RollupReader) -> LiteralString:
    """Select the key figures at the end of the period before, of the span `before`, with their `as_of`."""
    standing = STANDING.replace("MOVED", "moved_before")
    text = _PREVIOUS.replace("MOVES", reader.rows("move", "before")).replace("STANDING", standing)
    return text.replace("SUMMARY", _SUMMARY.replace("VALUE", _value(reader, "before")))


def _value(reader: RollupReader, span: LiteralString) -> LiteralString:
    value = _VALUE.replace("REVENUE", reader.rows("revenue", span))
    return value.replace("ADJUSTED", reader.rows("adjusted", span))
