"""A journey's history page by page, and the notes about a customer."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api import cursors
from api.dependencies import CredentialDep, CustomerId, GatewayDep
from api.event_formats import JSON
from api.field_types import storable
from api.journey_commands import by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem
from api.schemas.journeys import CustomerNotes, TimelinePage
from api.security.route_classes import scoped_route
from db.journeys import notes, timeline
from db.journeys.timeline import TimelineKind, TimelinePosition
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE

MAX_ROWS = 200
MAX_NOTES_LENGTH = 10_000  # characters

_read = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_WRITE))

_TRANSITION_EXAMPLE = {
    "kind": "transition",
    "at": "2026-03-02T10:15:00+00:00",
    "id": 41,
    "from_stage": "lead",
    "from_stage_name": "Lead",
    "to_stage": "customer",
    "to_stage_name": "Customer",
    "transitioned_at": "2026-03-02T10:15:00+00:00",
    "trigger_type": "automatic",
    "trigger_event": "appointment_completed",
    "notes": None,
    "performed_by": None,
    "reason": {"conditions": []},
    "event_id": "e-3",
}

Text = Annotated[str, StringConstraints(max_length=MAX_NOTES_LENGTH), AfterValidator(storable)]


class Notes(BaseModel):
    """The complete notes; null or an empty text clears them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"notes": "Prefers Friday afternoons.", "previous": None}, {"notes": None}]},
    )

    notes: Text | None
    previous: Text | None = Field(default=None, description="the notes before editing; 409 if they have changed since")


@_read.get(
    "/v1/portal/customers/{customer_id}/timeline",
    summary="Get a journey's timeline",
    response_model=None,
    responses={
        200: json_answer(
            TimelinePage,
            "A page of transitions, events, actions and contacts, newest first. `next_cursor` (null on the last page)"
            " is the `cursor` of the next page.",
            {"timeline": [_TRANSITION_EXAMPLE], "next_cursor": None},
        ),
        **problems("not-found"),
    },
)
async def get_timeline(
    customer_id: CustomerId,
    gateway: GatewayDep,
    credential: CredentialDep,
    kind: Annotated[
        list[TimelineKind] | None, Query(max_length=len(timeline.KINDS), description="repeatable; matches any of these")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    kinds: dict[TimelineKind, None] = dict.fromkeys(kind or timeline.KINDS)
    place = None if cursor is None else _place(cursor)
    result = await timeline.list_entries(gateway.pool, credential.company_id, customer_id, kinds, limit, place)
    if result is None:
        raise not_found("this customer has no journey")
    rows, following = result
    next_cursor = following and cursors.encode("timeline", following.at, following.rank, following.id)
    return Response(b'{"timeline":' + rows + b',"next_cursor":' + orjson.dumps(next_cursor) + b"}", media_type=JSON)


@_write.put(
    "/v1/customers/{customer_id}/notes",
    summary="Replace a customer's notes",
    response_model=None,
    responses={
        200: json_answer(
            CustomerNotes, "The stored notes.", {"customer_id": "c-1001", "notes": "Prefers Friday afternoons."}
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type"),
    },
)
async def put_notes(
    customer_id: CustomerId, body: Notes, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """The audit log records who changed the notes and when, but not their text."""
    company_id = credential.company_id
    previous = (body.previous,) if "previous" in body.model_fields_set else None
    try:
        result = await notes.put(
            gateway.pool, company_id, customer_id, body.notes, by_key(credential), previous=previous
        )
    except notes.NotesConflict as changed:
        raise problem("conflict", "someone else has changed the notes", notes=changed.notes) from None
    if not result:
        raise not_found("this customer has no journey")
    return {"customer_id": customer_id, "notes": body.notes or None}


def _place(cursor: str) -> TimelinePosition:
    try:
        kind, at, rank, row = cursors.decode(cursor)
        if kind != "timeline" or type(rank) is not int or not 0 <= rank < len(timeline.KINDS):
            raise ValueError("cursor of another list")
        return TimelinePosition(cursors.timestamp(at), rank, cursors.row_id(row))
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "the `next_cursor` of a page of this timeline") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
