"""The classes of routes: which scope one asks for, and what hot ones leave out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import psycopg
from fastapi import Request, Response
from fastapi.routing import APIRoute
from rfc9457 import Problem
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import problem
from db.people.api_keys import Credential


def scoped_route(scope: str, *, plain: bool = False) -> type[APIRoute]:
    """The class of routes that ask for a key with `scope`, or its session, before they look at anything else.

    `plain`: the endpoint takes the request alone, past the framework's reading of parameters and body (hot paths).
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
                response = await inner(request)
                if "cookie" in request.headers:  # what a browser was shown must not be in its cache after the sign-out
                    response.headers.setdefault("cache-control", "no-store")
                return response

            return handle

    return Guarded


class HotRouteMiddleware:
    """ASGI middleware: hot routes, which are looked for before all others and past the framework's own layers.

    They cost as much as the query (measured), and have nothing to do for a GET without a body.
    """

    def __init__(
        self, app: ASGIApp, routes: Sequence[BaseRoute], answer_error: Callable[[Request, Exception], Response]
    ) -> None:
        self.app, self.routes, self.answer_error = app, routes, answer_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            for route in self.routes:
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    try:
                        await route.handle(scope, receive, send)
                    except (Problem, psycopg.OperationalError) as error:
                        await self.answer_error(Request(scope, receive), error)(scope, receive, send)
                    return
        await self.app(scope, receive, send)


def _direct_app(handle: Callable[[Request], Awaitable[Response]]) -> ASGIApp:
    """A handler without the framework's stacks of things to be closed after it, of which it has none."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = await handle(Request(scope, receive, send))
        await response(scope, receive, send)

    return app


def credential_of(request: Request) -> Credential:
    """The credential of a request that a `scoped_route` route let through."""
    credential: Credential = request.state.credential
    return credential


def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"
