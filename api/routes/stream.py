"""`GET /v1/portal/stream`: live updates as server-sent events."""

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

PING_INTERVAL = 15.0  # seconds
CHECK_INTERVAL = 5.0  # seconds between two checks of the credential
RETRY = 2000  # milliseconds before a browser reconnects

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
    summary="Stream changes",
    response_class=EventSourceResponse,
    response_model=None,
    responses={
        200: {
            "description": "Server-sent events: `changed` at most once a second, with the customers whose journeys,"
            " tasks or actions changed (null: too many to list), and `ping` every 15 seconds.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
            "x-events": {"ping": schema_reference(StreamPing), "changed": schema_reference(StreamChange)},
        },
        **problems(),
    },
)
async def stream(
    request: Request, gateway: GatewayDep, listener: Annotated[Listener, Depends(_listener)]
) -> AsyncGenerator[ServerSentEvent]:
    """Every change committed after the first `ping` is sent within a second or two, also after an outage of Postgres.
    The stream ends when its session or key does. Changes between two connections are not sent again: reload the data
    after each reconnect.
    """
    yield _event("ping", retry=RETRY)
    pinged = monotonic()
    while await _still_valid(request, gateway):
        try:
            change = await listener.changed(min(CHECK_INTERVAL, max(0.0, pinged + PING_INTERVAL - monotonic())))
        except StreamClosed:
            return
        if change is None or change:
            yield _event("changed", customers=None if change is None else sorted(change))
        elif monotonic() >= pinged + PING_INTERVAL:
            yield _event("ping")
            pinged = monotonic()


async def _still_valid(request: Request, gateway: Gateway) -> bool:
    try:
        credential = await gateway.authenticator.identify(request)
    except Problem as ended:
        return ended.status == 503  # keep the stream open while Postgres is unavailable
    return JOURNEYS_READ in credential.scopes


def _event(name: str, retry: int | None = None, **data: Any) -> ServerSentEvent:
    return ServerSentEvent(event=name, data={**data, "at": datetime.now(UTC).isoformat()}, retry=retry)
