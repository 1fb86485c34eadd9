"""Problems: failed and held-back actions of all customers, and trying several of them again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from temporalio.client import Client

from api import cursors
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.journey_commands import ANSWER_LIMIT
from api.openapi import json_answer, problems
from api.routes.actions import ACTION_EXAMPLE, MAX_ROWS, row_position
from api.schemas.action_problems import ProblemsPage, RetryResults
from api.security.route_classes import scoped_route
from contracts.journey_client import CommandRefused, CommandTimedOut, JourneyNotFound, TemporalUnavailable, execute
from contracts.messages import RetryAction
from db.outreach import action_problems
from db.outreach.action_problems import MAX_COUNTED, Problem, ProblemSearch
from db.people.api_keys import JOURNEYS_READ, JOURNEYS_WRITE, Credential

MAX_RETRIES = 50  # actions per request
CONCURRENCY = 8  # commands in progress at once

_read = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_READ))
_write = APIRouter(tags=["actions"], route_class=scoped_route(JOURNEYS_WRITE))


@_read.get(
    "/v1/portal/problems",
    summary="List failed and held-back actions",
    response_model=None,
    responses={
        200: json_answer(
            ProblemsPage,
            f"A page, newest first. `action_counts` counts up to {MAX_COUNTED:,} of each problem and action (then"
            " `more` is true); it is null on all pages but the first. `next_cursor` (null on the last page) is the"
            " `cursor` of the next page.",
            {
                "actions": [{**ACTION_EXAMPLE, "problem": "failed"}],
                "action_counts": [
                    {"problem": "failed", "action": "send_welcome_email", "count": 1, "more": False},
                    {"problem": "waiting", "action": "centre_offer", "count": 12, "more": False},
                ],
                "next_cursor": None,
            },
        ),
        **problems(),
    },
)
async def get_problems(
    gateway: GatewayDep,
    credential: CredentialDep,
    problem: Annotated[
        list[Problem] | None, Query(max_length=4, description="repeatable; matches any of these")
    ] = None,
    action: Annotated[
        str | None,
        Query(pattern=r"^[a-z0-9_]{1,64}$", description="name of the action without its step"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS)] = 50,
    cursor: Annotated[str | None, Query(max_length=cursors.MAX_LENGTH)] = None,
) -> Response:
    before = None if cursor is None else row_position(cursor, "problems")
    search = ProblemSearch(sorted(set(problem or ())), action, limit, before)
    rows, following = await action_problems.list_problems(gateway.pool, credential.company_id, search)
    counts = await action_problems.count_problems(gateway.pool, credential.company_id) if before is None else None
    next_cursor = None if following is None else cursors.encode("problems", following)
    rest = orjson.dumps({"action_counts": counts, "next_cursor": next_cursor})
    return Response(b'{"actions":' + rows + b"," + rest[1:], media_type=JSON)


def _distinct(action_ids: list[int]) -> list[int]:
    if len(set(action_ids)) < len(action_ids):
        raise ValueError("each id once")
    return action_ids


class RetryRequest(BaseModel):
    """Actions to try again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"action_ids": [311, 312]}]})

    action_ids: Annotated[
        list[Annotated[int, Field(ge=1, lt=1 << 63)]],
        Field(min_length=1, max_length=MAX_RETRIES, description=f"ids of actions, at most {MAX_RETRIES}, each once"),
        AfterValidator(_distinct),
    ]


@_write.post(
    "/v1/portal/problems/retry",
    summary="Try several actions again",
    response_model=None,
    responses={
        200: json_answer(
            RetryResults,
            "What became of each action. Only failed and suppressed actions are tried again; others are refused.",
            {
                "retried": 1,
                "results": [
                    {"action_id": 311, "customer_id": "c-1001", "outcome": "retried", "reason": None},
                    {
                        "action_id": 312,
                        "customer_id": "c-1002",
                        "outcome": "refused",
                        "reason": "action 312 is succeeded; only failed or suppressed actions can be retried",
                    },
                ],
            },
        ),
        **problems("too-large", "unsupported-media-type"),
    },
)
async def retry_actions(request: RetryRequest, gateway: GatewayDep, credential: CredentialDep) -> Response:
    """Each action is tried again independently of the others: one that is refused does not stop the rest. Messages are
    sent with the same ids as the first time, and consent, quiet hours and the message cap apply.
    """
    client = gateway.temporal.client
    customers = await action_problems.customers_of_actions(gateway.pool, credential.company_id, request.action_ids)
    slots = asyncio.Semaphore(CONCURRENCY)
    deadline = asyncio.get_running_loop().time() + ANSWER_LIMIT  # of the whole request, as of a single command

    async def retry(action_id: int) -> dict[str, Any]:
        async with slots:
            return await _retry(client, credential, action_id, customers, deadline)

    results = await asyncio.gather(*map(retry, request.action_ids))
    retried = sum(result["outcome"] == "retried" for result in results)
    return Response(orjson.dumps({"retried": retried, "results": results}), media_type=JSON)


async def _retry(
    client: Client, credential: Credential, action_id: int, customers: Mapping[int, str], deadline: float
) -> dict[str, Any]:
    """Try one action again, and return its RetryResult."""
    outcome: Literal["retried", "refused", "not_found", "not_confirmed"] = "retried"
    reason: str | None = None
    customer = customers.get(action_id)
    timeout = deadline - asyncio.get_running_loop().time()
    if customer is None:
        outcome = "not_found"
    elif timeout <= 0:
        outcome, reason = "not_confirmed", "not attempted, because the actions before it took too long"
    else:
        command = RetryAction(action_id, performed_by=credential.key_id)
        try:
            await execute(client, credential.company_id, customer, command, timeout=timeout)
        except CommandRefused as error:
            outcome, reason = "refused", str(error).removeprefix("action_id: ")
        except JourneyNotFound:
            outcome, reason = "refused", "this customer has no journey"
        except CommandTimedOut as error:
            outcome, reason = "not_confirmed", str(error)
        except TemporalUnavailable:
            outcome, reason = "not_confirmed", "Temporal does not respond"
    return {"action_id": action_id, "customer_id": customer, "outcome": outcome, "reason": reason}


router = APIRouter(routes=[*_read.routes, *_write.routes])
