"""The session's cookie, and what keeps other sites from using it: SameSite, a token, and whence a request comes.

The token against forged requests is made from the session's secret, which no script can read, so that nothing is kept
for it and a page that another site wrote cannot know it.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from api.problems import problem

NAME = "perdure_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MAX_SECRET_LENGTH = 200  # characters of a secret or a token


class Cookies:
    """One for a gateway, whose address decides whether cookies are for https alone."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self.secure = parts.scheme == "https"
        # The prefix has browsers refuse the cookie from any other host, path or plain http.
        self.name = f"__Host-{NAME}" if self.secure else NAME
        self._host = parts.netloc.lower()

    def secret(self, request: Request) -> str | None:
        """The secret that a request brings, None without one."""
        found = request.cookies.get(self.name)
        return found if found and len(found) <= MAX_SECRET_LENGTH else None

    def give(self, response: Response, secret: str, lifetime: timedelta) -> None:
        response.set_cookie(
            self.name,
            secret,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )

    def take_back(self, response: Response) -> None:
        response.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="strict")

    def check_origin(self, request: Request) -> None:
        """Raises the problem 403 for a request that a page of another site sends."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:  # a page cannot write this header, and browsers have sent it for years
            if site != "same-origin":
                raise problem("csrf", f"this request was sent by another site (Sec-Fetch-Site: {site[:20]})")
            return
        origin = request.headers.get("origin")
        if origin is not None:
            host = urlsplit(origin).netloc.lower() if origin != "null" else ""
            if not host or host not in (self._host, request.headers.get("host", "").lower()):
                raise problem("csrf", "this request was sent by a page of another site (Origin)")

    def check_forgery(self, request: Request, secret: str) -> None:
        """Raises the problem 403 for a request that would change something and was not sent by a page of ours."""
        if request.method in SAFE_METHODS:
            return
        self.check_origin(request)
        given = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(given.encode(), csrf_token(secret).encode()):
            raise problem("csrf", "send the session's `csrf_token` as `X-CSRF-Token`; GET /v1/session has it")


def csrf_token(secret: str) -> str:
    return hmac.digest(secret.encode(errors="surrogatepass"), b"perdure csrf", "sha256").hex()
