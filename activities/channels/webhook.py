"""Webhook events to a company's own systems, signed according to Standard Webhooks."""

import asyncio
import base64
import binascii
import secrets
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx2
import orjson
import structlog
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from activities.channels import NotDelivered
from activities.channels.http_responses import retry_after
from activities.channels.public import CONNECT_TIMEOUT, Address, Allowed, PublicOnly, Resolve, checked_url
from activities.channels.public import is_public as is_public_address
from activities.channels.public import resolve as resolve_host
from journey.channels import ChannelSpec

_log = structlog.get_logger("webhooks")
TIMEOUT = 15.0  # seconds for a whole delivery


@dataclass(frozen=True)
class Endpoint:
    """A receiver of events. With two secrets, each event carries the signatures of both."""

    url: str
    secret: str = field(repr=False)
    previous_secret: str | None = field(default=None, repr=False)


class EndpointGone(NotDelivered):
    """The endpoint answered 410 Gone and does not want further events."""


class WebhookChannel:
    """Deliver events to public https endpoints.

    Args:
        allow: Hosts (``host`` or ``host:port``) that may be private and use http, for development.
        timeout: Seconds for a whole delivery.
        tls: Replaces the TLS context in tests.
        resolve: Replaces DNS in tests.
        is_public: Replaces the check of addresses in tests.
    """

    spec: ClassVar = ChannelSpec(
        name="webhook", label="webhooks", messages="webhook events", audiences=frozenset({"systems"})
    )

    def __init__(
        self,
        allow: Iterable[str] = (),
        *,
        timeout: float = TIMEOUT,
        tls: ssl.SSLContext | None = None,
        resolve: Resolve = resolve_host,
        is_public: Callable[[Address], bool] = is_public_address,
    ) -> None:
        self._allowed, self._timeout = Allowed(allow), timeout
        self._tls = tls or httpx2.create_ssl_context()
        self._resolve, self._is_public = resolve, is_public

    def check(self, url: str) -> None:
        """Check the URL of a new endpoint. Raises ValueError with the requirement it does not meet."""
        checked_url(url, self._allowed)

    async def deliver(self, endpoint: Endpoint, webhook_id: str, event: Mapping[str, Any]) -> str:
        """Post an event and return a receipt like ``204 accepted``. A retry has the same ``webhook_id``.

        Raises:
            EndpointGone: The endpoint answered 410.
            NotDelivered: Final if the endpoint itself is not allowed; everything else may be temporary. Unexpected
                errors are logged and raised as this one too, so that they do not affect other endpoints.
        """
        try:
            return await self._deliver(endpoint, webhook_id, event)
        except NotDelivered:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one endpoint causes is its own failure
            # without the traceback and the message, which could contain the URL
            _log.error("unexpected error at a webhook endpoint", error=type(error).__name__)
            raise NotDelivered(f"webhook: unexpected error ({type(error).__name__})") from None

    async def _deliver(self, endpoint: Endpoint, webhook_id: str, event: Mapping[str, Any]) -> str:
        try:
            url = checked_url(endpoint.url, self._allowed)
        except ValueError as error:
            raise NotDelivered(f"the endpoint's URL is not allowed: {error}", final=True) from None
        body = orjson.dumps(event)
        headers = signed(endpoint, webhook_id, body, datetime.now(UTC))
        try:
            async with asyncio.timeout(self._timeout):
                status, response_headers = await self._post(url, body, headers)
        except (TimeoutError, httpx2.TimeoutException):
            raise NotDelivered("webhook: timed out") from None
        except (httpx2.HTTPError, OSError, UnicodeError) as error:
            raise NotDelivered(f"webhook: no connection ({type(error).__name__})") from None
        if 200 <= status < 300:
            return f"{status} accepted"
        if status == httpx2.codes.GONE:
            raise EndpointGone("webhook: HTTP 410, the endpoint is gone", final=True)
        raise NotDelivered(f"webhook: HTTP {status}", retry_after=retry_after(response_headers))

    async def _post(self, url: httpx2.URL, body: bytes, headers: dict[str, str]) -> tuple[int, httpx2.Headers]:
        transport = PublicOnly(
            httpx2.AsyncHTTPTransport(verify=self._tls, trust_env=False),
            self._allowed,
            resolve=self._resolve,
            is_public=self._is_public,
        )
        limits = httpx2.Timeout(self._timeout, connect=min(self._timeout, CONNECT_TIMEOUT))
        # trust_env=False: a proxy would resolve the host name again
        async with (
            httpx2.AsyncClient(transport=transport, timeout=limits, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            return response.status_code, response.headers  # the body is not read: it may be endless


def signed(endpoint: Endpoint, webhook_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """Return the headers of a delivery. Raises NotDelivered (final) for an invalid secret."""
    try:
        signatures = [
            Webhook(secret).sign(webhook_id, at, body.decode())
            for secret in (endpoint.secret, endpoint.previous_secret)
            if secret
        ]
    except (binascii.Error, ValueError, EmptyWebhookSecretError):
        raise NotDelivered("the endpoint's secret is invalid (expected whsec_…)", final=True) from None
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
    """Create a secret for an endpoint: ``whsec_`` and 32 random bytes in base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
