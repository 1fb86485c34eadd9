"""Analytics: journeys as of an instant, stage flow, stage metrics and churn predictions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid
from api.return_forecasts import with_forecasts
from api.schemas.analytics import ChurnPredictions, JourneyAnalytics, StageFlow, StageMetrics
from api.security.route_classes import scoped_route
from db.analytics import journey_analytics
from db.analytics.churn_predictions import MAX_COUNTED, churn_predictions
from db.analytics.journey_analytics import AnalyticsQuery
from db.analytics.sankey import MAX_STEPS, sankey
from db.analytics.stage_metrics import stage_metrics
from db.people.api_keys import JOURNEYS_READ
from journey.stages import DEFAULT_RULEBOOK, Role
from journey.time import EARLIEST

MAX_DAYS = 366
MAX_PREDICTIONS = 1000
AHEAD = timedelta(minutes=5)  # how far in the future an event may occur

Period = Literal["day", "week", "month", "quarter", "year", "all"]
AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        description="a time in the past, RFC 3339 with UTC offset; default: now",
        examples=["2026-03-12T09:00:00Z"],
    ),
]

router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))

(_AT_RISK,) = DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)  # the examples are of a company with the default stages
_ANALYTICS_EXAMPLE = {
    "period": "month",
    "as_of": "2026-03-12T09:00:00+00:00",
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
_SANKEY = {
    "period": "year",
    "as_of": "2026-03-12T09:00:00+00:00",
    "nodes": [
        {"id": "0:customer", "step": 0, "stage": "customer"},
        {"id": f"1:{_AT_RISK}", "step": 1, "stage": _AT_RISK},
        {"id": "2:customer", "step": 2, "stage": "customer"},
    ],
    "links": [
        {"source": "0:customer", "target": f"1:{_AT_RISK}", "count": 9},
        {"source": f"1:{_AT_RISK}", "target": "2:customer", "count": 4},
    ],
}
_METRIC = {
    "metric_date": "2026-03-12",
    "stage": "customer",
    "customer_count": 15,
    "avg_time_in_stage": 41.50,
    "journeys_entered_30d": 8,
    "conversion_rate": 25.00,
    "revenue": 640.00,
}
_PREDICTION: dict[str, Any] = {
    "customer_id": "c-1001",
    "name": "Ada Example",
    "email": "ada@example.com",
    "current_stage": _AT_RISK,
    "stage_name": "At Risk",
    "stage_entered_at": "2026-03-01T10:15:00+00:00",
    "risk_score": 0.80,
    "days_inactive": 101,
    "lifetime_value": 129.50,
    "last_appointment_at": "2025-12-01T10:15:00+00:00",
    "predicted_churn_date": "2026-05-30",
    "predicted_by": "history",
    "return_probability": 0.2187,
    "expected_appointments": 0.3841,
    "model": {"id": 7, "version": 3, "method": "BG/NBD", "fitted_at": "2026-03-08T02:30:00+00:00"},
    "inputs": {"repeat_days": 2, "recency_days": 71, "age_days": 172},
    "retention_actions": [
        {"type": "special_offer", "priority": "medium", "description": "Send a special return offer"},
        {"type": "email_campaign", "priority": "low", "description": "Include in re-engagement email campaign"},
    ],
}
_MODEL = {
    **_PREDICTION["model"],
    "history_from": "2025-01-04",
    "history_to": "2026-03-08",
    "customers": 812,
    "returned_customers": 305,
    "parameters": {"r": 0.243, "alpha": 30.9, "a": 0.793, "b": 2.426},
    "log_likelihood": -14363.53,
    "reason": None,
}


@router.get(
    "/v1/portal/analytics/customer-journey",
    summary="Journey analytics",
    description="`funnel_data` and `transitions` cover the period (1, 7, 30, 90 or 365 UTC days ending with the day of "
    "`as_of`, or `all`). All other values are as of that time. `stage_times` are mean days.",
    response_model=None,
    responses={200: json_answer(JourneyAnalytics, "The analytics.", _ANALYTICS_EXAMPLE), **problems()},
)
async def get_customer_journey(
    gateway: GatewayDep, credential: CredentialDep, period: Period = "month", as_of: AsOf = None
) -> Response:
    rulebook = await gateway.rulebook(credential.company_id)
    query = AnalyticsQuery(rulebook.all_stages, _instant(as_of), period)
    return Response(await journey_analytics.dashboard(gateway.pool, credential.company_id, query), media_type=JSON)


@router.get(
    "/v1/portal/analytics/sankey",
    summary="Stage flow (Sankey)",
    description="A node is a stage at a step, that is, after a number of moves in the period. So loops are visible and"
    f" links never lead back. For journeys with more than {MAX_STEPS} moves, the last link leads to their final stage.",
    response_model=None,
    responses={
        200: json_answer(StageFlow, "Nodes and links, by step and stage.", _SANKEY),
        **problems(),
    },
)
async def get_sankey(
    gateway: GatewayDep, credential: CredentialDep, period: Period = "month", as_of: AsOf = None
) -> Response:
    rulebook = await gateway.rulebook(credential.company_id)
    query = AnalyticsQuery(rulebook.all_stages, _instant(as_of), period)
    return Response(await sankey(gateway.pool, credential.company_id, query), media_type=JSON)


@router.get(
    "/v1/portal/analytics/churn-predictions",
    summary="Churn predictions",
    description="Customers whose risk score exceeds the company's `scoring.high_risk`, and customers in a stage with "
    "the role `at_risk`, in descending order of risk. `total` counts them, up to "
    f"{MAX_COUNTED:,} (then `more` is true). "
    "`predicted_by` is `history` (the company's mean time before churning), `deadline` (the stage rules), or null if "
    "no date can be predicted. `return_probability` (of at least one appointment in the next 90 days) and "
    "`expected_appointments` (expected days with an appointment in them) come from the company's newest `model` and "
    "the customer's `inputs` as of today. All four are null if there is no model (see `model.reason`) or the customer "
    "has never had an appointment.",
    response_model=None,
    responses={
        200: json_answer(
            ChurnPredictions,
            "The predictions.",
            {"total": 1, "more": False, "model": _MODEL, "predictions": [_PREDICTION]},
        ),
        **problems(),
    },
)
async def get_churn_predictions(
    gateway: GatewayDep, credential: CredentialDep, limit: Annotated[int, Query(ge=1, le=MAX_PREDICTIONS)] = 50
) -> Response:
    rulebook = await gateway.rulebook(credential.company_id)
    predictions = await churn_predictions(gateway.pool, credential.company_id, rulebook, limit)
    return Response(await with_forecasts(gateway.pool, credential.company_id, predictions), media_type=JSON)


@router.get(
    "/v1/portal/analytics/stage-metrics",
    summary="Stage metrics by day",
    description=f"Days are in UTC, at most {MAX_DAYS} of them. Future days have no rows.",
    response_model=None,
    responses={200: json_answer(StageMetrics, "Rows by day and stage.", {"stage_metrics": [_METRIC]}), **problems()},
)
async def get_stage_metrics(
    gateway: GatewayDep,
    credential: CredentialDep,
    first: Annotated[date | None, Query(alias="from", description="default: 29 days before `to`")] = None,
    last: Annotated[date | None, Query(alias="to", description="default: the day of `as_of`")] = None,
    as_of: AsOf = None,
) -> Response:
    instant = _instant(as_of)
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


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        # an unencoded plus sign arrives as a space
        instant = datetime.fromisoformat(text.replace(" ", "+"))
        if instant.tzinfo is not None and EARLIEST <= instant <= datetime.now(UTC) + AHEAD:
            return instant
    except (ValueError, OverflowError):
        pass  # reported below, as for a time without an offset
    raise invalid("as_of", text, "a time with UTC offset between 1900 and now, such as 2026-03-12T09:00:00Z")
