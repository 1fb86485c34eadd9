"""Messages to one customer: as they would be sent now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request

from activities.customer_previews import preview_for_customer
from activities.side_effects import REQUESTED_ACTIONS
from api.dependencies import CredentialDep, CustomerId, GatewayDep
from api.openapi import json_answer, problems
from api.problems import not_found
from api.schemas.customer_messages import CustomerMessagePreview
from api.security.route_classes import scoped_route
from api.template_rendering import bounded_rendering
from db.outreach.action_context import draft_action_context
from db.people.api_keys import JOURNEYS_WRITE
from journey.time import to_micros

_write = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_WRITE))

_PREVIEW = {
    "channel": "email",
    "to": "ada@example.com",
    "subject": "15 % off your next appointment at Salon Sophie",
    "text": "Hello Ada Example, …",
    "withheld": None,
}


@_write.get(
    "/v1/customers/{customer_id}/messages/preview",
    summary="Preview a message to a customer",
    response_model=None,
    responses={
        200: json_answer(CustomerMessagePreview, "The message as the customer would get it now.", _PREVIEW),
        **problems("not-found"),
    },
)
async def preview_message(
    customer_id: CustomerId,
    request: Request,
    gateway: GatewayDep,
    credential: CredentialDep,
    type: Literal["email", "offer"] = "email",  # noqa: A002 - the name of the query parameter
) -> dict[str, Any]:
    """What `POST /v1/customers/{customer_id}/actions` with the same `type` would send. Nothing is sent."""
    now = to_micros(datetime.now(UTC))
    action = REQUESTED_ACTIONS[type]
    context = await draft_action_context(gateway.pool, credential.company_id, customer_id, action, now)
    if context is None:
        raise not_found("this customer has no journey")
    public_url = request.app.state.public_url
    preview = await bounded_rendering(preview_for_customer(gateway.pool, gateway.templates, context, public_url))
    withheld = preview.withheld
    return {
        "channel": preview.channel,
        "to": preview.address,
        "subject": preview.rendered.subject,
        "text": preview.rendered.text,
        "withheld": withheld and {"status": withheld.status, "reason": withheld.reason, "until": withheld.due_at},
    }


router = APIRouter(routes=_write.routes)
