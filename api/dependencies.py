"""Shared resources of the gateway, created once at start, and the dependencies of routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import psycopg
import structlog
from fastapi import Depends, Path, Query, Request
from temporalio.client import Client
from temporalio.service import RPCError

from activities.bounded_rendering import TemplateRenderer
from activities.channels.webhook import WebhookChannel
from api.aliases import Aliases
from api.change_streams import ChangeStreams
from api.clock_check import ClockCheck
from api.problems import unavailable
from api.security.authentication import Authenticator
from api.security.cookies import Cookies
from api.security.ip_rate_limit import IpRateLimits
from api.security.route_classes import credential_of
from api.telemetry import GatewayMetrics
from db.connections import Pool, tenant_transaction
from db.journeys.rulebooks import RulebookCache
from db.people import aliases
from db.people.api_keys import Credential
from journey.identifiers import ANCHORED_CUSTOMER_ID
from journey.stages import Rulebook

_log = structlog.get_logger("gateway")

CustomerIdAsGiven = Annotated[
    str,
    Path(
        pattern=ANCHORED_CUSTOMER_ID,
        description="the company's own id of the customer",
        examples=["c-1001"],
    ),
]


class TemporalConnection:
    """A Temporal client that connects in the background; once connected, the client itself reconnects."""

    def __init__(self, connect: Callable[[], Awaitable[Client]]) -> None:
        self._connect = connect
        self._client: Client | None = None

    async def connect_until_successful(self) -> None:
        """Retry until Temporal accepts the connection; run as a background task."""
        pause = 0.2
        while self._client is None:
            try:
                self._client = await self._connect()
            except (RuntimeError, RPCError, OSError) as error:
                _log.warning("temporal does not respond", error=str(error)[:200])
                await asyncio.sleep(pause)
                pause = min(2 * pause, 2.0)

    @property
    def connected(self) -> Client | None:
        """The client, if it has ever connected."""
        return self._client

    @property
    def client(self) -> Client:
        """The connected client. Raises the problem 503 before the first connection."""
        if self._client is None:
            raise unavailable("Temporal")
        return self._client


@dataclass(slots=True)
class Gateway:
    """The resources of a running gateway; `app.state.gateway`.

    Attributes:
        webhooks: Validates the URLs of webhook endpoints.
        templates: Renders companies' own templates.
        link_secret: Verifies the signed links in messages; None rejects every link.
        rollout_rate: Journeys per second that a change of rules reaches.
        session_idle: A browser session ends after this time without a request.
        session_lifetime: A browser session ends at the latest this long after the sign-in.
    """

    pool: Pool
    temporal: TemporalConnection
    clock: ClockCheck
    authenticator: Authenticator
    metrics: GatewayMetrics
    rulebooks: RulebookCache
    webhooks: WebhookChannel
    templates: TemplateRenderer
    ip_rate_limits: IpRateLimits
    link_secret: str | None
    intake_concurrency: int
    rollout_rate: float
    temporal_ui_url: str | None
    namespace: str
    cookies: Cookies
    session_idle: timedelta
    session_lifetime: timedelta
    change_streams: ChangeStreams
    aliases: Aliases

    async def rulebook(self, company_id: int) -> Rulebook:
        """Load the company's current rulebook."""
        async with tenant_transaction(self.pool, company_id) as connection:
            return await self.rulebooks.load(connection, company_id)


def gateway_of(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


GatewayDep = Annotated[Gateway, Depends(gateway_of)]
CredentialDep = Annotated[Credential, Depends(credential_of)]


async def current_customer_id(customer_id: CustomerIdAsGiven, gateway: GatewayDep, credential: CredentialDep) -> str:
    """Return the id of the customer whom an id in a path means: after a merge, the one who remains."""
    try:
        return await aliases.resolve(gateway.pool, credential.company_id, customer_id)
    except psycopg.OperationalError:
        return customer_id  # a route that needs Postgres fails by itself


CustomerId = Annotated[str, Depends(current_customer_id)]


async def current_customer_filter(
    gateway: GatewayDep,
    credential: CredentialDep,
    customer_id: Annotated[str | None, Query(pattern=ANCHORED_CUSTOMER_ID)] = None,
) -> str | None:
    """Return the same of an id in a query, if there is one."""
    return customer_id and await aliases.resolve(gateway.pool, credential.company_id, customer_id)


CustomerFilter = Annotated[str | None, Depends(current_customer_filter)]
