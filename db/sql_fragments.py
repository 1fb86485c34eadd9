"""Parts that several list queries share: conditions, the join of a customer, and pages as JSON text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import LiteralString

from psycopg import sql

from journey.events import AMOUNT_TYPES as _AMOUNT_TYPES

_NAME = re.compile(r"[a-z_.]+")


def name_list(names: Collection[str]) -> LiteralString:
    """Write names that the code defines as a list for `in`. Raises ValueError for anything but a plain name."""
    quoted = [f"'{name}'" for name in names if _NAME.fullmatch(name)]
    if len(quoted) != len(names) or not quoted:
        raise ValueError(f"not plain names: {names}")
    return f"({', '.join(quoted)})"


#: the event types whose amounts count towards the lifetime value
AMOUNT_TYPES = name_list(_AMOUNT_TYPES)


def conjunction(conditions: Iterable[sql.Composable]) -> sql.Composed:
    """Join conditions with `and`."""
    return sql.SQL(" and ").join(conditions)


def customer_join(alias: sql.SQL) -> sql.Composed:
    """Join `r` (customer_relationships) and `u` (customers) to a table with `company_id` and `relationship_id`."""
    return sql.SQL(
        " join customer_relationships r on r.company_id = {0}.company_id and r.id = {0}.relationship_id"
        " join customers u on u.company_id = r.company_id and u.id = r.customer_id"
    ).format(alias)


def json_array(texts: Iterable[str]) -> bytes:
    """Concatenate JSON texts to the text of a JSON array."""
    return b"[" + b",".join(text.encode() for text in texts) + b"]"


# What an event of `e` (journey_events) contributes to figures: as its type says, or as recorded of a correction.
_CONTRIBUTED: LiteralString = """
case when e.contributions is not null
     then (select coalesce(sum((part ->> 'NAME')::numeric), 0)
             from jsonb_array_elements(e.contributions) as parts(part))
     when TYPES then USUAL else 0 end
"""


def _contributed(name: LiteralString, types: LiteralString, usual: LiteralString) -> LiteralString:
    return _CONTRIBUTED.replace("NAME", name).replace("TYPES", types).replace("USUAL", usual)


_AMOUNT: LiteralString = "coalesce((e.payload ->> 'amount')::numeric, 0)"
_IS_VISIT: LiteralString = "e.type = 'appointment.completed'"
_IS_ADJUSTMENT: LiteralString = f"e.type in {AMOUNT_TYPES} and e.type <> 'appointment.completed'"
#: The number of visits that it adds (negative: takes back), their amounts, and amounts of payment adjustments.
VISITS: LiteralString = _contributed("visits", _IS_VISIT, "1")
EARNED: LiteralString = _contributed("earned", _IS_VISIT, _AMOUNT)
ADJUSTED: LiteralString = _contributed("adjusted", _IS_ADJUSTMENT, _AMOUNT)
#: Whether it may contribute an amount.
HAS_AMOUNT: LiteralString = f"(e.type in {AMOUNT_TYPES} or e.contributions is not null)"
#: The version of the commit that applied it, also if the journey of that commit ended in another one.
APPLIED_BY: LiteralString = "(case when e.version < 0 then e.version + 1000000000 else e.version end)"
