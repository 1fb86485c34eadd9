"""Explain one journey: as it is, as it was at an instant, and as it might become."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.analytics_parameters import parse_instant
from api.dependencies import CredentialDep, CustomerId, Gateway, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem
from api.schemas.explanation import Explanation, WhatIf
from api.security.route_classes import scoped_route
from db.journeys import projection, whole_journey
from db.journeys.whole_journey import MAX_EVENTS, StoredJourney, TooManyEvents
from db.outreach import action_queries
from db.people.api_keys import JOURNEYS_READ
from journey.event_validation import InvalidEvent, from_fields
from journey.events import Event, EventRetracted
from journey.explain import explain, explain_held_back
from journey.past import explain_past
from journey.stages import DEFAULT_RULEBOOK, Role
from journey.state import unpack
from journey.time import DAY, MINUTE, Micros, to_datetime, to_micros
from journey.what_if import what_if

MAX_ASSUMED = 20  # events
FARTHEST_DAYS = 731  # from now
AHEAD = 5 * MINUTE  # how far in the past an assumed event may be, for clocks that differ

(_AT_RISK,) = DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)  # the examples are of a company with the default stages

router = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_READ))

_EXAMPLE = {
    "current_stage": "customer",
    "scores": {"risk": {"score": "0.00", "factors": []}},
    "rules": [],
    "deadlines": [{"at": "2026-05-31T10:15:00Z", "leads_to": _AT_RISK, "sentence": "…"}],
}


@router.get(
    "/v1/customers/{customer_id}/explain",
    summary="Explain a journey's stage and scores",
    response_model=None,
    responses={
        200: json_answer(
            Explanation,
            "Factors of the scores, the result of every rule with the numbers it compared, upcoming deadlines, and"
            " messages that are held back.",
            _EXAMPLE,
        ),
        **problems("not-found"),
    },
)
async def get_explanation(
    customer_id: CustomerId,
    gateway: GatewayDep,
    credential: CredentialDep,
    as_of: Annotated[
        str | None,
        Query(
            max_length=40,
            description="explain the journey as it was then: RFC 3339 with UTC offset, in the past; default: now",
            examples=["2026-03-12T09:00:00Z"],
        ),
    ] = None,
) -> Response:
    """With `as_of`: by the events that had arrived by then and the rules in force then.

    The stage is the one on record. `today` says what the events known today say about that instant, if it differs.
    """
    instant = parse_instant(as_of)
    now = datetime.now(UTC)
    if instant is not None and instant < now:
        return Response(
            orjson.dumps(await _past(gateway, credential.company_id, customer_id, instant)), media_type=JSON
        )
    stored = await projection.packed_state(gateway.pool, credential.company_id, customer_id)
    if stored is None:
        raise not_found("this customer has no journey")
    packed, transitions = stored
    rulebook = await gateway.rulebook(credential.company_id)
    answer = explain(unpack(packed), rulebook, Micros(time.time_ns() // 1000))
    held_back = await action_queries.held_back_actions(gateway.pool, credential.company_id, customer_id)
    answer |= {"customer_id": customer_id, "transitions": transitions, "held_back": explain_held_back(held_back)}
    return Response(orjson.dumps(answer), media_type=JSON)


async def _past(gateway: Gateway, company_id: int, customer_id: str, instant: datetime) -> dict[str, Any]:
    stored = await _load(gateway, company_id, customer_id)
    answer = await asyncio.to_thread(explain_past, stored.record, to_micros(instant))
    if answer is None:
        begun = min(move.at for move in stored.record.moves) if stored.record.moves else None
        since = f"; it began on {to_datetime(begun):%Y-%m-%dT%H:%M:%SZ}" if begun is not None else ""
        raise not_found(f"this customer had no journey at {instant.isoformat()}{since}")
    number = answer.pop("transition_number")
    moves = await whole_journey.latest_moves(gateway.pool, company_id, stored.relationship_id, number)
    return answer | {"customer_id": customer_id, "transitions": moves, "held_back": []}


async def _load(gateway: Gateway, company_id: int, customer_id: str) -> StoredJourney:
    try:
        stored = await whole_journey.load(gateway.pool, gateway.rulebooks, company_id, customer_id)
    except TooManyEvents:
        raise problem("too-large", f"the journey has more than {MAX_EVENTS} events") from None
    if stored is None:
        raise not_found("this customer has no journey")
    return stored


class Assumption(BaseModel):
    """What is assumed to happen to a customer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {"type": "appointment.completed", "occurred_at": "2026-03-13T09:00:00Z", "amount": "200.00"}
                    ],
                    "until": "2026-09-13T09:00:00Z",
                }
            ]
        },
    )

    events: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=MAX_ASSUMED,
        description="events as `POST /v1/events` takes them, without `id` and `customer_id`, from now on; none: what"
        " happens if nothing comes",
    )
    until: datetime | None = Field(
        default=None,
        description=f"an instant after the last event, within {FARTHEST_DAYS} days; default: a day after the last"
        " event, or a year from now if there is none",
    )


@router.post(
    "/v1/customers/{customer_id}/what-if",
    summary="Say what would happen to a journey",
    response_model=None,
    responses={
        200: json_answer(WhatIf, "The journey with these events and without. Nothing is written.", None),
        **problems("not-found", "too-large", "unsupported-media-type"),
    },
)
async def post_what_if(
    customer_id: CustomerId, request: Assumption, gateway: GatewayDep, credential: CredentialDep
) -> Response:
    """Computed by the core, by the rules of now. Nothing is written, and no action is run."""
    now = Micros(time.time_ns() // 1000)
    latest = Micros(now + FARTHEST_DAYS * DAY)
    events = [_assumed(fields, n, customer_id, now, latest) for n, fields in enumerate(request.events)]
    until = _until(request.until, events, now, latest)
    stored = await _load(gateway, credential.company_id, customer_id)
    history = [each.event for each in sorted(stored.record.events, key=lambda each: (each.version, each.event.at))]
    answer = await asyncio.to_thread(
        what_if, stored.state, history, stored.record.manual, events, stored.rulebook, now, until
    )
    return Response(orjson.dumps(answer | {"customer_id": customer_id}), media_type=JSON)


def _assumed(fields: dict[str, Any], n: int, customer_id: str, now: Micros, latest: Micros) -> Event:
    place = f"events[{n}]"
    for name in ("id", "customer_id"):
        if name in fields:
            raise invalid(f"{place}.{name}", str(fields[name]), "nothing: it is made up")
    whole = {"occurred_at": to_datetime(now).isoformat(), **fields, "id": f"what-if:{n}", "customer_id": customer_id}
    try:
        event = from_fields(whole, now=latest)
    except InvalidEvent as error:
        raise invalid(f"{place}.{error.field}", error.value, error.problem) from None
    if type(event) is EventRetracted:
        raise invalid(f"{place}.type", event.type, "an event that may happen; the preview of retractions shows this")
    if not now - AHEAD <= event.at <= latest:
        raise invalid(
            f"{place}.occurred_at", str(fields.get("occurred_at")), f"within {FARTHEST_DAYS} days from now on"
        )
    return event


def _until(given: datetime | None, events: list[Event], now: Micros, latest: Micros) -> Micros:
    last = max((event.at for event in events), default=now)
    if given is None:
        return Micros(min(last + (DAY if events else 365 * DAY), latest))
    allowed = f"a time with UTC offset after the last event, within {FARTHEST_DAYS} days from now"
    if given.tzinfo is None or not last <= to_micros(given) <= latest:
        raise invalid("until", given.isoformat(), allowed)
    return to_micros(given)
