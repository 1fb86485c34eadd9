"""How much of a body is read. The framework's own limit answers in plain text; ours raises where the body is read."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1024 * 1024  # bytes


class BodyLimitMiddleware:
    """ASGI middleware: who reads more than BODY_LIMIT bytes gets HTTPException 413; at once where more are announced.

    A key is asked for before, so that nobody without one makes us read anything.
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
