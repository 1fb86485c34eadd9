"""The gateway's composition root: reads the settings, opens what is needed, and puts the routes together.

It starts and answers ``/livez`` whether or not Postgres and Temporal do, and recovers when they come back.
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
from activities.channels.webhook import WebhookChannel
from api import openapi, problems
from api.change_streams import ChangeStreams
from api.dashboard import Dashboard
from api.dependencies import Gateway, TemporalConnection
from api.routes import (
    actions,
    analytics,
    customers,
    docs,
    events,
    journeys,
    operations,
    outreach,
    pages,
    relationships,
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
from api.security.route_classes import HotRouteMiddleware
from api.telemetry import GatewayMetrics, TelemetryMiddleware
from db.connections import open_pool
from db.journeys.rulebooks import RulebookCache
from logging_setup import configure_logs
from settings import Settings, read_settings

POOL_TIMEOUT = 2.0  # seconds until a request is told that Postgres does not answer

_ABOUT = """
Events in, journeys out. Every request but the operators' carries `Authorization: Bearer KEY`; the key says which
company it is about. Errors are problem details (RFC 9457), each with a type that says what to do.
"""


def create_app(settings: Settings) -> FastAPI:
    """The gateway under these settings. Nothing is opened before its lifespan begins."""
    # The routes themselves, the hottest first: included routers would be asked one after the other, each time anew.
    journeys_first = (journeys, relationships, stage_override, actions, tasks, customers, stages)
    others = (
        *journeys_first,
        timeline,
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
        description=_ABOUT,
        version=version("perdure"),
        routes=[route for router in routers for route in router.routes],
        lifespan=partial(_lifespan, settings),
        middleware=[
            Middleware(TelemetryMiddleware, answer_error=handler),
            Middleware(HotRouteMiddleware, routes=journeys.hot.routes, answer_error=handler),
            Middleware(BodyLimitMiddleware),
        ],
        openapi_url="/openapi.json",
        # Our own metrics measure; to ask at every request whether OpenTelemetry was configured costs more than the key.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        docs_url=None,  # ours loads nothing from elsewhere
        redoc_url=None,
    )
    problems.install(app, handler)
    openapi.complete(app)
    app.router.default = Dashboard(Path(settings.dashboard))
    return app


@asynccontextmanager
async def _lifespan(settings: Settings, app: FastAPI) -> AsyncIterator[None]:
    metrics = GatewayMetrics()
    pool = await open_pool(settings.database_url, min_size=2, max_size=settings.gateway_pool, timeout=POOL_TIMEOUT)
    cookies, idle = Cookies(settings.public_url), timedelta(hours=settings.session_idle_hours)
    link = TemporalConnection(partial(connection.connect, runtime=metrics.runtime, identity=f"gateway {os.getpid()}"))
    streams = ChangeStreams(pool)
    app.state.gateway = Gateway(
        pool=pool,
        temporal=link,
        authenticator=Authenticator(pool, settings.rate_limit, cookies, idle),
        metrics=metrics,
        rulebooks=RulebookCache(),
        webhooks=WebhookChannel(settings.webhook_allow.split(",")),
        ip_rate_limits=IpRateLimits(),
        link_secret=settings.link_secret,
        intake_concurrency=settings.intake_concurrency,
        temporal_ui_url=settings.temporal_ui_url,
        namespace=os.environ.get("TEMPORAL_NAMESPACE", "default"),
        cookies=cookies,
        session_idle=idle,
        session_lifetime=timedelta(days=settings.session_days),
        change_streams=streams,
    )
    beside = [asyncio.create_task(link.keep_trying()), asyncio.create_task(streams.watch())]
    try:
        yield
    finally:
        for task in beside:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await pool.close()


def app_factory() -> FastAPI:
    """For ``uvicorn --factory api.app:app_factory``; run it with ``--no-access-log``: paths name customers."""
    settings = read_settings()
    configure_logs(settings.log_level, settings.log_format)
    return create_app(settings)
