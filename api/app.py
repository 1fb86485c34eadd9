"""Composition root of the gateway: create the app from the settings, open its resources and register the routes.

The gateway starts and serves `/livez` even if Postgres and Temporal are down, and recovers when they are back.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware

import connection
from activities.bounded_rendering import TemplateRenderer
from activities.channels.webhook import WebhookChannel
from api import openapi, problems
from api.aliases import Aliases
from api.change_streams import ChangeStreams
from api.clock_check import ClockCheck
from api.dashboard import Dashboard
from api.dependencies import Gateway, TemporalConnection
from api.head_requests import HeadMiddleware
from api.routes import (
    action_problems,
    actions,
    analytics,
    appointments,
    attendance,
    call_list,
    contacts,
    customer_messages,
    customers,
    docs,
    duplicates,
    events,
    explanations,
    journeys,
    merges,
    operations,
    outreach,
    pages,
    preview_customers,
    relationships,
    retractions,
    rule_changes,
    rule_previews,
    session,
    staff,
    stage_override,
    stages,
    stream,
    tasks,
    templates,
    timeline,
    webhooks,
)
from api.security.authentication import Authenticator
from api.security.body_limit import BodyLimitMiddleware
from api.security.cookies import Cookies
from api.security.ip_rate_limit import IpRateLimits
from api.security.key_cache import KeyCache
from api.security.route_classes import HotRouteMiddleware
from api.telemetry import GatewayMetrics, TelemetryMiddleware
from api.trailing_slash import TrailingSlashRedirect
from db.connections import open_pool
from db.journeys.rulebooks import RulebookCache
from logging_setup import configure_logs
from settings import Settings, read_settings

POOL_TIMEOUT = 2.0  # seconds that a request waits for a database connection
MAX_WAITING_TEMPLATES = 5  # previews and checks of one company in progress, which wait for each other

_DESCRIPTION = """
Send events, read customer journeys. Authenticate with `Authorization: Bearer KEY`; the API key determines the company.
Errors are problem details (RFC 9457); opening the URI in `type` explains the problem and what to do.
"""


def create_app(settings: Settings) -> FastAPI:
    """Create the gateway. Connections are opened when its lifespan starts."""
    # Plain routes, the most used first: Starlette matches them in order, and included routers would add a lookup each.
    journeys_first = (relationships, stage_override, actions, tasks, attendance, contacts, customers, explanations)
    others = (
        *journeys_first,
        call_list,
        customer_messages,
        merges,
        duplicates,
        stages,
        rule_changes,
        rule_previews,
        preview_customers,
        retractions,
        timeline,
        appointments,
        action_problems,
        stream,
        session,
        analytics,
        outreach,
        staff,
        webhooks,
        templates,
        pages,
        operations,
        docs,
    )
    routers = (journeys.hot, events.router, *(module.router for module in others))
    handler = problems.make_handler(settings.public_url)
    app = FastAPI(
        title="Perdure",
        summary="Durable customer journeys",
        description=_DESCRIPTION,
        version=version("perdure"),
        routes=[route for router in routers for route in router.routes],
        lifespan=partial(_lifespan, settings),
        middleware=[
            Middleware(TelemetryMiddleware, answer_error=handler),
            Middleware(HeadMiddleware),
            Middleware(HotRouteMiddleware, routes=journeys.hot.routes, answer_error=handler),
            Middleware(BodyLimitMiddleware),
        ],
        openapi_url="/openapi.json",
        # `GatewayMetrics` measures requests; checking for OpenTelemetry at each one costs more than authentication.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        docs_url=None,  # `routes/docs.py` serves a page without external resources
        redoc_url=None,
    )
    problems.install(app, handler)
    app.state.public_url = settings.public_url
    openapi.complete(app)
    app.router.default = TrailingSlashRedirect(app.router, Dashboard(Path(settings.dashboard)))
    return app


@asynccontextmanager
async def _lifespan(settings: Settings, app: FastAPI) -> AsyncIterator[None]:
    metrics = GatewayMetrics()
    pool = await open_pool(settings.database_url, min_size=2, max_size=settings.gateway_pool, timeout=POOL_TIMEOUT)
    cookies, idle = Cookies(settings.public_url), timedelta(hours=settings.session_idle_hours)
    temporal = TemporalConnection(
        partial(connection.connect, runtime=metrics.runtime, identity=f"gateway {os.getpid()}")
    )
    clock = ClockCheck(lambda: temporal.client)
    streams, ip_rate_limits = ChangeStreams(pool), IpRateLimits()
    app.state.gateway = Gateway(
        pool=pool,
        temporal=temporal,
        clock=clock,
        authenticator=Authenticator(pool, settings.rate_limit, cookies, idle, ip_rate_limits, _key_cache(settings)),
        metrics=metrics,
        rulebooks=RulebookCache(),
        webhooks=WebhookChannel(settings.webhook_allow.split(",")),
        templates=TemplateRenderer(max_waiting=MAX_WAITING_TEMPLATES),
        ip_rate_limits=ip_rate_limits,
        link_secret=settings.link_secret,
        intake_concurrency=settings.intake_concurrency,
        rollout_rate=settings.rollout_rate,
        temporal_ui_url=settings.temporal_ui_url,
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
        cookies=cookies,
        session_idle=idle,
        session_lifetime=timedelta(days=settings.session_days),
        change_streams=streams,
        aliases=Aliases(pool),
    )
    loops = (temporal.connect_until_successful(), streams.watch(), clock.watch())
    background = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in background:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await pool.close()


def _key_cache(settings: Settings) -> KeyCache | None:
    if settings.key_cache and settings.link_secret:
        return KeyCache(Path(settings.key_cache), settings.link_secret)
    return None


def app_factory() -> FastAPI:
    """Create the app for ``uvicorn --factory``; use ``--no-access-log``, because paths contain customer ids."""
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    return create_app(settings)
