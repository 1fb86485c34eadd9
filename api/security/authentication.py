"""Who asks, and what they may do: keys, sessions, scopes and the rate limit.

A key that was seen is remembered for a moment, so that a hot request asks Postgres nothing, and for an hour in case
Postgres is away: events are taken all the same. A revoked key ends within `FRESH` seconds, as long as Postgres answers.
A session of a browser is one more way to name a key, remembered in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from time import monotonic
from typing import Any

import psycopg
from fastapi import Request
from rfc9457 import Problem

from api.problems import problem, unavailable
from api.security.cookies import Cookies
from api.security.rate_limit import RateLimiter
from db.connections import Pool
from db.people import api_keys, browser_sessions
from db.people.api_keys import Credential
from db.people.browser_sessions import Session

FRESH = 5.0  # seconds for which a key is believed without asking
GRACE = 3600.0  # seconds for which it is believed while Postgres does not answer
ASK_LIMIT = 1.0  # seconds that a key already known waits for Postgres
REMEMBERED = 10_000  # keys
TOUCH_EVERY = 300.0  # seconds
MAX_KEY_LENGTH = 200  # characters


class _Key:
    """A key as a request presents it."""

    def __init__(self, plaintext: str) -> None:
        self.plaintext = plaintext
        self.digest = b"key" + _digest(plaintext)

    async def find(self, pool: Pool) -> Credential | None:
        return await api_keys.find(pool, self.plaintext)

    async def touch(self, pool: Pool, credential: Credential) -> None:
        await api_keys.touch(pool, credential)

    def unknown(self) -> Exception:
        return _unauthorised("this key is not known or was revoked")


class _Browser:
    """A session as a request presents it, by its secret."""

    def __init__(self, secret: str, idle: timedelta) -> None:
        self.secret, self.idle = secret, idle
        self.digest = b"session" + _digest(secret)
        self._found: Session | None = None

    async def find(self, pool: Pool) -> Credential | None:
        self._found = await browser_sessions.find(pool, self.secret, self.idle)
        return self._found.credential if self._found else None

    async def touch(self, pool: Pool, credential: Credential) -> None:
        assert self._found is not None
        await browser_sessions.touch(pool, self._found)
        await api_keys.touch(pool, credential)

    def unknown(self) -> Exception:
        return _unauthorised("this session is over; sign in again")


class _Seen:
    """What was valid: until when it is fresh, and when Postgres last confirmed it (monotonic seconds)."""

    __slots__ = ("confirmed", "credential", "fresh_until", "touched")

    def __init__(self, credential: Credential, now: float) -> None:
        self.credential, self.confirmed, self.fresh_until = credential, now, now + FRESH
        self.touched = float("-inf")


class Authenticator:
    """Checks keys and sessions against Postgres and counts their requests. One for a process."""

    def __init__(self, pool: Pool, rate_limit: str, cookies: Cookies, idle: timedelta) -> None:
        """`rate_limit` in the notation of `limits`, like ``6000/minute``; `idle`: how long a session may be unused.

        Raises ValueError for any other notation.
        """
        self._pool, self._cookies, self._idle = pool, cookies, idle
        self._rate = RateLimiter(rate_limit)
        self._seen: dict[bytes, _Seen] = {}
        self._away = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def authorise(self, request: Request, needed: str) -> Credential:
        """The request's credential, which has the scope `needed`. Raises the problem 401, 403, 429 or 503."""
        credential = await self.identify(request)
        if needed not in credential.scopes:
            raise problem("missing-scope", f"this needs the scope {needed}", scope=needed)
        if wait := self._rate.hit(credential.key_id):
            raise problem("rate-limited", f"this key may send {self._rate}", headers={"Retry-After": str(wait)})
        return credential

    async def identify(self, request: Request) -> Credential:
        """Whose request it is: the key's that it bears, or else its session's. Raises the problem 401, 403 or 503."""
        presented = self._presented(request)
        seen = self._seen.get(presented.digest)
        if seen is not None and monotonic() < seen.fresh_until:
            return seen.credential
        if seen is not None and self._away and monotonic() < seen.confirmed + GRACE:
            # Postgres did not answer the last time: nobody waits for it, it is asked again beside this request.
            seen.fresh_until = monotonic() + FRESH
            self._beside(self._ask_beside(presented, seen))
            return seen.credential
        return await self._ask(presented, seen)

    def forget(self, secret: str) -> None:
        """A session that was ended here ends here at once."""
        self._seen.pop(_Browser(secret, self._idle).digest, None)

    def _presented(self, request: Request) -> _Key | _Browser:
        if "authorization" not in request.headers and (secret := self._cookies.secret(request)):
            self._cookies.check_forgery(request, secret)
            return _Browser(secret, self._idle)
        return _Key(_bearer(request))

    async def _ask(self, presented: _Key | _Browser, seen: _Seen | None) -> Credential:
        now = monotonic()
        try:
            async with asyncio.timeout(ASK_LIMIT if seen else None):
                credential = await presented.find(self._pool)
        except (psycopg.OperationalError, TimeoutError):
            self._away = True
            if seen is None or now > seen.confirmed + GRACE:
                raise unavailable("Postgres", "keys cannot be checked at the moment; try again") from None
            seen.fresh_until = now + FRESH
            return seen.credential
        self._away = False
        if credential is None:
            self._seen.pop(presented.digest, None)
            raise presented.unknown()
        self._remember(presented, credential, now)
        return credential

    async def _ask_beside(self, presented: _Key | _Browser, seen: _Seen) -> None:
        with suppress(Problem):  # the next request with this key is told
            await self._ask(presented, seen)

    def _remember(self, presented: _Key | _Browser, credential: Credential, now: float) -> None:
        before = self._seen.pop(presented.digest, None)
        if len(self._seen) >= REMEMBERED:
            del self._seen[next(iter(self._seen))]
        seen = self._seen[presented.digest] = _Seen(credential, now)
        if before is not None:
            seen.touched = before.touched
        if now > seen.touched + TOUCH_EVERY:
            seen.touched = now
            self._beside(self._touch(presented, credential))

    async def _touch(self, presented: _Key | _Browser, credential: Credential) -> None:
        with suppress(psycopg.OperationalError):  # when a key was last used is told to within minutes anyway
            await presented.touch(self._pool, credential)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _digest(plaintext: str) -> bytes:
    return sha256(plaintext.encode(errors="surrogatepass")).digest()


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization")
    if header is None:
        raise _unauthorised("send `Authorization: Bearer KEY`", error=None)
    scheme, _, plaintext = header.partition(" ")
    plaintext = plaintext.strip()
    if scheme.lower() != "bearer" or not plaintext or len(plaintext) > MAX_KEY_LENGTH:
        raise _unauthorised("send `Authorization: Bearer KEY`", error="invalid_request")
    return plaintext


def _unauthorised(detail: str, error: str | None = "invalid_token") -> Exception:
    challenge = 'Bearer realm="perdure"' + (f', error="{error}"' if error else "")
    return problem("unauthorised", detail, headers={"WWW-Authenticate": challenge})
