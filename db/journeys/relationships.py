"""Pages of a company's relationships: filtered, searched and sorted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psycopg import sql

from db.connections import Pool, tenant_rows
from db.journeys.projection import INACTIVE_SINCE, JOURNEY_COLUMNS, stage_names
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

#: the column and the type of each sort order
SORTS: dict[Sort, tuple[sql.SQL, sql.SQL]] = {
    "risk": (sql.SQL("r.risk_score"), sql.SQL("numeric")),
    "lifetime_value": (sql.SQL("r.lifetime_value"), sql.SQL("numeric")),
    "last_appointment_at": (sql.SQL("r.last_appointment_at"), sql.SQL("timestamptz")),
    "stage_entered_at": (sql.SQL("r.stage_entered_at"), sql.SQL("timestamptz")),
    "next_deadline": (sql.SQL("r.next_deadline"), sql.SQL("timestamptz")),
    "name": (sql.SQL("lower(c.name)"), sql.SQL("text")),
    # The negative time sorts like the days since, and does not change between two pages.
    "days_inactive": (sql.SQL(f"-extract(epoch from {INACTIVE_SINCE})"), sql.SQL("numeric")),
    "created_at": (sql.SQL("r.created_at"), sql.SQL("timestamptz")),
}


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a row in the sort order: the sorted value as text (None for null) and the relationship's id."""

    value: str | None
    id: int


@dataclass(frozen=True, slots=True)
class RelationshipSearch:
    """The filter and the order of a page of relationships; None and () do not filter."""

    stages: Sequence[str] = ()
    min_risk: float | None = None
    max_risk: float | None = None
    text: str | None = None
    sort: Sort = "risk"
    descending: bool = True
    limit: int = 50
    after: Position | None = None


async def list_relationships(pool: Pool, company_id: int, search: RelationshipSearch) -> tuple[bytes, Position | None]:
    """Return a page of relationships as the text of a JSON array, and the position after which the next page starts.

    Null values sort last in both directions.
    """
    column, kind = SORTS[search.sort]
    conditions: list[sql.Composable] = [sql.SQL("r.company_id = %(company_id)s")]
    params: dict[str, Any] = {"company_id": company_id, "limit": search.limit + 1}
    _filter(search, conditions, params)
    if search.after is not None:
        conditions.append(_beyond(column, kind, search.descending, search.after))
        params |= {"value": search.after.value, "id": search.after.id}
    direction = sql.SQL("desc" if search.descending else "asc")
    statement = sql.SQL(
        "with {names}, page as materialized (select r.id, {column} as value from customer_relationships r"
        " join customers c on c.company_id = r.company_id and c.id = r.customer_id where {conditions}"
        " order by {column} {direction} nulls last, r.id {direction} limit %(limit)s)"
        " select (select row_to_json(j) from (select {fields}, c.name, c.email) j)::text, p.value::text, r.id"
        " from page p join customer_relationships r on r.id = p.id"
        " join customers c on c.company_id = r.company_id and c.id = r.customer_id cross join names n"
        " order by p.value {direction} nulls last, p.id {direction}"
    ).format(
        names=stage_names(sql.Placeholder("company_id")),
        column=column,
        conditions=conjunction(conditions),
        direction=direction,
        fields=JOURNEY_COLUMNS,
    )
    rows = await tenant_rows(pool, company_id, statement, params)
    page_rows = rows[: search.limit]
    next_position = Position(*page_rows[-1][1:]) if len(rows) > search.limit else None
    return json_array(row[0] for row in page_rows), next_position


async def count_relationships(pool: Pool, company_id: int, search: RelationshipSearch) -> int:
    """Count the relationships on all pages of a search."""
    conditions: list[sql.Composable] = [sql.SQL("r.company_id = %(company_id)s")]
    params: dict[str, Any] = {"company_id": company_id}
    _filter(search, conditions, params)
    customers = sql.SQL(" join customers c on c.company_id = r.company_id and c.id = r.customer_id")
    statement = sql.SQL("select count(*) from customer_relationships r{} where {}").format(
        customers if search.text is not None else sql.SQL(""), conjunction(conditions)
    )
    total: int = (await tenant_rows(pool, company_id, statement, params))[0][0]
    return total


def _filter(search: RelationshipSearch, conditions: list[sql.Composable], params: dict[str, Any]) -> None:
    if search.stages:
        conditions.append(sql.SQL("r.current_stage = any(%(stages)s)"))
        params["stages"] = list(search.stages)
    if search.min_risk is not None:
        conditions.append(sql.SQL("r.risk_score >= %(min_risk)s::numeric"))
        params["min_risk"] = str(search.min_risk)
    if search.max_risk is not None:
        conditions.append(sql.SQL("r.risk_score <= %(max_risk)s::numeric"))
        params["max_risk"] = str(search.max_risk)
    if search.text is not None:
        conditions.append(sql.SQL("(c.name ilike %(text)s or c.email ilike %(text)s or c.external_id ilike %(text)s)"))
        params["text"] = "%" + search.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def _beyond(column: sql.SQL, kind: sql.SQL, descending: bool, after: Position) -> sql.Composed:
    beyond = sql.SQL("<" if descending else ">")
    if after.value is None:
        condition = sql.SQL("({column} is null and r.id {beyond} %(id)s)")
    else:
        condition = sql.SQL("(({column}, r.id) {beyond} (%(value)s::{kind}, %(id)s::bigint) or {column} is null)")
    return condition.format(column=column, beyond=beyond, kind=kind)
