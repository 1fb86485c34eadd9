"""Pages of a company's relationships: filtered, searched and sorted."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.journeys.projection import INACTIVE_SINCE, JOURNEY_COLUMNS, stage_names
from db.people.customer_search import Found
from db.sql_fragments import conjunction, json_array

Sort = Literal[
    "risk",
    "lifetime_value",
    "last_appointment_at",
    "stage_entered_at",
    "next_deadline",
    "name",
    "days_inactive",
    "created_at",
]

#: the column and the type of each sort order; each has an index with the customer's row id as its last column
SORTS: dict[Sort, tuple[sql.SQL, sql.SQL]] = {
    "risk": (sql.SQL("r.risk_score"), sql.SQL("numeric")),
    "lifetime_value": (sql.SQL("r.lifetime_value"), sql.SQL("numeric")),
    "last_appointment_at": (sql.SQL("r.last_appointment_at"), sql.SQL("timestamptz")),
    "stage_entered_at": (sql.SQL("r.stage_entered_at"), sql.SQL("timestamptz")),
    "next_deadline": (sql.SQL("r.next_deadline"), sql.SQL("timestamptz")),
    "name": (sql.SQL("lower(c.name)"), sql.SQL("text")),
    "days_inactive": (sql.SQL(INACTIVE_SINCE), sql.SQL("timestamptz")),  # in the opposite direction
    "created_at": (sql.SQL("r.created_at"), sql.SQL("timestamptz")),
}

#: the orders whose indexes have all that a page's rows are chosen by, so that reading many in order is cheap
COVERED: frozenset[Sort] = frozenset(
    {"risk", "lifetime_value", "last_appointment_at", "stage_entered_at", "created_at"}
)
MAX_SORTED = 1_000  # found customers; above it, reading a covering index until the page is full is cheaper

_JOURNEYS = sql.SQL("customer_relationships r")
_CUSTOMERS_WITH_JOURNEYS = sql.SQL(
    "customers c join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id"
)
_CUSTOMERS = sql.SQL(
    "customers c left join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id"
)
_FOUND = sql.SQL(
    "unnest(%(found)s::bigint[]) as c (id)"
    " left join customer_relationships r on r.company_id = %(company_id)s and r.customer_id = c.id"
)
_OF_JOURNEY, _OF_CUSTOMER = sql.SQL("r.customer_id"), sql.SQL("c.id")


class _Part(enum.Enum):
    """The rows of a page that one statement reads."""

    VALUES = enum.auto()  # those with a value to sort by, in the order of an index
    NULLS = enum.auto()  # those without one
    ALL = enum.auto()  # all, sorted: for a few customers


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a row in the sort order: the sorted value as text (None for null) and the customer's row id."""

    value: str | None
    id: int


@dataclass(frozen=True, slots=True)
class RelationshipSearch:
    """The filter and the order of a page of relationships; None and () do not filter.

    Attributes:
        found: The customers that a text has found (`find_customers`), also those without a relationship.
    """

    stages: Sequence[str] = ()
    min_risk: float | None = None
    max_risk: float | None = None
    found: Found | None = None
    sort: Sort = "risk"
    descending: bool = True
    limit: int = 50
    after: Position | None = None

    @property
    def has_filters(self) -> bool:
        """Whether customers without a journey are excluded."""
        return bool(self.stages) or self.min_risk is not None or self.max_risk is not None

    @property
    def sorted_customers(self) -> list[int] | None:
        """The customers to sort, all of them; None if rows are to be read in order until the page is full."""
        customers = None if self.found is None else self.found.customers
        if customers is None or len(customers) <= MAX_SORTED or self.has_filters or self.sort not in COVERED:
            return customers
        return None


async def list_relationships(pool: Pool, company_id: int, search: RelationshipSearch) -> tuple[bytes, Position | None]:
    """Return a page of relationships as the text of a JSON array, and the position after which the next page starts.

    Null values sort last in both directions.
    """
    rows: list[Any] = []
    if (customers := search.sorted_customers) is not None:
        rows = await _part_of_page(pool, company_id, search, _Part.ALL) if customers else []
    else:
        # Two statements, because an index has null values last in one direction only.
        if search.after is None or search.after.value is not None:
            rows = await _part_of_page(pool, company_id, search, _Part.VALUES)
            search = replace(search, after=None)
        if len(rows) <= search.limit:
            rest = replace(search, limit=search.limit - len(rows))
            rows += await _part_of_page(pool, company_id, rest, _Part.NULLS)
    page_rows = rows[: search.limit]
    next_position = Position(*page_rows[-1][1:]) if len(rows) > search.limit else None
    return json_array(row[0] for row in page_rows), next_position


