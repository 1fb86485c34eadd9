"""`GET /v1/portal/relationships`: search all journeys of the company."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Response

from api import cursors
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.field_types import storable
from api.openapi import json_answer, problems
from api.problems import invalid
from api.routes.journeys import JOURNEY_EXAMPLE
from api.schemas.journeys import RelationshipsPage
from api.security.route_classes import scoped_route
from db.journeys import relationships
from db.journeys.relationships import Position, RelationshipSearch, Sort
from db.people.api_keys import JOURNEYS_READ
from db.people.customer_search import find_customers
from journey.text import is_blank, is_storable

MAX_ROWS = 200
MAX_CURSOR_LENGTH = 1500  # characters; a cursor may contain a name

router = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_READ))


@router.get(
    "/v1/portal/relationships",
    summary="Search journeys",
    response_model=None,
    responses={
        200: json_answer(
            RelationshipsPage,
            "A page of journeys. `next_cursor` (null on the last page) is the `cursor` of the next page. `total` only"
            " with `count`.",
            {
                "relationships": [{**JOURNEY_EXAMPLE, "name": "Ada Example", "email": "ada@example.com"}],
                "next_cursor": None,
                "total": 1,
            },
        ),
        **problems(),
    },
)
async def get_relationships(
    gateway: GatewayDep,
    credential: CredentialDep,
    stage: Annotated[list[str] | None, Query(max_length=20, description="repeatable; matches any of these")] = None,
    min_risk: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
    max_risk: Annotated[float | None, Query(ge=0, le=1, allow_inf_nan=False)] = None,
    search: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="words in any order: the beginnings of names, of parts of an e-mail address and of customer"
            " ids, and phone numbers. Case and accents do not count; if nothing matches, one typo in each word is"
            " allowed. Also finds customers without a journey, whose `current_stage` is null.",
        ),
    ] = None,
    sort: Sort = "risk",
    order: Literal["asc", "desc"] = "desc",
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    count: Annotated[bool, Query(description="return the number of journeys on all pages as `total`")] = False,
    cursor: Annotated[str | None, Query(max_length=MAX_CURSOR_LENGTH)] = None,
) -> Response:
    for name, text in [("search", search), *(("stage", key) for key in stage or ())]:
        if text is not None and not is_storable(text):
            raise invalid(name, text, "no NUL characters")
    after = None if cursor is None else _position(cursor, sort, order)
    found = None
    if search is not None and not is_blank(search):
        found = await find_customers(gateway.pool, credential.company_id, search)
    wanted = RelationshipSearch(
        stages=stage or (),
        min_risk=min_risk,
        max_risk=max_risk,
        found=found,
        sort=sort,
        descending=order == "desc",
        limit=limit,
        after=after,
    )
    rows, following = await relationships.list_relationships(gateway.pool, credential.company_id, wanted)
    next_cursor = None if following is None else _cursor(following, sort, order)
    total = b""
    if count:
        total = b',"total":%d' % await relationships.count_relationships(gateway.pool, credential.company_id, wanted)
    return Response(
        b'{"relationships":' + rows + b',"next_cursor":' + orjson.dumps(next_cursor) + total + b"}", media_type=JSON
    )


def _cursor(position: Position, sort: str, order: str) -> str:
    return cursors.encode(sort, order, position.value, position.id)


def _position(cursor: str, sort: Sort, order: str) -> Position:
    """Decode a cursor. Raises the problem 422 if it is invalid or belongs to another sort order."""
    try:
        its_sort, its_order, value, row = cursors.decode(cursor)
        if value is not None:
            value = _checked(sort, value)
        if (its_sort, its_order) != (sort, order):
            raise ValueError("another sort order")
        return Position(value, cursors.row_id(row))
    except (ValueError, TypeError, InvalidOperation):
        raise invalid("cursor", cursor, "the `next_cursor` of a page in the same order") from None


def _checked(sort: Sort, value: object) -> str:
    if sort not in ("risk", "lifetime_value", "name"):
        return cursors.timestamp(value)
    if not isinstance(value, str) or len(value) > (200 if sort == "name" else 50):
        raise ValueError("not a value")
    if sort == "name":
        return storable(value)
    if not Decimal(value).is_finite() or abs(Decimal(value)) > 10**18:
        raise ValueError("not a number")
    return value
