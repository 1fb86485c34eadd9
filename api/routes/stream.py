"""``GET /v1/portal/stream``: what changes, as it changes (server-sent events)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from rfc9457 import Problem

from api.change_streams import Listener, StreamClosed
from api.dependencies import CredentialDep, Gateway, GatewayDep
from api.openapi import problems, schema_reference
from api.schemas.events import StreamChange, StreamPing
from api.security.route_classes import scoped_route
from db.people.api_keys import JOURNEYS_READ

PING_EVERY = 15.0  # seconds
CHECK_EVERY = 5.0  # seconds after which the credential is looked at again
RETRY = 2000  # milliseconds that a browser waits before it connects again

router = APIRouter(tags=["journeys"], route_class=scoped_route(JOURNEYS_READ))

_EXAMPLE = """retry: 2000
event: ping
data: {"at": "2026-03-02T10:15:00+00:00"}

event: changed
data: {"customers": ["c-1001"], "at": "2026-03-02T10:15:07+00:00"}
"""


async def _listener(gateway: GatewayDep, credential: CredentialDep) -> AsyncIterator[Listener]:
    async with gateway.change_streams.listen(credential.company_id) as listener:
        yield listener


@router.get(
    "/v1/portal/stream",
    summary="What changes, as it changes",
    response_class=EventSourceResponse,
    response_model=None,
    responses={
        200: {
            "description": "Server-sent events: `changed` at most once a second, with the customers whose journeys,"
            " tasks or actions did (null: too many to name), and `ping` every 15 seconds.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
            "x-events": {"ping": schema_reference(StreamPing), "changed": schema_reference(StreamChange)},
        },
        **problems(),
    },
)
async def stream(
    request: Request, gateway: GatewayDep, listener: Annotated[Listener, Depends(_listener)]
) -> AsyncGenerator[ServerSentEvent]:
    """All that is committed after the first `ping` is told, in a second or two, also after an outage of Postgres. Ends
    with its session or key; what happened between two connections is not repeated: load anew after each `open`.
    """
    yield _event("ping", retry=RETRY)
    pinged = monotonic()
    while await _still_valid(request, gateway):
        try:
            change = await listener.changed(min(CHECK_EVERY, max(0.0, pinged + PING_EVERY - monotonic())))
        except StreamClosed:
            return
        if change is None or change:
            yield _event("changed", customers=None if change is None else sorted(change))
        elif monotonic() >= pinged + PING_EVERY:
            yield _event("ping")
            pinged = monotonic()


async def _still_valid(request: Request, gateway: Gateway) -> bool:
    try:
        credential = await gateway.authenticator.identify(request)
    except Problem as ended:
        return ended.status == 503  # while Postgres is away nobody is sent away
    return JOURNEYS_READ in credential.scopes


def _event(name: str, retry: int | None = None, **data: Any) -> ServerSentEvent:
    return ServerSentEvent(event=name, data={**data, "at": datetime.now(UTC).isoformat()}, retry=retry)
