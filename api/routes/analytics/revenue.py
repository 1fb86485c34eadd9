"""Revenue of a period by week or month, with its total and that of the period before."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.analytics_parameters import AsOf, Period, parse_query
from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.schemas.base import Count, Money, Schema
from api.security.route_classes import scoped_route
from db.analytics.revenue import Unit, revenue
from db.people.api_keys import JOURNEYS_READ

router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))


class RevenueSum(Schema):
    """Sums over some days."""

    appointments: Count = Field(description="completed appointments")
    revenue: Money = Field(description="amounts of completed appointments")
    adjustments: Money = Field(description="sum of payment adjustments; negative if refunds prevail")


class RevenueRow(RevenueSum):
    """One week or month, as far as it is in the period."""

    first: date
    last: date


class Revenue(Schema):
    """Revenue of the period; `total.revenue + total.adjustments` is the net revenue."""

    period: Period
    as_of: datetime
    by: Unit
    first: date | None = Field(description="first day; null if nothing was ever earned and the period is `all`")
    last: date = Field(description="last day, which counts as a whole")
    total: RevenueSum
    previous: RevenueSum | None = Field(description="the period before, of the same length; null for `all`")
    rows: list[RevenueRow]


_EXAMPLE = {
    "period": "week",
    "as_of": "2026-03-12T09:00:00+00:00",
    "by": "week",
    "first": "2026-03-06",
    "last": "2026-03-12",
    "total": {"appointments": 14, "revenue": 912.50, "adjustments": -20.00},
    "previous": {"appointments": 12, "revenue": 801.00, "adjustments": 0.00},
    "rows": [
        {"first": "2026-03-06", "last": "2026-03-08", "appointments": 6, "revenue": 390.00, "adjustments": 0.00},
        {"first": "2026-03-09", "last": "2026-03-12", "appointments": 8, "revenue": 522.50, "adjustments": -20.00},
    ],
}


@router.get(
    "/v1/portal/analytics/revenue",
    summary="Revenue by week or month",
    description="Covers the period (1, 7, 30, 90 or 365 UTC days ending with the day of `as_of`, or `all`); days count"
    " as a whole. Weeks begin on Monday. The first and the last row count only their days in the period.",
    response_model=None,
    responses={200: json_answer(Revenue, "The revenue.", _EXAMPLE), **problems()},
)
async def get_revenue(
    gateway: GatewayDep,
    credential: CredentialDep,
    period: Period = "month",
    as_of: AsOf = None,
    by: Annotated[Unit, Query(description="length of a row")] = "week",
) -> Response:
    query = parse_query(await gateway.rulebook(credential.company_id), period, as_of)
    return Response(await revenue(gateway.pool, credential.company_id, query, by), media_type=JSON)
