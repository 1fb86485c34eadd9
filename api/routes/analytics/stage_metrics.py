"""Stage metrics: one row per stage and day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.analytics_parameters import AsOf, parse_instant
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid
from api.schemas.base import Count, Money, Percentage, Schema, StageKey
from api.security.route_classes import scoped_route
from db.analytics.journey_analytics import AnalyticsQuery
from db.analytics.stage_metrics import stage_metrics
from db.people.api_keys import JOURNEYS_READ
from journey.time import EARLIEST

MAX_DAYS = 366


router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))


class StageMetric(Schema):
    """One stage on one day."""

    metric_date: date = Field(description="the day, in UTC")
    stage: StageKey
    customer_count: Count = Field(description="journeys in the stage at the end of the day")
    avg_time_in_stage: float | None = Field(
        description="mean duration in days of the stays that ended on this day; null if none ended"
    )
    journeys_entered_30d: Count = Field(description="journeys that entered the stage in the 30 days up to this day")
    conversion_rate: Percentage | None = Field(
        description="percent of `journeys_entered_30d` that moved on to a later growth stage; null if none entered"
    )
    revenue: Money = Field(description="revenue of the day from customers in this stage")


class StageMetrics(Schema):
    """Rows by day and stage."""

    stage_metrics: list[StageMetric]


_EXAMPLE = {
    "metric_date": "2026-03-12",
    "stage": "customer",
    "customer_count": 15,
    "avg_time_in_stage": 41.50,
    "journeys_entered_30d": 8,
    "conversion_rate": 25.00,
    "revenue": 640.00,
}


@router.get(
    "/v1/portal/analytics/stage-metrics",
    summary="Stage metrics by day",
    description=f"Days are in UTC, at most {MAX_DAYS} of them. Future days have no rows.",
    response_model=None,
    responses={200: json_answer(StageMetrics, "Rows by day and stage.", {"stage_metrics": [_EXAMPLE]}), **problems()},
)
async def get_stage_metrics(
    gateway: GatewayDep,
    credential: CredentialDep,
    first: Annotated[date | None, Query(alias="from", description="default: 29 days before `to`")] = None,
    last: Annotated[date | None, Query(alias="to", description="default: the day of `as_of`")] = None,
    as_of: AsOf = None,
) -> Response:
    instant = parse_instant(as_of)
    today = (instant or datetime.now(UTC)).astimezone(UTC).date()
    last = today if last is None else last
    if last < EARLIEST.date():
        raise invalid("to", last, f"not before {EARLIEST.date()}")
    first = last - timedelta(days=29) if first is None else first
    if not timedelta(0) <= last - first < timedelta(days=MAX_DAYS):
        raise invalid("from", first, f"at most {MAX_DAYS} days, not after `to`")
    query = AnalyticsQuery((await gateway.rulebook(credential.company_id)).all_stages, instant)
    rows = await stage_metrics(gateway.pool, credential.company_id, query, first, min(last, today))
    return Response(b'{"stage_metrics":' + rows + b"}", media_type=JSON)
