"""What the gateway tells its operators: one line and one measurement a request, without anybody's data.

A line names the route's template, never the path: a customer's id may be an e-mail address.
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
SLOW = 1.0  # seconds from which a good answer is logged, too
_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]


class GatewayMetrics:
    """Our counters, kept by the SDK's runtime beside its own, and the text of both for Prometheus."""

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
        self._requests = meter.create_histogram_timedelta("perdure_request_seconds", "requests by route and status")
        self.accepted = meter.create_counter("perdure_events_accepted_total", "events that Temporal has taken")
        self.rejected = meter.create_counter("perdure_events_rejected_total", "events that were not valid")
        self._by_route: dict[tuple[str, str, int], MetricHistogramTimedelta] = {}
        for counter in (self.accepted, self.rejected):
            _from_zero(counter)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        histogram = self._by_route.get(key)
        if histogram is None:
            attributes: dict[str, str | int | float | bool] = {"method": method, "route": route, "status": str(status)}
            histogram = self._by_route[key] = self._requests.with_additional_attributes(attributes)
        histogram.record(timedelta(seconds=seconds))

    async def text(self) -> bytes:
        """All metrics in Prometheus's text format. Raises OSError when the runtime's exporter does not answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(b"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            await writer.drain()
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.split(b" ", 2)[1:2] == [b"200"]:
            raise OSError("the metrics exporter answered " + head.split(b"\r\n")[0].decode(errors="replace"))
        return body


def _from_zero(counter: MetricCounter) -> None:
    counter.add(0)  # a rate needs a beginning


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class TelemetryMiddleware:
    """ASGI middleware around everything: a request id, a measurement, and a line where something is worth one.

    Unexpected errors end here: logged once, under the request id that their answer (made by `answer_error`) bears.
    """

    def __init__(self, app: ASGIApp, answer_error: Callable[[Request, Exception], Response]) -> None:
        self.app, self.answer_error = app, answer_error
        self.process, self.number = token_hex(6), itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 0
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"{self.process}-{next(self.number)}"
        header = (b"x-request-id", request_id.encode())

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        try:
            await self.app(scope, receive, send_marked)
        except Exception as error:
            _log.exception("unexpected error", request_id=request_id, route=_route(scope))
            if status:
                raise  # half an answer is out: only the end of the connection can tell
            await self.answer_error(Request(scope, receive), error)(scope, receive, send_marked)
        finally:
            self._tell(scope, request_id, status or 500, perf_counter() - started)

    def _tell(self, scope: Scope, request_id: str, status: int, seconds: float) -> None:
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
    # Without a route the path is anything that anybody thought of: no label for that.
    return getattr(scope.get("route"), "path", "(none)")


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH") else "(other)"