async def count_relationships(pool: Pool, company_id: int, search: RelationshipSearch) -> int:
    """Count the rows on all pages of a search."""
    source, row_id = (_JOURNEYS, _OF_JOURNEY) if search.found is None else (_CUSTOMERS, _OF_CUSTOMER)
    conditions, params = _filters(company_id, search, row_id)
    statement = sql.SQL("select count(*) from {} where {}").format(source, conjunction(conditions))
    total: int = (await tenant_rows(pool, company_id, statement, params))[0][0]
    return total


async def _part_of_page(pool: Pool, company_id: int, search: RelationshipSearch, part: _Part) -> list[Any]:
    """Return rows in order: one more than the limit, if there are as many."""
    column, _ = SORTS[search.sort]
    source, row_id = _source(search, part)
    is_descending = search.descending != (search.sort == "days_inactive")
    direction = sql.SQL("desc" if is_descending else "asc")
    conditions, params = _filters(company_id, search, row_id, part)
    if part is not _Part.ALL:
        conditions.append(sql.SQL("{} is null" if part is _Part.NULLS else "{} is not null").format(column))
    if search.after is not None:
        conditions.append(_beyond(search.sort, row_id, sql.SQL("<" if is_descending else ">"), search.after, part))
        params |= {"value": search.after.value, "id": search.after.id}
    statement = sql.SQL(
        "with {names}, page as materialized (select {row_id} as id, {column} as value from {source} where {conditions}"
        " order by {column} {order}, {row_id} {direction} limit {limit})"
        " select (select row_to_json(j) from (select {fields}, c.name, c.email) j)::text, p.value::text, p.id"
        " from page p join customers c on c.company_id = %(company_id)s and c.id = p.id"
        " left join customer_relationships r on r.company_id = c.company_id and r.customer_id = c.id"
        " cross join names n order by p.value {direction} nulls last, p.id {direction}"
    ).format(
        names=stage_names(sql.Placeholder("company_id")),
        row_id=row_id,
        column=column,
        source=source,
        conditions=conjunction(conditions),
        order=sql.SQL("{} nulls last").format(direction) if part is _Part.ALL else direction,
        direction=direction,
        limit=sql.Literal(search.limit + 1),  # not a parameter: the generic plan would read and sort all rows
        fields=JOURNEY_COLUMNS,
    )
    return await tenant_rows(pool, company_id, statement, params)


def _beyond(sort: Sort, row_id: sql.SQL, beyond: sql.SQL, after: Position, part: _Part) -> sql.Composed:
    column, kind = SORTS[sort]
    if after.value is None:
        condition = "({column} is null and {row_id} {beyond} %(id)s)"
    else:
        condition = "({column}, {row_id}) {beyond} (%(value)s::{kind}, %(id)s::bigint)"
        condition = f"({condition} or {{column}} is null)" if part is _Part.ALL else condition
    return sql.SQL(condition).format(column=column, row_id=row_id, beyond=beyond, kind=kind)


def _source(search: RelationshipSearch, part: _Part) -> tuple[sql.SQL, sql.SQL]:
    """Return the tables that have the rows in order, and the column with the customer's row id."""
    if part is _Part.ALL and search.sort != "name" and not search.has_filters:
        return _FOUND, _OF_CUSTOMER
    if search.found is None or search.has_filters:
        return (_CUSTOMERS_WITH_JOURNEYS, _OF_CUSTOMER) if search.sort == "name" else (_JOURNEYS, _OF_JOURNEY)
    has_journey = part is _Part.VALUES and search.sort != "name"
    return (_JOURNEYS, _OF_JOURNEY) if has_journey else (_CUSTOMERS, _OF_CUSTOMER)


def _filters(
    company_id: int, search: RelationshipSearch, row_id: sql.SQL, part: _Part | None = None
) -> tuple[list[sql.Composable], dict[str, Any]]:
    """Return the conditions of the search and their parameters. Without a part: of all its rows, to count them."""
    params: dict[str, Any] = {"company_id": company_id}
    if part is not None and _source(search, part)[0] is _FOUND:
        return [sql.SQL("true")], params | {"found": search.sorted_customers}
    table = sql.SQL("c" if row_id is _OF_CUSTOMER else "r")
    conditions: list[sql.Composable] = [sql.SQL("{}.company_id = %(company_id)s").format(table)]
    if search.stages:
        conditions.append(sql.SQL("r.current_stage = any(%(stages)s)"))
        params["stages"] = list(search.stages)
    if search.min_risk is not None:
        conditions.append(sql.SQL("r.risk_score >= %(min_risk)s::numeric"))
        params["min_risk"] = str(search.min_risk)
    if search.max_risk is not None:
        conditions.append(sql.SQL("r.risk_score <= %(max_risk)s::numeric"))
        params["max_risk"] = str(search.max_risk)
    if search.found is not None:
        is_in_order = part is not None and search.sorted_customers is None
        conditions.append((search.found.filter if is_in_order else search.found.condition)(row_id))
    return conditions, params
