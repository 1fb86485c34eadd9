"""Customers who may be one person: pairs with the reason, and dismissing a pair."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from api import cursors
from api.dependencies import CredentialDep, GatewayDep
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.merges import DismissedPair, DuplicatesPage
from api.security.route_classes import scoped_route
from db.people import duplicates
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE
from db.people.duplicates import PairPosition
from journey.duplicates import MAX_HOLDERS, STRENGTHS
from journey.identifiers import ANCHORED_CUSTOMER_ID

MAX_ROWS = 200

_read = APIRouter(tags=["customers"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["customers"], route_class=scoped_route(JOURNEYS_WRITE))

_CUSTOMER = {
    "customer_id": "c-1001",
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "030 1234567",
    "created_at": "2026-01-02T10:15:00+00:00",
    "current_stage": "customer",
    "total_appointments": 3,
    "last_appointment_at": "2026-03-02T10:15:00+00:00",
}
_OTHER = {**_CUSTOMER, "customer_id": "c-1002", "name": "A. Example", "email": "ada@work.example"}
CustomerIdText = Annotated[str, Field(pattern=ANCHORED_CUSTOMER_ID)]


class Pair(BaseModel):
    """Two customers who are not the same person."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"customers": ["c-1001", "c-1002"]}]})

    customers: Annotated[list[CustomerIdText], Field(min_length=2, max_length=2)]


@_read.get(
    "/v1/portal/duplicates",
    summary="List customers who may be one person",
    response_model=None,
    responses={
        200: json_answer(
            DuplicatesPage,
            "A page of pairs, the surest first. New and changed profiles are compared within a minute. A phone"
            f" number, address or name that more than {MAX_HOLDERS} customers have is no reason. `next_cursor` (null on"
            " the last page) is the `cursor` of the next page.",
            {
                "duplicates": [{"strength": "likely", "reasons": ["phone"], "customers": [_CUSTOMER, _OTHER]}],
                "next_cursor": None,
            },
        ),
        **problems(),
    },
)
async def get_duplicates(
    gateway: GatewayDep,
    credential: CredentialDep,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> dict[str, Any]:
    after = None if cursor is None else _place(cursor)
    pairs, following = await duplicates.list_duplicates(gateway.pool, credential.company_id, limit, after)
    for pair in pairs:
        pair["strength"] = STRENGTHS[pair["strength"]]
    next_cursor = following and cursors.encode("duplicates", following.strength, following.first, following.second)
    return {"duplicates": pairs, "next_cursor": next_cursor}


@_write.post(
    "/v1/portal/duplicates/dismiss",
    summary="Dismiss a pair of customers",
    response_model=None,
    responses={
        200: json_answer(DismissedPair, "The pair is not listed again.", {"customers": ["c-1001", "c-1002"]}),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def dismiss_pair(pair: Pair, gateway: GatewayDep, credential: CredentialDep) -> dict[str, Any]:
    """The two are different people. The pair stays away unless another reason is found."""
    actor = by_key(credential)
    if not await duplicates.dismiss(gateway.pool, credential.company_id, pair.customers, actor):
        raise not_found("these two customers are not listed as a pair")
    return {"customers": pair.customers}


def _place(cursor: str) -> PairPosition:
    try:
        kind, strength, first, second = cursors.decode(cursor)
        if kind != "duplicates" or strength not in STRENGTHS:
            raise ValueError("cursor of another list")
        return PairPosition(strength, cursors.row_id(first), cursors.row_id(second))
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "the `next_cursor` of a page of this list") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
