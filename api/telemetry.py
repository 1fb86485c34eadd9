"""Request logs and metrics.

Logs and metrics contain the route template, never the path: a customer id may be an e-mail address.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import re
import socket
from collections.abc import Callable
from datetime import timedelta
from secrets import token_hex
from time import perf_counter

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from temporalio.common import MetricCounter, MetricHistogramTimedelta
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

_log = structlog.get_logger("gateway")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
NOSNIFF = (b"x-content-type-options", b"nosniff")  # browsers must not guess another content type
SLOW = 1.0  # seconds; slower requests are logged even if they succeed
_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]


class GatewayMetrics:
    """The gateway's metrics, kept by the Temporal SDK's runtime together with its own."""

    def __init__(self) -> None:
        self._port = _free_port()
        self.runtime = Runtime(
            telemetry=TelemetryConfig(
                attach_service_name=False,
                metrics=PrometheusConfig(
                    bind_address=f"127.0.0.1:{self._port}",
                    durations_as_seconds=True,
                    histogram_bucket_overrides={"perdure_request_seconds": _BUCKETS},
                ),
            )
        )
        meter = self.runtime.metric_meter
        self._requests = meter.create_histogram_timedelta(
            "perdure_request_seconds", "request duration by route and status"
        )
        self.accepted = meter.create_counter("perdure_events_accepted_total", "events stored by Temporal")
        self.rejected = meter.create_counter("perdure_events_rejected_total", "invalid events")
        self._by_route: dict[tuple[str, str, int], MetricHistogramTimedelta] = {}
        for counter in (self.accepted, self.rejected):
            _from_zero(counter)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Record one request."""
        key = (method, route, status)
        histogram = self._by_route.get(key)
        if histogram is None:
            attributes: dict[str, str | int | float | bool] = {"method": method, "route": route, "status": str(status)}
            histogram = self._by_route[key] = self._requests.with_additional_attributes(attributes)
        histogram.record(timedelta(seconds=seconds))

    async def text(self) -> bytes:
        """Return all metrics in Prometheus text format. Raises OSError if the runtime's exporter does not respond."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            await writer.drain()
            response = await reader.read()
        finally:
            writer.close()
        head, _, body = response.partition(b"\r\n\r\n")
        if not head.split(b" ", 2)[1:2] == [b"200"]:
            raise OSError("the metrics exporter returned " + head.split(b"\r\n")[0].decode(errors="replace"))
        return body


def _from_zero(counter: MetricCounter) -> None:
    counter.add(0)  # so that the first increase is visible as a rate


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TelemetryMiddleware:
    """Outermost ASGI middleware: request ids, metrics, and logs of failed and slow requests.

    It adds the headers that every response has: `X-Request-Id` and `X-Content-Type-Options`.

    Unexpected errors are logged once, under the request id of the error response that `answer_error` creates.
    """

    def __init__(self, app: ASGIApp, answer_error: Callable[[Request, Exception], Response]) -> None:
        self.app, self.answer_error = app, answer_error
        self.process, self.number = token_hex(6), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 0
        received = Headers(scope=scope).get("x-request-id", "")
        request_id = received if _REQUEST_ID.fullmatch(received) else f"{self.process}-{next(self.number)}"
        headers = ((b"x-request-id", request_id.encode()), NOSNIFF)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *headers]
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            _log.exception("unexpected error", request_id=request_id, route=_route(scope))
            if status:
                raise  # the response has started: only closing the connection can signal the error
            await self.answer_error(Request(scope, receive), error)(scope, receive, send_with_id)
        finally:
            self._record(scope, request_id, status or 500, perf_counter() - started)

    def _record(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
        route = _route(scope)
        gateway = getattr(scope["app"].state, "gateway", None)
        if gateway is not None:
            gateway.metrics.request(_method(scope), route, status, seconds)
        if status < 400 and seconds < SLOW:
            return
        credential = scope.get("state", {}).get("credential")
        _log.log(
            logging.ERROR if status >= 500 and status != 503 else logging.INFO,
            "request",
            request_id=request_id,
            method=_method(scope),
            route=route,
            status=status,
            milliseconds=round(1000 * seconds, 1),
            key=getattr(credential, "key_id", None),
        )


def _route(scope: Scope) -> str:
    # Paths without a route are arbitrary and must not become metric labels.
    return getattr(scope.get("route"), "path", "(none)")


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH") else "(other)"
