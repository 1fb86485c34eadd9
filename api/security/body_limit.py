"""Limits on the request body: its size and encoding. Unlike the framework's own limit, they result in problem details.

Encoded (compressed) bodies are not supported: a small one could expand to any size.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import shown

BODY_LIMIT = 1024 * 1024  # bytes


class BodyLimitMiddleware:
    """ASGI middleware: reading more than BODY_LIMIT bytes raises HTTPException 413, at once if announced.

    Reading a body with a `Content-Encoding` raises HTTPException 415 before anything is received.
    Bodies are read after authentication, so that unauthenticated requests are rejected without reading them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] == "GET":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        announced, encoding = headers.get("content-length", "0"), headers.get("content-encoding", "identity")
        fits = announced.isdecimal() and len(announced) <= 7 and int(announced) <= BODY_LIMIT
        left = BODY_LIMIT if fits else -1

        async def receive_limited() -> Message:
            nonlocal left
            if encoding.strip().lower() not in ("", "identity"):
                detail = f"Content-Encoding {shown(encoding)} is not supported; send the body uncompressed"
                raise HTTPException(415, detail, {"Accept-Encoding": "identity"})
            if left < 0:
                raise HTTPException(413)
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_limited, send)
