"""Journey analytics: key figures, funnel, transitions, times and distribution by stage."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter, Response
from pydantic import Field

from api.analytics_parameters import AsOf, Period, parse_query
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.schemas.base import Count, Money, Percentage, Schema, StageKey
from api.security.route_classes import scoped_route
from db.analytics import journey_analytics
from db.people.api_keys import JOURNEYS_READ
from journey.stages import DEFAULT_RULEBOOK

router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))


class FunnelStep(Schema):
    """One growth stage of the funnel."""

    stage: StageKey
    customers: Count = Field(description="journeys started in the period that ever reached this stage or a later one")
    percentage: Percentage = Field(description="percent of the first step")
    conversion_rate: Percentage = Field(
        alias="conversionRate", description="percent of the step before; 100 at the first step"
    )


class StageMoves(Schema):
    """Number of transitions between two stages in the period."""

    from_: StageKey | None = Field(alias="from", description="null: start of a journey")
    to: StageKey
    count: Count


class KeyFigures(Schema):
    """Key figures at one instant."""

    as_of: datetime
    total_customers: Count
    at_risk_count: Count
    at_risk_percentage: Percentage
    vip_count: Count
    vip_percentage: Percentage
    avg_lifetime_value: Money


class JourneyAnalytics(KeyFigures):
    """The company's journeys as of one instant."""

    period: Period
    period_from: date | None = Field(description="first day of the period (UTC); null for `all`")
    previous: KeyFigures | None = Field(
        description="the key figures at the end of the period before, which is the start of this one; null for `all`"
    )
    funnel_data: list[FunnelStep]
    transitions: list[StageMoves]
    stage_times: dict[StageKey, float] = Field(description="mean time in each stage, in days")
    distribution: dict[StageKey, Count] = Field(description="journeys currently in each stage")


_EXAMPLE = {
    "period": "month",
    "period_from": "2026-02-11",
    "as_of": "2026-03-12T09:00:00+00:00",
    "previous": {
        "as_of": "2026-02-11T00:00:00+00:00",
        "total_customers": 31,
        "at_risk_count": 5,
        "at_risk_percentage": 16.13,
        "vip_count": 1,
        "vip_percentage": 3.23,
        "avg_lifetime_value": 171.00,
    },
    "total_customers": 40,
    "at_risk_count": 4,
    "at_risk_percentage": 10.00,
    "vip_count": 2,
    "vip_percentage": 5.00,
    "avg_lifetime_value": 184.25,
    "funnel_data": [
        {"stage": "prospect", "customers": 20, "percentage": 100.00, "conversionRate": 100.00},
        {"stage": "lead", "customers": 15, "percentage": 75.00, "conversionRate": 75.00},
    ],
    "transitions": [
        {"from": None, "to": "prospect", "count": 20},
        {"from": "prospect", "to": "lead", "count": 15},
    ],
    "stage_times": {"prospect": 3.5904, "lead": 7.25},
    "distribution": dict(zip(DEFAULT_RULEBOOK.by_key, (5, 12, 15, 2, 2, 4, 0), strict=True)),
}


@router.get(
    "/v1/portal/analytics/customer-journey",
    summary="Journey analytics",
    description="`funnel_data` and `transitions` cover the period (1, 7, 30, 90 or 365 UTC days ending with the day of "
    "`as_of`, or `all`). All other values are as of that time. `stage_times` are mean days.",
    response_model=None,
    responses={200: json_answer(JourneyAnalytics, "The analytics.", _EXAMPLE), **problems()},
)
async def get_customer_journey(
    gateway: GatewayDep, credential: CredentialDep, period: Period = "month", as_of: AsOf = None
) -> Response:
    query = parse_query(await gateway.rulebook(credential.company_id), period, as_of)
    return Response(await journey_analytics.dashboard(gateway.pool, credential.company_id, query), media_type=JSON)
