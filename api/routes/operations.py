"""What machines ask of the gateway without a key: does it live, is it ready, how does it do. No tenant's data."""

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

from api.dependencies import Gateway, TheGateway
from api.problems import PROBLEMS, RETRY_SECONDS, not_found
from db.journeys import projection

ANSWER_LIMIT = 2.0  # seconds

router = APIRouter(tags=["operations"])


@router.get("/livez", summary="The process lives")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get(
    "/readyz",
    summary="Postgres and Temporal answer",
    response_model=None,
    responses={503: {"description": "A part does not answer; the body says which."}},
)
async def readyz(gateway: TheGateway) -> Response:
    postgres, temporal = await asyncio.gather(
        _part(projection.database_time(gateway.pool)), _part(_temporal_answers(gateway))
    )
    ready = postgres["status"] == temporal["status"] == "up"
    content = {"status": "ready" if ready else "not ready", "postgres": postgres, "temporal": temporal}
    headers = {} if ready else {"Retry-After": str(RETRY_SECONDS)}
    return JSONResponse(content, 200 if ready else 503, headers)


async def _part(question: Awaitable[object]) -> dict[str, Any]:
    started = perf_counter()
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            await question
    except (psycopg.OperationalError, RPCError, Problem, TimeoutError) as error:
        return {"status": "down", "problem": type(error).__name__}
    return {"status": "up", "milliseconds": round(1000 * (perf_counter() - started), 1)}


async def _temporal_answers(gateway: Gateway) -> None:
    client = gateway.temporal.client
    if not await client.service_client.check_health(timeout=timedelta(seconds=ANSWER_LIMIT)):
        raise TimeoutError


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(gateway: TheGateway) -> Response:
    return Response(await gateway.meters.text(), media_type="text/plain; version=0.0.4")


@router.get("/problems/{kind}", summary="What a problem's type means", response_class=PlainTextResponse)
async def explain_problem(kind: str) -> Response:
    if kind not in PROBLEMS:
        raise not_found("there is no such problem")
    status, title, meaning = PROBLEMS[kind]
    return PlainTextResponse(f"{title} ({status})\n\n{meaning}\n")
