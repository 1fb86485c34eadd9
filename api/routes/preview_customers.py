"""The customers whom a preview of changed rules concerns: as pages, and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from api import cursors
from api.dependencies import CredentialDep, GatewayDep
from api.openapi import json_answer, problems
from api.problems import invalid
from api.rule_previews import PreviewId, recorded_preview
from api.schemas.rule_previews import PreviewCustomers
from api.security.route_classes import scoped_route
from db.journeys import rule_previews
from db.people.api_keys import JOURNEYS_READ
from db.people.customer_search import find_customers

MAX_ROWS = 200
CSV_PAGE = 1000  # customers that are read at a time
_KIND = "preview"  # of cursors
_COLUMNS = ("customer_id", "name", "from", "to", "actions", "messages", "next_deadline", "next_stage")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

router = APIRouter(tags=["stages"], route_class=scoped_route(JOURNEYS_READ))

_CUSTOMER = {
    "customer_id": "c-1001",
    "name": "Ada Example",
    "from": "customer",
    "to": "regular",
    "actions": ["assign_dedicated_manager"],
    "messages": 0,
    "next_deadline": "2026-05-01T09:00:00+00:00",
    "next_stage": None,
    "past_differs": True,
    "past": {"old": ["prospect", "customer"], "new": ["prospect", "customer", "regular"]},
}


async def customer_filters(
    preview_id: PreviewId,
    gateway: GatewayDep,
    credential: CredentialDep,
    q: Annotated[str | None, Query(max_length=200, description="words of the profile")] = None,
    left: Annotated[
        str | None, Query(alias="from", max_length=50, description="only customers who are in this stage now")
    ] = None,
    to: Annotated[
        str | None, Query(max_length=50, description="only customers who are in this stage afterwards")
    ] = None,
    past_differs: Annotated[
        bool, Query(description="list the customers with a different past, instead of those who are moved")
    ] = False,
) -> dict[str, Any]:
    """Return which customers of a preview to list. Raises the problem 404 without such a preview."""
    await recorded_preview(gateway, credential.company_id, preview_id)
    found = await find_customers(gateway.pool, credential.company_id, q) if q and q.strip() else None
    return {"left": left, "entered": to, "different_past": past_differs, "found": found}


Filters = Annotated[dict[str, Any], Depends(customer_filters)]


@router.get(
    "/v1/stages/previews/{preview_id}/customers",
    summary="List the customers whom a preview concerns",
    response_model=None,
    responses={
        200: json_answer(
            PreviewCustomers,
            "A page of customers. While the preview is running, those found so far.",
            {"customers": [_CUSTOMER], "next_cursor": None},
        ),
        **problems("not-found"),
    },
)
async def get_preview_customers(
    preview_id: PreviewId,
    gateway: GatewayDep,
    credential: CredentialDep,
    filters: Filters,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> dict[str, Any]:
    after = _position(cursor, preview_id)
    rows = await rule_previews.customers(
        gateway.pool, credential.company_id, preview_id, **filters, after=after, limit=limit + 1
    )
    page = rows[:limit]
    following = cursors.encode(_KIND, preview_id, page[-1]["row_id"]) if len(rows) > limit else None
    return {"customers": [_shown(row) for row in page], "next_cursor": following}


@router.get(
    "/v1/stages/previews/{preview_id}/customers.csv",
    summary="Download the customers whom a preview concerns",
    response_class=Response,
    responses={
        200: {"description": "The customers as CSV.", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **problems("not-found"),
    },
)
async def get_preview_csv(
    preview_id: PreviewId,
    gateway: GatewayDep,
    credential: CredentialDep,
    filters: Filters,
) -> Response:
    async def lines() -> AsyncIterator[str]:
        after = 0
        yield _csv_line(_COLUMNS)
        while rows := await rule_previews.customers(
            gateway.pool, credential.company_id, preview_id, **filters, after=after, limit=CSV_PAGE
        ):
            yield "".join(_csv_line(_csv_values(_shown(row))) for row in rows)
            after = rows[-1]["row_id"]

    name = f"preview-{preview_id}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


def _position(cursor: str | None, preview_id: int) -> int:
    if cursor is None:
        return 0
    try:
        kind, preview, row = cursors.decode(cursor)
        if (kind, preview) != (_KIND, preview_id):
            raise ValueError("cursor of another list")
        return cursors.row_id(row)
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "the `next_cursor` of a page of this list") from None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "row_id"}


def _csv_values(row: dict[str, Any]) -> list[str]:
    return [_csv_text(row[name], name) for name in _COLUMNS]


def _csv_text(value: object, name: str) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    text = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    # a spreadsheet must not compute what somebody entered as their name
    return f"'{text}" if name == "name" and text.startswith(_FORMULAS) else text


def _csv_line(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
