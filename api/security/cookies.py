"""Session cookies and CSRF protection: SameSite, the origin of a request, and a token.

The CSRF token is derived from the session's secret, which scripts cannot read. So it needs no storage, and other sites
cannot know it.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Request, Response

from api.problems import problem

NAME = "perdure_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
MAX_SECRET_LENGTH = 200  # characters


class Cookies:
    """Session cookies of one gateway; they are `Secure` if its public URL uses HTTPS."""

    def __init__(self, public_url: str) -> None:
        parts = urlsplit(public_url)
        self.secure = parts.scheme == "https"
        # With this prefix browsers reject the cookie if it is set by another host, for another path or over plain HTTP.
        self.name = f"__Host-{NAME}" if self.secure else NAME
        self._host = parts.netloc.lower()

    def secret(self, request: Request) -> str | None:
        """Return the session secret in a request's cookie, None if there is none."""
        secret = request.cookies.get(self.name)
        return secret if secret and len(secret) <= MAX_SECRET_LENGTH else None

    def set(self, response: Response, secret: str, lifetime: timedelta) -> None:
        """Set the cookie."""
        response.set_cookie(
            self.name,
            secret,
            max_age=int(lifetime.total_seconds()),
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )

    def delete(self, response: Response) -> None:
        """Delete the cookie."""
        response.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="strict")

    def check_origin(self, request: Request) -> None:
        """Raise the problem 403 if a page of another site sent the request."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:  # pages cannot set this header, and all current browsers send it
            if site != "same-origin":
                raise problem("csrf", f"this request was sent by another site (Sec-Fetch-Site: {site[:20]})")
            return
        origin = request.headers.get("origin")
        if origin is not None:
            host = urlsplit(origin).netloc.lower() if origin != "null" else ""
            if not host or host not in (self._host, request.headers.get("host", "").lower()):
                raise problem("csrf", "this request was sent by another site (Origin)")

    def check_csrf(self, request: Request, secret: str) -> None:
        """Raise the problem 403 for a request that changes something without a valid CSRF token."""
        if request.method in SAFE_METHODS:
            return
        self.check_origin(request)
        token = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(token.encode(), csrf_token(secret).encode()):
            raise problem("csrf", "send the session's `csrf_token` (see GET /v1/session) as `X-CSRF-Token`")


def csrf_token(secret: str) -> str:
    """Derive the CSRF token from a session's secret."""
    return hmac.digest(secret.encode(errors="surrogatepass"), b"perdure csrf", "sha256").hex()
