"""Read one journey with its history."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from api.dependencies import gateway_of
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.journeys import JourneyTimeline
from api.security.route_classes import credential_of, scoped_route
from contracts.names import journey_id
from db.journeys import projection
from db.journeys.projection import MAX_EVENT_BYTES, MAX_LISTED
from db.people.api_keys import JOURNEYS_READ
from journey.identifiers import ANCHORED_CUSTOMER_ID, CUSTOMER_ID_CHARACTERS, is_customer_id

DEFAULT_EVENTS = 200
MAX_EVENTS = 1000

hot = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_READ, plain=True))

_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "customer_id",
        "in": "path",
        "required": True,
        "description": "the company's own id of the customer",
        "schema": {"type": "string", "pattern": ANCHORED_CUSTOMER_ID, "examples": ["c-1001"]},
    },
    {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "number of events, newest first",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_EVENTS, "default": DEFAULT_EVENTS},
    },
]
JOURNEY_EXAMPLE = {
    "customer_id": "c-1001",
    "current_stage": "customer",
    "stage_name": "Customer",
    "stage_entered_at": "2026-03-02T10:15:00+00:00",
    "previous_stage": "lead",
    "days_in_current_stage": 3,
    "created_at": "2026-02-20T08:00:00+00:00",
    "lifetime_value": 129.50,
    "total_appointments": 1,
    "last_appointment_at": "2026-03-02T10:15:00+00:00",
    "risk_score": 0.00,
    "engagement_score": 0.48,
    "days_inactive": 3,
    "next_deadline": "2026-04-01T10:15:00+00:00",
    "next_stage": None,
    "held": False,
    "hold_until": None,
    "next_appointment_at": "2026-03-12T08:00:00+00:00",
    "usual_interval": 34.0,
    "expected_at": "2026-03-14T09:30:00+00:00",
}


_DETAILS_EXAMPLE = {
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "030 1234567",
    "phone_e164": "+49301234567",
    "notes": "Prefers Friday afternoons.",
    "do_not_contact_since": None,
    "temporal_url": "http://127.0.0.1:8233/namespaces/default/workflows/journey%2F1%2Fc-1001",
}


@hot.get(
    "/v1/portal/customers/{customer_id}/journey",
    summary="Get a journey with its history",
    response_model=None,
    responses={
        200: json_answer(
            JourneyTimeline,
            f"The journey with its transitions, the newest events of the ledger, and its actions; newest first. At most"
            f" {MAX_LISTED} transitions and actions, and {MAX_EVENT_BYTES // 1000} kB of events; the timeline has all."
            " `journey` is null for a customer who has a profile and no events yet.",
            {"journey": {**JOURNEY_EXAMPLE, **_DETAILS_EXAMPLE}, "transitions": [], "events": [], "actions": []},
        ),
        **problems("not-found"),
    },
    openapi_extra={"parameters": _PARAMETERS},
)
async def get_journey(request: Request) -> Response:
    customer_id: str = request.path_params["customer_id"]
    if not is_customer_id(customer_id):
        raise invalid("customer_id", customer_id, CUSTOMER_ID_CHARACTERS)
    gateway, company_id = gateway_of(request), credential_of(request).company_id
    limit = _limit(request.query_params.get("limit")) if request.scope["query_string"] else DEFAULT_EVENTS
    url = None
    if gateway.temporal_ui_url:
        workflow = quote(journey_id(company_id, customer_id), safe="")
        url = f"{gateway.temporal_ui_url.rstrip('/')}/namespaces/{gateway.namespace}/workflows/{workflow}"
    body = await projection.journey_json(gateway.pool, company_id, customer_id, events=limit, url=url)
    if body is None:
        raise not_found("there is no such customer")
    return Response(body, media_type=JSON)


def _limit(value: str | None) -> int:
    if value is None:
        return DEFAULT_EVENTS
    if not re.fullmatch(r"[0-9]{1,4}", value, re.ASCII) or not 1 <= int(value) <= MAX_EVENTS:
        raise invalid("limit", value, f"1 to {MAX_EVENTS}")
    return int(value)
