"""`POST /v1/events`: event intake. 202 means that Temporal has stored every accepted event."""

from __future__ import annotations

import math
import re
import time
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from api.dependencies import Gateway, gateway_of
from api.event_formats import CONTENT_TYPES, JSON, Parsed, parse_body
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
from db.people.api_keys import EVENTS_WRITE, RETRACT_EVENTS
from journey.event_validation import InvalidEvent
from journey.events import EventRetracted

MAX_WAIT = 10.0  # seconds

router = APIRouter(tags=["events"], route_class=scoped_route(EVENTS_WRITE, plain=True))

_ACCEPTED_EXAMPLE = {"accepted": 1, "rejected": []}
_OUTCOMES_EXAMPLE = _ACCEPTED_EXAMPLE | {
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
    "description": "seconds to wait for the outcome of each event, at most 10; the response is then 200 instead of 202",
    "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_WAIT},
}


@router.post(
    "/v1/events",
    summary="Send events",
    status_code=202,
    response_model=None,
    responses={
        202: json_answer(
            EventsAccepted, "Every accepted event has been stored and will be applied exactly once.", _ACCEPTED_EXAMPLE
        ),
        200: json_answer(EventOutcomes, "With `wait`: the outcome of each event.", _OUTCOMES_EXAMPLE),
        **problems("too-large", "unsupported-media-type", "not-all-taken", "invalid-events"),
    },
    openapi_extra={"requestBody": EVENTS_BODY, "parameters": [_WAIT]},
)
async def post_events(request: Request) -> Response:
    """Send one event, a batch of up to 1000, or CloudEvents. An event id counts once, however often it is sent."""
    gateway, credential = gateway_of(request), credential_of(request)
    company_id = credential.company_id
    wait, content_type = _wait(request), _content_type(request)
    try:
        parsed = parse_body(await request.body(), content_type, gateway.clock.now(), email_ids=credential.email_ids)
        if RETRACT_EVENTS not in credential.scopes:
            parsed = [(event_id, _without_retraction(event)) for event_id, event in parsed]
        events = sort_events(parsed)
    except InvalidEvent as error:
        raise problem("invalid-events", str(error.problem), errors=[error_fields(error)]) from None
    gateway.metrics.rejected.add(len(events.rejected))
    if not events.accepted:
        raise _none_valid(events)
    before = None
    if wait is not None:
        before = await recorded_outcomes(gateway.pool, company_id, events.accepted)
    await _send(gateway, company_id, events)
    answer: dict[str, Any] = {"accepted": len(events.accepted), "rejected": events.rejected}
    if wait is None:
        return Response(orjson.dumps(answer), 202, media_type=JSON)
    until = time.monotonic() + wait
    answer["outcomes"] = await wait_for_outcomes(gateway.pool, company_id, events.accepted, before, until)
    return Response(orjson.dumps(answer), 200, media_type=JSON)


def _without_retraction(event: Parsed) -> Parsed:
    if isinstance(event, EventRetracted):
        return [InvalidEvent("type", event.type, f"retractions need a key with the scope {RETRACT_EVENTS}")]
    return event


async def _send(gateway: Gateway, company_id: int, events: SortedEvents) -> None:
    count = len(events.accepted)
    client, aliases = gateway.temporal.client, await gateway.aliases.of_company(company_id)
    left = await send_to_journeys(client, company_id, events.accepted, gateway.intake_concurrency, aliases)
    gateway.metrics.accepted.add(count - left)
    if left:
        detail = f"{left} of {count} events were not stored; send the request again, the same ids count only once"
        raise unavailable("Temporal", detail, kind="not-all-taken", stored=count - left, rejected=events.rejected)


def _none_valid(events: SortedEvents) -> Exception:
    errors = events.rejected[0]["errors"]
    detail = f"{errors[0]['field']}: {errors[0]['problem']}"
    more = {"errors": errors} if len(events.rejected) == 1 else {}
    return problem("invalid-events", detail, accepted=0, rejected=events.rejected, **more)


def _content_type(request: Request) -> str:
    value = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if value not in CONTENT_TYPES:
        raise problem("unsupported-media-type", "send " + ", ".join(CONTENT_TYPES))
    return value


def _wait(request: Request) -> float | None:
    value = request.query_params.get("wait")
    if value is None:
        return None
    # `float` also accepts blanks, underscores, and the digits of other scripts
    seconds = float(value) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) else math.nan
    if not 0 < seconds <= MAX_WAIT:
        raise invalid("wait", value, f"seconds, greater than 0 and at most {MAX_WAIT:.0f}")
    return seconds
