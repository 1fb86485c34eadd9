"""Retract events: what it would change, and do it. Upstream systems send `event.retracted` to `POST /v1/events`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.dependencies import CredentialDep, CustomerId, Gateway, GatewayDep
from api.event_intake import AcceptedEvent, send_to_journeys, wait_for_outcomes
from api.field_types import storable
from api.journey_commands import ANSWER_LIMIT, by_key
from api.openapi import json_answer, problems
from api.problems import invalid, not_found, problem, unavailable
from api.schemas.retractions import Retraction, RetractionEffect
from api.security.route_classes import scoped_route
from db.journeys.retractions import journey_past, record_author
from db.people.api_keys import RETRACT_EVENTS
from journey.events import Event, canonical, content_hash
from journey.retraction_preview import NotRetractable, find_event, preview_retraction, retraction_of
from journey.time import Micros, to_micros, utc_text

router = APIRouter(tags=["events"], route_class=scoped_route(RETRACT_EVENTS))

_FIGURES = {
    "stage": "customer",
    "total_appointments": 2,
    "lifetime_value": 1280.0,
    "missed_appointments": 0,
    "last_appointment_at": "2026-03-02T10:15:00Z",
    "next_appointment_at": None,
    "risk_score": 0.0,
    "engagement_score": 0.57,
}
_EFFECT = {
    "customer_id": "c-1001",
    "retracts": "visit-7",
    "type": "appointment.completed",
    "occurred_at": "2026-03-02T10:15:00Z",
    "before": _FIGURES,
    "after": {**_FIGURES, "total_appointments": 1, "lifetime_value": 80.0},
    "held": False,
}
_NUMBERS = ("lifetime_value", "risk_score", "engagement_score")

Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(storable)]


class RetractionRequest(BaseModel):
    """The event to retract, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"retracts": "visit-7", "reason": "entered for the wrong customer"}]},
    )

    retracts: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(description="id of the event")
    reason: Reason | None = None


@router.get(
    "/v1/customers/{customer_id}/retractions/preview",
    summary="Preview the retraction of an event",
    response_model=None,
    responses={
        200: json_answer(RetractionEffect, "The journey before and after. Nothing is changed.", _EFFECT),
        **problems("not-found", "conflict"),
    },
)
async def preview(
    customer_id: CustomerId,
    gateway: GatewayDep,
    credential: CredentialDep,
    retracts: Annotated[str, Query(min_length=1, max_length=128, description="id of the event")],
) -> dict[str, Any]:
    """The event must be of this customer and not a retraction; 409 if it was retracted before."""
    return (await _effect(gateway, credential.company_id, customer_id, retracts, _now()))[1]


@router.post(
    "/v1/customers/{customer_id}/retractions",
    summary="Retract an event",
    response_model=None,
    responses={
        200: json_answer(Retraction, "The event was retracted.", {**_EFFECT, "id": "retraction:visit-7"}),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type"),
    },
)
async def retract(
    customer_id: CustomerId, request: RetractionRequest, gateway: GatewayDep, credential: CredentialDep
) -> dict[str, Any]:
    """The event stays in the ledger and counts as if it had never come; 409 if it was retracted before.

    This cannot be undone: send the event again with a new id.
    """
    now, company_id = _now(), credential.company_id
    event, effect = await _effect(gateway, company_id, customer_id, request.retracts, now)
    fields = canonical(retraction_of(event, customer_id, now, request.reason))
    accepted = AcceptedEvent(fields, content_hash(fields))
    if await send_to_journeys(gateway.temporal.client, company_id, [accepted], 1):
        raise unavailable("Temporal")
    await record_author(gateway.pool, company_id, accepted.id, by_key(credential))
    until = time.monotonic() + ANSWER_LIMIT
    (outcome,) = await wait_for_outcomes(gateway.pool, company_id, [accepted], {}, until)
    if outcome["outcome"] == "pending":
        raise unavailable("worker", "the retraction is stored and will be applied as soon as a worker answers")
    if outcome["outcome"] != "applied":
        raise problem("conflict", outcome.get("reason") or "the event is being retracted by another request")
    return {**effect, "id": accepted.id}


async def _effect(
    gateway: Gateway, company_id: int, customer_id: str, event_id: str, now: Micros
) -> tuple[Event, dict[str, Any]]:
    past = await journey_past(gateway.pool, company_id, customer_id)
    if past is None:
        raise not_found("this customer has no journey")
    try:
        event = find_event(past.history, event_id)
    except NotRetractable as error:
        if error.is_retracted:
            raise problem("conflict", str(error)) from None
        raise invalid("retracts", event_id, str(error)) from None
    if event is None:
        raise not_found("this customer has no applied event with this id")
    rulebook = await gateway.rulebook(company_id)
    found = preview_retraction(past.state, past.history, past.manual, rulebook, event, now)
    return event, {
        "customer_id": customer_id,
        "retracts": event.id,
        "type": event.type,
        "occurred_at": utc_text(event.at),
        "before": _as_numbers(found.before),
        "after": _as_numbers(found.after),
        "held": found.is_held,
    }


def _as_numbers(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if name in _NUMBERS else value for name, value in figures.items()}


def _now() -> Micros:
    return to_micros(datetime.now(UTC))
