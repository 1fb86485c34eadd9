"""Limit of the request body's size. Unlike the framework's own limit, it results in problem details."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1024 * 1024  # bytes


class BodyLimitMiddleware:
    """ASGI middleware: reading more than BODY_LIMIT bytes raises HTTPException 413, at once if announced.

    Bodies are read after authentication, so that unauthenticated requests are rejected without reading them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await self.app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        fits = announced.isdecimal() and len(announced) <= 7 and int(announced) <= BODY_LIMIT
        left = BODY_LIMIT if fits else -1

        async def receive_limited() -> Message:
            nonlocal left
            if left < 0:
                raise HTTPException(413)
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_limited, send)
