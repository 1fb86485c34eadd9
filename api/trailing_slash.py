"""Redirects between paths with and without a trailing slash."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.routing import Match, Router
from starlette.types import ASGIApp, Receive, Scope, Send


class TrailingSlashRedirect:
    """ASGI app for paths that no route matches: redirect if one matches without (or with) the slash at the end.

    Unlike the framework's own redirects, these are relative: an absolute one would be built from the `Host` header,
    which the client chooses.
    """

    def __init__(self, router: Router, otherwise: ASGIApp) -> None:
        router.redirect_slashes = False
        self.router, self.otherwise = router, otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "/")
        other = path.rstrip("/") if path.endswith("/") else path + "/"
        if scope["type"] == "http" and self._matches({**scope, "path": other}):
            query = scope["query_string"].decode("latin-1")
            location = quote(other, safe="/:@") + (f"?{query}" if query else "")
            await RedirectResponse(location)(scope, receive, send)
        else:
            await self.otherwise(scope, receive, send)

    def _matches(self, scope: Scope) -> bool:
        # A path with two slashes at the beginning would lead to another host.
        return not scope["path"].startswith("//") and any(
            route.matches(scope)[0] is not Match.NONE for route in self.router.routes
        )
