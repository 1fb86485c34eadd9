"""HEAD for every route that has GET."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_IS_HEAD = "perdure.head"


class HeadMiddleware:
    """ASGI middleware: answer HEAD like GET, with the same status and headers but without a body."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        # A copy, because the server has to know that the request is a HEAD: no body follows the headers.
        get = {**scope, "method": "GET", "state": scope.setdefault("state", {}), _IS_HEAD: True}

        async def send_without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        try:
            await self.app(get, receive, send_without_body)
        finally:
            if "route" in get:  # for logs and metrics
                scope["route"] = get["route"]


def is_head(scope: Scope) -> bool:
    """Return whether the request was a HEAD before `HeadMiddleware`."""
    return _IS_HEAD in scope
