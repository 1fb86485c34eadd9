"""Who asks, and what they may do: keys, scopes and the rate limit.

A key that was seen is remembered for a moment, so that a hot request asks Postgres nothing, and for an hour in case
Postgres is away: events are taken all the same. A revoked key ends within `FRESH` seconds, as long as Postgres answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from hashlib import sha256
from time import monotonic, time
from typing import Any

import psycopg
from fastapi import Request
from limits import parse
from rfc9457 import Problem

from api.problems import problem, unavailable
from db import keys
from db.keys import Credential
from db.session import Pool

FRESH = 5.0  # seconds for which a key is believed without asking
GRACE = 3600.0  # seconds for which it is believed while Postgres does not answer
ASK_LIMIT = 1.0  # seconds that a key already known waits for Postgres
REMEMBERED = 10_000  # keys
TOUCH_EVERY = 300.0  # seconds
LONGEST_KEY = 200


class _Seen:
    """A key that was valid: until when it is fresh, and when Postgres last confirmed it (monotonic seconds)."""

    __slots__ = ("confirmed", "credential", "fresh_until", "touched")

    def __init__(self, credential: Credential, now: float) -> None:
        self.credential, self.confirmed, self.fresh_until = credential, now, now + FRESH
        self.touched = float("-inf")


class _Rate:
    """Requests of each key in the present window of time, which is the same for all keys.

    `limits` reads the notation; its storages start a thread or a task for every few requests, more than this needs.
    """

    def __init__(self, notation: str) -> None:
        item = parse(notation)
        self._text, self._most, self._seconds = str(item), item.amount, item.get_expiry()
        self._window, self._counts = 0, dict[int, int]()

    def __str__(self) -> str:
        return self._text

    def exceeded(self, key_id: int) -> int:
        """Count a request; 0, or the seconds after which the next window begins."""
        now = time()
        window = int(now // self._seconds)
        if window != self._window:
            self._window, self._counts = window, {}
        count = self._counts[key_id] = self._counts.get(key_id, 0) + 1
        return 0 if count <= self._most else int((window + 1) * self._seconds - now) + 1


class Authenticator:
    """Checks keys against Postgres and counts their requests. One for a process."""

    def __init__(self, pool: Pool, rate_limit: str) -> None:
        """`rate_limit` in the notation of `limits`, like ``6000/minute``. Raises ValueError for anything else."""
        self._pool = pool
        self._rate = _Rate(rate_limit)
        self._seen: dict[bytes, _Seen] = {}
        self._away = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def authorise(self, request: Request, needed: str) -> Credential:
        """The request's credential, which has the scope `needed`. Raises the problem 401, 403, 429 or 503."""
        plaintext = _bearer(request)
        digest = sha256(plaintext.encode(errors="surrogatepass")).digest()
        seen = self._seen.get(digest)
        if seen is not None and monotonic() < seen.fresh_until:
            credential = seen.credential
        elif seen is not None and self._away and monotonic() < seen.confirmed + GRACE:
            # Postgres did not answer the last time: nobody waits for it, it is asked again beside this request.
            seen.fresh_until = monotonic() + FRESH
            self._beside(self._ask_beside(plaintext, digest, seen))
            credential = seen.credential
        else:
            credential = await self._ask(plaintext, digest, seen)
        if needed not in credential.scopes:
            raise problem("missing-scope", f"this needs the scope {needed}", scope=needed)
        if wait := self._rate.exceeded(credential.key_id):
            raise problem("rate-limited", f"this key may send {self._rate}", headers={"Retry-After": str(wait)})
        return credential

    async def _ask(self, plaintext: str, digest: bytes, seen: _Seen | None) -> Credential:
        now = monotonic()
        try:
            async with asyncio.timeout(ASK_LIMIT if seen else None):
                credential = await keys.find(self._pool, plaintext)
        except (psycopg.OperationalError, TimeoutError):
            self._away = True
            if seen is None or now > seen.confirmed + GRACE:
                raise unavailable("Postgres", "keys cannot be checked at the moment; try again") from None
            seen.fresh_until = now + FRESH
            return seen.credential
        self._away = False
        if credential is None:
            self._seen.pop(digest, None)
            raise _unauthorised("this key is not known or was revoked")
        self._remember(digest, credential, now)
        return credential

    async def _ask_beside(self, plaintext: str, digest: bytes, seen: _Seen) -> None:
        with suppress(Problem):  # the next request with this key is told
            await self._ask(plaintext, digest, seen)

    def _remember(self, digest: bytes, credential: Credential, now: float) -> None:
        before = self._seen.pop(digest, None)
        if len(self._seen) >= REMEMBERED:
            del self._seen[next(iter(self._seen))]
        seen = self._seen[digest] = _Seen(credential, now)
        if before is not None:
            seen.touched = before.touched
        if now > seen.touched + TOUCH_EVERY:
            seen.touched = now
            self._beside(self._touch(credential))

    async def _touch(self, credential: Credential) -> None:
        with suppress(psycopg.OperationalError):  # when a key was last used is told to within minutes anyway
            await keys.touch(self._pool, credential)

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization")
    if header is None:
        raise _unauthorised("send `Authorization: Bearer KEY`", error=None)
    scheme, _, plaintext = header.partition(" ")
    plaintext = plaintext.strip()
    if scheme.lower() != "bearer" or not plaintext or len(plaintext) > LONGEST_KEY:
        raise _unauthorised("send `Authorization: Bearer KEY`", error="invalid_request")
    return plaintext


def _unauthorised(detail: str, error: str | None = "invalid_token") -> Exception:
    challenge = 'Bearer realm="perdure"' + (f', error="{error}"' if error else "")
    return problem("unauthorised", detail, headers={"WWW-Authenticate": challenge})
