"""Conversion funnel alone, for another period than that of the other figures."""

from __future__ import annotations

from datetime import date, datetime

import orjson
from fastapi import APIRouter, Response
from pydantic import Field

from api.analytics_parameters import AsOf, Period, parse_query
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.routes.analytics.customer_journey import FunnelStep
from api.schemas.base import Schema
from api.security.route_classes import scoped_route
from db.analytics import journey_analytics
from db.people.api_keys import JOURNEYS_READ

router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))


class Funnel(Schema):
    """The journeys that started in the period, by the growth stages they ever reached."""

    period: Period
    as_of: datetime
    period_from: date | None = Field(description="first day of the period (UTC); null for `all`")
    funnel_data: list[FunnelStep]


_EXAMPLE = {
    "period": "all",
    "as_of": "2026-03-12T09:00:00+00:00",
    "period_from": None,
    "funnel_data": [
        {"stage": "prospect", "customers": 40, "percentage": 100.00, "conversionRate": 100.00},
        {"stage": "lead", "customers": 34, "percentage": 85.00, "conversionRate": 85.00},
    ],
}


@router.get(
    "/v1/portal/analytics/funnel",
    summary="Conversion funnel",
    description="Counts the journeys that started in the period, and how many of them reached each growth stage or a"
    " later one by `as_of`, also after the period. With `all`, it counts all customers.",
    response_model=None,
    responses={200: json_answer(Funnel, "The funnel.", _EXAMPLE), **problems()},
)
async def get_funnel(
    gateway: GatewayDep, credential: CredentialDep, period: Period = "all", as_of: AsOf = None
) -> Response:
    query = parse_query(await gateway.rulebook(credential.company_id), period, as_of)
    steps = await journey_analytics.funnel(gateway.pool, credential.company_id, query)
    body = {"period": period, "as_of": query.until, "period_from": query.since, "funnel_data": steps}
    return Response(orjson.dumps(body), media_type=JSON)
