"""Merge two customers who are one person, or preview what a merge would do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, StringConstraints

from activities.merging import plan_merge
from api.dependencies import CredentialDep, CustomerIdAsGiven, GatewayDep
from api.journey_commands import ANSWER_LIMIT, by_key
from api.openapi import json_answer, problems
from api.problems import not_found, problem, unavailable
from api.schemas.merges import CustomerMerge
from api.security.route_classes import scoped_route
from contracts.journey_client import CommandRefused, CommandTimedOut, TemporalUnavailable, merge_customers
from contracts.requests import MergeRequest, MergeResult
from db.connections import tenant_transaction
from db.people.api_keys import ADMIN
from journey.identifiers import ANCHORED_CUSTOMER_ID
from journey.time import to_micros

router = APIRouter(tags=["customers"], route_class=scoped_route(ADMIN))

_EXAMPLE = {
    "customer_id": "c-1002",
    "into": "c-1001",
    "profile": ["phone"],
    "consent": {"sms": True},
    "events": 7,
    "tasks": 1,
    "tasks_cancelled": 0,
    "actions_cancelled": 2,
    "campaign_ended": False,
    "stages": {"customer_id": "customer", "into": "customer", "after": "regular"},
}


class Merge(BaseModel):
    """The customer who remains."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"into": "c-1001"}]})

    into: Annotated[str, StringConstraints(pattern=ANCHORED_CUSTOMER_ID)]


@router.post(
    "/v1/customers/{customer_id}/merge",
    summary="Merge a customer into another one",
    response_model=None,
    responses={
        200: json_answer(CustomerMerge, "What was merged, or with `preview` what would be.", _EXAMPLE),
        **problems("not-found", "conflict", "too-large", "unsupported-media-type"),
    },
)
async def merge_customer(
    customer_id: CustomerIdAsGiven,
    body: Merge,
    gateway: GatewayDep,
    credential: CredentialDep,
    preview: Annotated[bool, Query(description="only say what the merge would do")] = False,
) -> dict[str, Any]:
    """Both customers are one person: `customer_id` becomes an alias of `into`, for good. **This cannot be undone.**

    Events, tasks and messages count for `into`, whose profile takes what it lacks; a recorded "no" to a channel of
    either wins. The journey of `into` moves to the stage where it belongs by the events of both.
    """
    company_id = credential.company_id
    if preview:
        result = await _preview(gateway, company_id, customer_id, body.into)
    else:
        request: MergeRequest = {
            "company_id": company_id,
            "customer_id": customer_id,
            "into": body.into,
            "actor": by_key(credential),
        }
        try:
            result = await merge_customers(gateway.temporal.client, request, timeout=ANSWER_LIMIT)
        except CommandRefused as error:
            raise problem("conflict", str(error)) from None
        except CommandTimedOut as error:
            raise unavailable("worker", str(error)) from None
        except TemporalUnavailable:
            raise unavailable("Temporal") from None
    if "refused" in result:
        kind, reason = result["refused"]
        raise not_found(reason) if kind == "not_found" else problem("conflict", reason)
    return dict(result)


async def _preview(gateway: GatewayDep, company_id: int, customer_id: str, into: str) -> MergeResult:
    now = to_micros(datetime.now(UTC))
    async with tenant_transaction(gateway.pool, company_id) as connection:
        rulebook = await gateway.rulebooks.load(connection, company_id)
        plan = await plan_merge(connection, company_id, customer_id, into, rulebook, now)
    return {"refused": plan} if isinstance(plan, tuple) else plan.summary()
