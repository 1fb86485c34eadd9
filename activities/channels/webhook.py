"""Events to a company's own systems, signed as Standard Webhooks say."""

import asyncio
import base64
import binascii
import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from activities.channels import NotDelivered
from activities.channels.answers import retry_after
from activities.channels.public import CONNECT_TIMEOUT, Address, Allowed, PublicOnly, Resolve, checked_url
from activities.channels.public import is_public as is_public_address
from activities.channels.public import resolve as look_up

TIMEOUT = 15.0  # seconds for a whole delivery


@dataclass(frozen=True)
class Endpoint:
    """Where events go. While there are two secrets, each event carries the signatures of both."""

    url: str
    secret: str = field(repr=False)
    previous_secret: str | None = field(default=None, repr=False)


class EndpointGone(NotDelivered):
    """The endpoint said 410: it wants nothing any more."""


class WebhookChannel:
    """Delivers to public https endpoints; ``allow`` (``host`` or ``host:port``) lifts both for development.

    ``tls``, ``resolve`` and ``is_public`` stand for the certificates, the name service and the internet of tests.
    """

    name = "webhook"

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = look_up,
        is_public: Callable[[Address], bool] = is_public_address,
    ) -> None:
        self._allowed, self._timeout = Allowed(allow), timeout
        self._tls = tls or httpx2.create_ssl_context()
        self._resolve, self._is_public = resolve, is_public

    def check(self, url: str) -> None:
        """Whether an endpoint may be saved. Raises ValueError that says what is wrong with it."""
        checked_url(url, self._allowed)

    async def deliver(self, endpoint: Endpoint, webhook_id: str, event: Mapping[str, Any]) -> str:
        """Post an event; ``204 accepted``. The same event tried again has the same ``webhook_id``.

        Raises EndpointGone, or NotDelivered: final where the endpoint itself is refused, all else may pass.
        """
        try:
            url = checked_url(endpoint.url, self._allowed)
        except ValueError as error:
            raise NotDelivered(f"the endpoint is not allowed: {error}", final=True) from None
        body = orjson.dumps(event)
        headers = signed(endpoint, webhook_id, body, datetime.now(UTC))
        try:
            async with asyncio.timeout(self._timeout):
                status, answered = await self._post(url, body, headers)
        except (TimeoutError, httpx2.TimeoutException):
            raise NotDelivered("webhook: no answer in time") from None
        except (httpx2.HTTPError, OSError, UnicodeError) as error:
            raise NotDelivered(f"webhook: no connection ({type(error).__name__})") from None
        if 200 <= status < 300:
            return f"{status} accepted"
        if status == httpx2.codes.GONE:
            raise EndpointGone("webhook: HTTP 410, the endpoint is gone", final=True)
        raise NotDelivered(f"webhook: HTTP {status}", retry_after=retry_after(answered))

    async def _post(self, url: httpx2.URL, body: bytes, headers: dict[str, str]) -> tuple[int, httpx2.Headers]:
        transport = PublicOnly(
            httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False),
            self._allowed,
            resolve=self._resolve,
            is_public=self._is_public,
        )
        limits = httpx2.Timeout(self._timeout, connect=min(self._timeout, CONNECT_TIMEOUT))
        # no proxies from the environment: one of them would look the name up again
        async with (
            httpx2.AsyncClient(transport=transport, timeout=limits, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            return answer.status_code, answer.headers  # what else it says is of no account, and may be endless


def signed(endpoint: Endpoint, webhook_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers of a delivery. Raises NotDelivered (final) for a secret that is none."""
    try:
        signatures = [
            Webhook(secret).sign(webhook_id, at, body.decode())
            for secret in (endpoint.secret, endpoint.previous_secret)
            if secret
        ]
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise NotDelivered("the endpoint's secret is not one of ours (whsec_…)", final=True) from None
    if not signatures:
        raise NotDelivered("the endpoint has no secret", final=True)
    return {
        "content-type": "application/json",
        "user-agent": "Perdure",
        "connection": "close",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def new_secret() -> str:
    """A secret for an endpoint: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
