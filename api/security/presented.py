"""What a request presents to authenticate itself: an API key or a browser session, and how each is looked up."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from api.problems import problem
from db.connections import Pool
from db.people import api_keys, browser_sessions
from db.people.api_keys import Credential
from db.people.browser_sessions import Session


class ApiKey:
    """The API key of a request."""

    def __init__(self, plaintext: str) -> None:
        self.plaintext = plaintext
        self.digest = b"key" + _digest(plaintext)

    async def find(self, pool: Pool) -> Credential | None:
        return await api_keys.find(pool, self.plaintext)

    async def touch(self, pool: Pool, credential: Credential) -> None:
        await api_keys.touch(pool, credential)

    def unknown(self) -> Exception:
        return unauthorised("this API key is unknown or was revoked")


class BrowserSession:
    """The browser session of a request, identified by its secret."""

    def __init__(self, secret: str, idle: timedelta) -> None:
        self.secret, self.idle = secret, idle
        self.digest = b"session" + _digest(secret)
        self._session: Session | None = None

    async def find(self, pool: Pool) -> Credential | None:
        self._session = await browser_sessions.find(pool, self.secret, self.idle)
        return self._session.credential if self._session else None

    async def touch(self, pool: Pool, credential: Credential) -> None:
        assert self._session is not None
        await browser_sessions.touch(pool, self._session)
        await api_keys.touch(pool, credential)

    def unknown(self) -> Exception:
        return unauthorised("this session has ended; sign in again")


def _digest(plaintext: str) -> bytes:
    return sha256(plaintext.encode(errors="surrogatepass")).digest()


def unauthorised(detail: str, error: str | None = "invalid_token") -> Exception:
    challenge = 'Bearer realm="perdure"' + (f', error="{error}"' if error else "")
    return problem("unauthorised", detail, headers={"WWW-Authenticate": challenge})
