"""Route classes: required scopes, and a short path for hot routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import psycopg
from fastapi import Request, Response
from fastapi.routing import APIRoute
from rfc9457 import Problem
from starlette.responses import StreamingResponse
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from api.head_requests import is_head
from api.problems import problem
from db.people.api_keys import Credential

STREAM_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}  # the framework's own for a stream


def scoped_route(scope: str, *, plain: bool = False) -> type[APIRoute]:
    """Return a route class that authenticates and requires `scope` before anything else is read.

    With `plain` the endpoint takes only the request and skips the framework's parsing of parameters and body (for hot
    routes).
    """

    class Guarded(APIRoute):
        needed_scope = scope

        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
            documented = options.get("openapi_extra") or {}
            options["openapi_extra"] = {"security": [{"key": []}, {"session": []}], "x-scope": scope, **documented}
            super().__init__(path, endpoint, **options)
            if plain:
                self.app = _direct_app(self.get_route_handler())

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner: Callable[[Request], Awaitable[Response]] = self.endpoint if plain else super().get_route_handler()
            takes_body = self.body_field is not None

            async def handle(request: Request) -> Response:
                state = request.app.state
                request.state.credential = await state.gateway.authenticator.authorise(request, scope)
                if takes_body and not is_json(request.headers.get("content-type", "application/json")):
                    raise problem("unsupported-media-type", "send application/json")
                if self.is_sse_stream and is_head(request.scope):  # only the headers: nothing may be opened
                    return StreamingResponse(iter(()), headers=STREAM_HEADERS, media_type="text/event-stream")
                response = await inner(request)
                if "cookie" in request.headers:  # nothing may stay in the browser's cache after the sign-out
                    response.headers.setdefault("cache-control", "no-store")
                return response

            return handle

    return Guarded


class HotRouteMiddleware:
    """ASGI middleware that dispatches hot routes before all others, without the framework's inner layers.

    Those layers cost as much as the query itself (measured), and a GET without a body needs none of them.
    """

    def __init__(
        self, app: ASGIApp, routes: Sequence[BaseRoute], answer_error: Callable[[Request, Exception], Response]
    ) -> None:
        self.app, self.routes, self.answer_error = app, routes, answer_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            for route in self.routes:
                match, child_scope = route.matches(scope)
                if match is Match.FULL:
                    scope.update(child_scope)
                    try:
                        await route.handle(scope, receive, send)
                    except (Problem, psycopg.OperationalError) as error:
                        await self.answer_error(Request(scope, receive), error)(scope, receive, send)
                    return
        await self.app(scope, receive, send)


def _direct_app(handle: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """Wrap a handler as an ASGI app without the framework's exit stacks, which it does not need."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def credential_of(request: Request) -> Credential:
    """Return the credential of a request to a scoped route."""
    credential: Credential = request.state.credential
    return credential


def is_json(content_type: str) -> bool:
    """Return whether a `Content-Type` header says JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"
