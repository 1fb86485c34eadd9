"""Messages to one customer: as they were sent, and as they would be sent now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from activities.channels.registry import CHANNELS
from activities.customer_previews import preview_for_customer
from activities.side_effects import REQUESTED_ACTIONS
from api import cursors
from api.dependencies import CredentialDep, CustomerId, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid, not_found
from api.schemas.customer_messages import CustomerMessagePreview, SentMessagesPage
from api.security.route_classes import scoped_route
from api.template_rendering import bounded_rendering
from db.outreach import sent_messages
from db.outreach.action_context import draft_action_context
from db.outreach.sent_messages import MessagePosition
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE
from journey.time import to_micros

MAX_ROWS = 200

_read = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_WRITE))

_PREVIEW = {
    "channel": "email",
    "to": "ada@example.com",
    "subject": "15 % off your next appointment at Salon Sophie",
    "text": "Hello Ada Example, …",
    "withheld": None,
}
_SENT = {
    "id": 311,
    "action": "centre_offer.7",
    "sent_at": "2026-03-02T10:15:01+00:00",
    "channel": "email",
    "marketing": True,
    "performed_by": 2,
    "kept": True,
    "audience": "customers",
    "to": "ada@example.com",
    "subject": "15 % off your next appointment at Salon Sophie",
    "text": "Hello Ada Example, …",
    "html": "<p>Hello Ada Example, …</p>",
    "template": "centre_offer",
    "message_id": "5f0c6b1d2a9e47c3",
    "allowed_by": "profile_consent",
    "offer": {"code": "BACK-7K2F9Q", "valid_until": "2026-04-01"},
}


@_read.get(
    "/v1/customers/{customer_id}/messages",
    summary="List the messages that were sent to a customer",
    response_model=None,
    responses={
        200: json_answer(
            SentMessagesPage,
            "A page of messages as they were sent, newest first. A page of long messages has fewer than `limit`."
            " `next_cursor` (null on the last page) is the `cursor` of the next page.",
            {"messages": [_SENT], "next_cursor": None},
        ),
        **problems("not-found"),
    },
)
async def get_messages(
    customer_id: CustomerId,
    gateway: GatewayDep,
    credential: CredentialDep,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 20,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    """Includes messages to staff about the customer.

    The signed tokens of unsubscribe and feedback links are not shown: who has them can act as the customer.
    """
    after = None if cursor is None else _position(cursor)
    page = await sent_messages.list_messages(gateway.pool, credential.company_id, customer_id, CHANNELS, limit, after)
    if page is None:
        raise not_found("there is no such customer")
    rows, following = page
    next_cursor = following and cursors.encode("messages", following.sent_at, following.action_id)
    return Response(b'{"messages":' + rows + b',"next_cursor":' + orjson.dumps(next_cursor) + b"}", media_type=JSON)


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


def _position(cursor: str) -> MessagePosition:
    try:
        kind, at, row = cursors.decode(cursor)
        if kind != "messages":
            raise ValueError("cursor of another list")
        return MessagePosition(cursors.timestamp(at), cursors.row_id(row))
    except (ValueError, TypeError):
        raise invalid("cursor", cursor, "the `next_cursor` of a page of this list") from None


router = APIRouter(routes=[*_read.routes, *_write.routes])
