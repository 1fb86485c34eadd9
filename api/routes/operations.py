"""Liveness, readiness and metrics; unauthenticated, no tenant data."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from time import perf_counter
from typing import Any

import psycopg
from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from rfc9457 import Problem
from temporalio.service import RPCError

from api.dependencies import Gateway, GatewayDep
from api.openapi import json_answer, only, problems
from api.problems import PROBLEMS, RETRY_SECONDS, not_found
from api.schemas.operations import Liveness, Readiness
from db.journeys import projection

CHECK_TIMEOUT = 2.0  # seconds

router = APIRouter(tags=["operations"])

_READY = {
    "status": "ready",
    "postgres": {"status": "up", "milliseconds": 1.2},
    "temporal": {"status": "up", "milliseconds": 2.4},
    "clock": {"status": "right", "seconds_ahead": 0.002},
}
_NOT_READY = {**_READY, "status": "not ready", "temporal": {"status": "down", "problem": "TimeoutError"}}


@router.get(
    "/livez",
    summary="Liveness",
    response_model=None,
    responses={200: json_answer(Liveness, "The process is running.", {"status": "alive"})},
)
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get(
    "/readyz",
    summary="Readiness",
    response_model=None,
    responses={
        200: json_answer(
            Readiness, "Postgres and Temporal respond, Postgres can write to its disk, and the clock is right.", _READY
        ),
        503: json_answer(
            Readiness,
            "Postgres or Temporal does not respond, Postgres's disk is full, or this machine's clock differs from"
            " Temporal's by more than a minute; the body says which.",
            _NOT_READY,
        ),
    },
)
async def readyz(gateway: GatewayDep) -> Response:
    postgres, temporal = await asyncio.gather(
        _check(projection.check_writable(gateway.pool)), _check(_temporal_is_healthy(gateway))
    )
    clock = _clock(gateway)
    ready = postgres["status"] == temporal["status"] == "up" and clock["status"] != "wrong"
    content = {"status": "ready" if ready else "not ready", "postgres": postgres, "temporal": temporal, "clock": clock}
    headers = {} if ready else {"Retry-After": str(RETRY_SECONDS)}
    return JSONResponse(content, 200 if ready else 503, headers)


def _clock(gateway: Gateway) -> dict[str, Any]:
    ahead = gateway.clock.seconds_ahead
    if ahead is None:
        return {"status": "unknown"}
    return {"status": "wrong" if gateway.clock.is_skewed else "right", "seconds_ahead": round(ahead, 3)}


async def _check(check: Awaitable[object]) -> dict[str, Any]:
    started = perf_counter()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            await check
    except (psycopg.OperationalError, RPCError, Problem, TimeoutError) as error:
        return {"status": "down", "problem": type(error).__name__}
    return {"status": "up", "milliseconds": round(1000 * (perf_counter() - started), 1)}


async def _temporal_is_healthy(gateway: Gateway) -> None:
    client = gateway.temporal.client
    if not await client.service_client.check_health(timeout=timedelta(seconds=CHECK_TIMEOUT)):
        raise TimeoutError


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "Metrics in Prometheus text format."}},
)
async def metrics(gateway: GatewayDep) -> Response:
    return Response(await gateway.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get(
    "/problems/{kind}",
    summary="Explain a problem type",
    response_class=PlainTextResponse,
    responses={200: {"description": "The explanation as plain text."}, **only(problems("not-found"), 404, 422)},
)
async def explain_problem(kind: str) -> Response:
    if kind not in PROBLEMS:
        raise not_found("no such problem type")
    status, title, meaning = PROBLEMS[kind]
    return PlainTextResponse(f"{title} ({status})\n\n{meaning}\n")
