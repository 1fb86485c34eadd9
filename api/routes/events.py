"""``POST /v1/events``: what happened, for journeys to take. 202 says that Temporal has stored every accepted event."""

from __future__ import annotations

import math
import time
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from api.dependencies import Gateway, gateway_of
from api.event_formats import CONTENT_TYPES, JSON, parse_body
from api.event_intake import (
    SortedEvents,
    error_fields,
    recorded_outcomes,
    send_to_journeys,
    sort_events,
    wait_for_outcomes,
)
from api.openapi import EVENTS_BODY, json_answer, problems
from api.problems import invalid, problem, unavailable
from api.schemas.events import EventOutcomes, EventsAccepted
from api.security.route_classes import credential_of, scoped_route
from db.people.api_keys import EVENTS_WRITE
from journey.events import InvalidEvent
from journey.time import Micros

MAX_WAIT = 10.0  # seconds

router = APIRouter(tags=["events"], route_class=scoped_route(EVENTS_WRITE, plain=True))

_TAKEN = {"accepted": 1, "rejected": []}
_OUTCOMES = _TAKEN | {
    "outcomes": [
        {
            "id": "e-3",
            "outcome": "applied",
            "transitions": [
                {
                    "from_stage": "lead",
                    "to_stage": "customer",
                    "transitioned_at": "2026-03-02T10:15:00+00:00",
                    "trigger_type": "automatic",
                    "trigger_event": "appointment_completed",
                }
            ],
        }
    ]
}
_WAIT = {
    "name": "wait",
    "in": "query",
    "required": False,
    "description": "seconds to wait for each event's outcome, at most 10; then the answer is 200 instead of 202",
    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_WAIT},
}


@router.post(
    "/v1/events",
    summary="Send events",
    status_code=202,
    response_model=None,
    responses={
        202: json_answer(EventsAccepted, "Every accepted event is stored and will count exactly once.", _TAKEN),
        200: json_answer(EventOutcomes, "With `wait`: what became of each event.", _OUTCOMES),
        **problems("too-large", "unsupported-media-type", "not-all-taken", "invalid-events"),
    },
    openapi_extra={"requestBody": EVENTS_BODY, "parameters": [_WAIT]},
)
async def post_events(request: Request) -> Response:
    """One event, a batch of up to 1000, or CloudEvents. The same id counts once, however often it comes."""
    gateway, company_id = gateway_of(request), credential_of(request).company_id
    wait, content_type = _wait(request), _content_type(request)
    try:
        found = sort_events(parse_body(await request.body(), content_type, Micros(time.time_ns() // 1000)))
    except InvalidEvent as error:
        raise problem("invalid-events", str(error.problem), errors=[error_fields(error)]) from None
    gateway.metrics.rejected.add(len(found.rejected))
    if not found.accepted:
        raise _none_valid(found)
    before = None
    if wait is not None:
        before = await recorded_outcomes(gateway.pool, company_id, found.accepted)
    await _send(gateway, company_id, found)
    answer: dict[str, Any] = {"accepted": len(found.accepted), "rejected": found.rejected}
    if wait is None:
        return Response(orjson.dumps(answer), 202, media_type=JSON)
    until = time.monotonic() + wait
    answer["outcomes"] = await wait_for_outcomes(gateway.pool, company_id, found.accepted, before, until)
    return Response(orjson.dumps(answer), 200, media_type=JSON)


async def _send(gateway: Gateway, company_id: int, found: SortedEvents) -> None:
    count = len(found.accepted)
    left = await send_to_journeys(gateway.temporal.client, company_id, found.accepted, gateway.intake_concurrency)
    gateway.metrics.accepted.add(count - left)
    if left:
        detail = f"{left} of {count} events were not stored; repeat the request: the same ids count once"
        raise unavailable("Temporal", detail, kind="not-all-taken", stored=count - left, rejected=found.rejected)


def _none_valid(found: SortedEvents) -> Exception:
    errors = found.rejected[0]["errors"]
    detail = f"{errors[0]['field']}: {errors[0]['problem']}"
    more = {"errors": errors} if len(found.rejected) == 1 else {}
    return problem("invalid-events", detail, accepted=0, rejected=found.rejected, **more)


def _content_type(request: Request) -> str:
    given = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if given not in CONTENT_TYPES:
        raise problem("unsupported-media-type", "send " + ", ".join(CONTENT_TYPES))
    return given


def _wait(request: Request) -> float | None:
    given = request.query_params.get("wait")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_WAIT:
        raise invalid("wait", given, f"seconds, more than 0 and at most {MAX_WAIT:.0f}")
    return seconds
