"""A journey's long history, and what people wrote down about it."""

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

_MOVE = {
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
    """The notes, whole; null or nothing empties them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"notes": "Prefers Friday afternoons.", "previous": None}, {"notes": None}]},
    )

    notes: Text | None
    previous: Text | None = Field(
        default=None, description="the notes that were there when one began to write: 409 where they are others by now"
    )


@_read.get(
    "/v1/portal/customers/{customer_id}/timeline",
    summary="A journey's whole history",
    response_model=None,
    responses={
        200: json_answer(
            TimelinePage,
            "A page of transitions, events and actions in one order, newest first, each with the fields that it has in"
            " `…/journey`. `next_cursor` (null on the last page) is the `cursor` of the next one.",
            {"timeline": [_MOVE], "next_cursor": None},
        ),
        **problems("not-found"),
    },
)
async def get_timeline(
    customer_id: CustomerId,
    gateway: GatewayDep,
    credential: CredentialDep,
    kind: Annotated[list[TimelineKind] | None, Query(max_length=3, description="repeatable: only these")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    kinds: dict[TimelineKind, None] = dict.fromkeys(kind or ("transition", "event", "action"))
    place = None if cursor is None else _place(cursor)
    found = await timeline.list_entries(gateway.pool, credential.company_id, customer_id, kinds, limit, place)
    if found is None:
        raise not_found("this company has no journey of such a customer")
    rows, following = found
    next_cursor = following and cursors.encode("timeline", following.at, following.rank, following.id)
    return Response(b'{"timeline":' + rows + b',"next_cursor":' + orjson.dumps(next_cursor) + b"}", media_type=JSON)


@_write.put(
    "/v1/customers/{customer_id}/notes",
    summary="Replace the notes about a customer",
    response_model=None,
    responses={
        200: json_answer(
            CustomerNotes, "The notes as stored.", {"customer_id": "c-1001", "notes": "Prefers Friday afternoons."}
        ),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type"),
    },
)
async def put_notes(
    customer_id: CustomerId, given: Notes, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """Who changed them and when is on record, what they were is not."""
    company_id = credential.company_id
    previous = (given.previous,) if "previous" in given.model_fields_set else None
    try:
        found = await notes.put(
            gateway.pool, company_id, customer_id, given.notes, by_key(credential), previous=previous
        )
    except notes.NotesConflict as changed:
        raise problem("conflict", "somebody else changed the notes meanwhile", notes=changed.notes) from None
    if not found:
        raise not_found("this company has no journey of such a customer")
    return {"customer_id": customer_id, "notes": given.notes or None}


def _place(cursor: str) -> TimelinePosition:
    try:
        kind, at, rank, row = cursors.decode(cursor)
        if kind != "timeline" or type(rank) is not int or not 0 <= rank <= 2:
            raise ValueError("of something else")
        return TimelinePosition(cursors.timestamp(at), rank, cursors.row_id(row))
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "next_cursor of a page of this timeline") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
