"""Authentication (API keys, sessions), scopes and rate limiting.

Valid credentials are cached for `CACHE_SECONDS`, so that most requests do not query Postgres, and for up to
`OUTAGE_SECONDS` while Postgres is unavailable, so that events are still accepted; API keys also on disk, for a process
that starts during the outage. A revoked key stops working within `CACHE_SECONDS` as long as Postgres is available. A
browser session stands for an API key and is cached in the same way, in memory.

Unknown API keys and sessions are remembered for `UNKNOWN_SECONDS`, and limited per IP address: what was valid before is
never affected, and a client that repeats one wrong key does not use up its neighbours' attempts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Any

import psycopg
from fastapi import Request
from rfc9457 import Problem

from api.problems import problem, unavailable
from api.security.cookies import Cookies
from api.security.ip_rate_limit import IpRateLimits, client_network
from api.security.key_cache import MAX_AGE, KeyCache
from api.security.presented import ApiKey, BrowserSession, unauthorised
from api.security.rate_limit import RateLimiter
from db.connections import Pool
from db.people import browser_sessions
from db.people.api_keys import Credential
from db.people.browser_sessions import Session

CACHE_SECONDS = 5.0  # a credential is accepted for this long without a query
OUTAGE_SECONDS = MAX_AGE  # ... and an API key for this long while Postgres is unavailable
SESSION_OUTAGE_SECONDS = 3600.0  # ... and a browser session
SAVE_INTERVAL = 600.0  # seconds between two updates of a key on disk
QUERY_LIMIT = 1.0  # seconds that a request with a cached credential waits for Postgres
CACHE_SIZE = 10_000  # credentials
UNKNOWN_SECONDS = 60.0  # an unknown API key or session is rejected for this long without a query
TOUCH_INTERVAL = 300.0  # seconds between two updates of `last_used_at`
MAX_KEY_LENGTH = 200  # characters


class _CachedCredential:
    """A valid credential, when it was last confirmed, and until when it is fresh (monotonic seconds)."""

    __slots__ = ("confirmed", "credential", "fresh_until", "saved", "touched")

    def __init__(self, credential: Credential, confirmed: float) -> None:
        self.credential, self.confirmed, self.fresh_until = credential, confirmed, confirmed + CACHE_SECONDS
        self.touched = self.saved = float("-inf")


class Authenticator:
    """Authenticate requests and enforce the rate limit per API key. One per process."""

    def __init__(
        self,
        pool: Pool,
        rate_limit: str,
        cookies: Cookies,
        idle: timedelta,
        limits: IpRateLimits,
        disk: KeyCache | None = None,
    ) -> None:
        """Create an authenticator.

        Args:
            rate_limit: Requests per key in the notation of `limits`, such as ``6000/minute``.
            idle: A session ends after this time without a request.
            limits: How many wrong API keys and sessions one IP address may send.
            disk: Keeps API keys for a restart while Postgres is unavailable.

        Raises:
            ValueError: The rate limit cannot be parsed.
        """
        self._pool, self._cookies, self._idle = pool, cookies, idle
        self._rate = RateLimiter(rate_limit)
        self._cache: dict[bytes, _CachedCredential] = {}
        self._unknown: dict[bytes, float] = {}  # digest → until when (monotonic seconds), oldest first
        self._limits, self._disk = limits, disk
        self._database_down = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def authorise(self, request: Request, needed: str) -> Credential:
        """Return the request's credential if it has the scope `needed`. Raises the problem 401, 403, 429 or 503."""
        credential = await self.identify(request)
        if needed not in credential.scopes:
            raise problem("missing-scope", f"this request needs the scope {needed}", scope=needed)
        if wait := self._rate.hit(credential.key_id):
            raise problem(
                "rate-limited", f"this API key is limited to {self._rate}", headers={"Retry-After": str(wait)}
            )
        return credential

    async def identify(self, request: Request) -> Credential:
        """Return the credential of the request's API key or else of its session. Raises the problem 401, 403 or 503."""
        presented = self._presented(request)
        cached = self._cache.get(presented.digest)
        if cached is not None and monotonic() < cached.fresh_until:
            return cached.credential
        if cached is None and self._database_down:
            cached = await self._load(presented)
        if cached is not None and self._database_down and monotonic() < cached.confirmed + _outage_seconds(presented):
            # Postgres was unavailable the last time: do not wait for it, check again in the background.
            cached.fresh_until = monotonic() + CACHE_SECONDS
            self._in_background(self._query_in_background(presented, cached))
            return cached.credential
        if cached is None:
            return await self._query_new(presented, request)
        return await self._query(presented, cached)

    async def _query_new(self, presented: ApiKey | BrowserSession, request: Request) -> Credential:
        """Look up what is not cached, unless its address has sent too many wrong ones. Counts it if wrong."""
        if self._is_unknown(presented, request):
            raise presented.unknown()
        try:
            return await self._query(presented, None)
        except Problem as error:
            if error.status == 401:
                self._remember_unknown(presented, request)
            raise

    async def find_session(self, request: Request, secret: str) -> Session | None:
        """Look up a session in Postgres; None if it is unknown or over.

        Raises the problem 429 if the request's address has sent too many unknown ones.
        """
        presented = BrowserSession(secret, self._idle)
        if self._is_unknown(presented, request):
            return None
        session = await browser_sessions.find(self._pool, secret, self._idle)
        if session is None:
            self._remember_unknown(presented, request)
        return session

    def _is_unknown(self, presented: ApiKey | BrowserSession, request: Request) -> bool:
        """Whether it was unknown a moment ago. Raises the problem 429 if its address has sent too many unknown ones."""
        network, is_key = _network(request), isinstance(presented, ApiKey)
        if monotonic() < self._unknown.get(presented.digest, 0.0):
            # not for sessions: an open dashboard repeats them, and has to be told that its session has ended
            if is_key and (wait := self._limits.repeated_keys.hit(network)):
                raise _too_many_wrong(presented, wait)
            return True
        limit = self._limits.wrong_keys if is_key else self._limits.wrong_sessions
        if wait := limit.exhausted(network):
            raise _too_many_wrong(presented, wait)
        return False

    def _remember_unknown(self, presented: ApiKey | BrowserSession, request: Request) -> None:
        limit = self._limits.wrong_keys if isinstance(presented, ApiKey) else self._limits.wrong_sessions
        limit.hit(_network(request))
        self._unknown.pop(presented.digest, None)
        if len(self._unknown) >= CACHE_SIZE:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[presented.digest] = monotonic() + UNKNOWN_SECONDS

    def forget(self, secret: str) -> None:
        """Remove a session that has ended from the cache."""
        self._cache.pop(BrowserSession(secret, self._idle).digest, None)

    def _presented(self, request: Request) -> ApiKey | BrowserSession:
        if "authorization" not in request.headers and (secret := self._cookies.secret(request)):
            self._cookies.check_csrf(request, secret)
            return BrowserSession(secret, self._idle)
        return ApiKey(_bearer(request))

    async def _query(self, presented: ApiKey | BrowserSession, cached: _CachedCredential | None) -> Credential:
        now = monotonic()
        try:
            async with asyncio.timeout(QUERY_LIMIT if cached else None):
                credential = await presented.find(self._pool)
        except (psycopg.OperationalError, TimeoutError):
            self._database_down = True
            cached = cached or await self._load(presented)
            if cached is None or now > cached.confirmed + _outage_seconds(presented):
                raise unavailable("Postgres", "credentials cannot be checked at the moment; try again") from None
            cached.fresh_until = now + CACHE_SECONDS
            return cached.credential
        self._database_down = False
        if credential is None:
            self._cache.pop(presented.digest, None)
            if self._disk and isinstance(presented, ApiKey):
                await asyncio.to_thread(self._disk.delete, presented.plaintext)
            raise presented.unknown()
        self._remember(presented, credential, now)
        return credential

    async def _load(self, presented: ApiKey | BrowserSession) -> _CachedCredential | None:
        """Load an API key from the disk into the cache, with the time at which Postgres confirmed it."""
        if self._disk is None or not isinstance(presented, ApiKey):
            return None
        saved = await asyncio.to_thread(self._disk.load, presented.plaintext)
        if saved is None:
            return None
        credential, age = saved
        cached = _CachedCredential(credential, monotonic() - age)
        self._put(presented, cached)
        return cached

    async def _query_in_background(self, presented: ApiKey | BrowserSession, cached: _CachedCredential) -> None:
        with suppress(Problem):  # the next request with this credential gets the error
            await self._query(presented, cached)

    def _remember(self, presented: ApiKey | BrowserSession, credential: Credential, now: float) -> None:
        cached = _CachedCredential(credential, now)
        before = self._put(presented, cached)
        if before is not None:
            cached.touched = before.touched
            cached.saved = before.saved if before.credential == credential else cached.saved
        if self._disk and isinstance(presented, ApiKey) and now > cached.saved + SAVE_INTERVAL:
            cached.saved = now
            self._in_background(asyncio.to_thread(self._disk.save, presented.plaintext, credential))
        if now > cached.touched + TOUCH_INTERVAL:
            cached.touched = now
            self._in_background(self._touch(presented, credential))

    def _put(self, presented: ApiKey | BrowserSession, cached: _CachedCredential) -> _CachedCredential | None:
        """Cache a credential, instead of the oldest if there are too many; return what was cached for it before."""
        before = self._cache.pop(presented.digest, None)
        if len(self._cache) >= CACHE_SIZE:
            del self._cache[next(iter(self._cache))]
        self._cache[presented.digest] = cached
        return before

    async def _touch(self, presented: ApiKey | BrowserSession, credential: Credential) -> None:
        with suppress(psycopg.OperationalError):  # `last_used_at` is approximate anyway
            await presented.touch(self._pool, credential)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _outage_seconds(presented: ApiKey | BrowserSession) -> float:
    return OUTAGE_SECONDS if isinstance(presented, ApiKey) else SESSION_OUTAGE_SECONDS


def _network(request: Request) -> str:
    return client_network(request.client.host if request.client else "")


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization")
    if header is None:
        raise unauthorised("send `Authorization: Bearer KEY`", error=None)
    scheme, _, plaintext = header.partition(" ")
    plaintext = plaintext.strip()
    if scheme.lower() != "bearer" or not plaintext or len(plaintext) > MAX_KEY_LENGTH:
        raise unauthorised("send `Authorization: Bearer KEY`", error="invalid_request")
    return plaintext


def _too_many_wrong(presented: ApiKey | BrowserSession, wait: int) -> Exception:
    what = "API keys" if isinstance(presented, ApiKey) else "sessions"
    detail = f"too many requests with unknown {what} from this address"
    return problem("rate-limited", detail, headers={"Retry-After": str(wait)})
