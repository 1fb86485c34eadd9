"""Churn predictions, with the return model and its forecasts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.dependencies import CredentialDep, GatewayDep
from api.event_formats import JSON
from api.openapi import json_answer, problems
from api.problems import invalid
from api.return_forecasts import with_forecasts
from api.schemas.base import Count, Money, RowId, Schema, Score, StageKey, StageName
from api.schemas.customers import IdentifiedCustomer
from api.security.route_classes import scoped_route
from db.analytics.churn_predictions import MAX_COUNTED, ChurnSearch, churn_predictions
from db.people.api_keys import JOURNEYS_READ
from journey.return_forecast import Method
from journey.stages import DEFAULT_RULEBOOK, Role

MAX_PREDICTIONS = 1000


router = APIRouter(tags=["analytics"], route_class=scoped_route(JOURNEYS_READ))


class RetentionAction(Schema):
    """A recommended action."""

    type: Literal["personal_call", "special_offer", "email_campaign"]
    priority: Literal["high", "medium", "low"]
    description: str


class ModelVersion(Schema):
    """The version of the return model that made a prediction."""

    id: RowId
    version: Count
    method: Method
    fitted_at: datetime


class MethodComparison(Schema):
    """How well a method, fitted on the first half of the history, predicted who came in the second half."""

    customers: Count = Field(description="customers who had come by the middle of the history")
    came: Annotated[float, Field(ge=0, le=1)] = Field(description="share of them who came again within the horizon")
    horizon_days: Count
    auc: Annotated[float, Field(ge=0, le=1)] = Field(
        description="probability that a customer who came had a higher forecast than one who did not; 0.5 is chance"
    )
    brier: Annotated[float, Field(ge=0, le=1)] = Field(description="mean squared error of the probabilities")
    calibration_error: Annotated[float, Field(ge=0, le=1)] = Field(
        description="mean distance between forecast and share who came, over deciles of the forecast"
    )


class ModelParameters(Schema):
    """Fitted parameters of a BG/NBD model."""

    r: float
    alpha: float = Field(description="in days")
    a: float
    b: float


class ReturnModelSummary(Schema):
    """The newest return model. If no model exists, every field but `method` and `reason` is null."""

    id: RowId | None
    version: Count | None
    method: Method
    fitted_at: datetime | None
    history_from: date | None
    history_to: date | None
    customers: Count | None = Field(description="customers in the history it was fitted to")
    returned_customers: Count | None = Field(description="of them, those who came back")
    parameters: ModelParameters | None = Field(description="of BG/NBD; null if only recency is used")
    log_likelihood: float | None
    reason: str | None = Field(description="why there is no model; null if there is one")
    comparison: dict[Method, MethodComparison] | None = Field(
        description="how the methods compared; null if the history is too short for that"
    )


class YearValue(Schema):
    """What a customer is expected to spend in the next 365 days."""

    expected: Money
    low: Money = Field(description="`low` and `high` enclose the actual value in about 80 % of cases")
    high: Money


class PredictionInputs(Schema):
    """A customer's visit history as the model reads it, as of today (UTC)."""

    repeat_days: Count = Field(description="days with an appointment after the first one")
    recency_days: Count = Field(description="days from the first to the last appointment")
    age_days: Count = Field(description="days since the first appointment")


class ChurnPrediction(IdentifiedCustomer):
    """A customer who is likely to churn."""

    current_stage: StageKey
    stage_name: StageName
    stage_entered_at: datetime
    risk_score: Score
    days_inactive: int
    lifetime_value: Money
    last_appointment_at: datetime | None
    contacted_at: datetime | None = Field(
        description="when the last message was sent to the customer, or the last call task completed"
    )
    next_appointment_at: datetime | None = Field(description="the earliest booked time still ahead")
    predicted_churn_date: date | None = Field(description="never in the past; null if no date can be predicted")
    predicted_by: Literal["history", "deadline"] | None = Field(
        description="`history`: the company's mean time before churning; `deadline`: the stage rules"
    )
    return_probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="probability of at least one appointment in the next 90 days"
    )
    expected_appointments: Annotated[float, Field(ge=0)] | None = Field(
        description="expected number of days with an appointment in the next 90 days"
    )
    expected_value: Money = Field(
        description="`return_probability` × `lifetime_value`; the lifetime value if the probability is unknown"
    )
    year_value: YearValue | None = Field(description="null if the model uses recency only")
    model: ModelVersion | None
    inputs: PredictionInputs | None
    retention_actions: list[RetentionAction]


class ChurnPredictions(Schema):
    """Customers at risk, and those listed on request, the highest `expected_value` first."""

    total: Count
    more: bool = Field(description="whether the filters add more customers than `total` counts")
    model: ReturnModelSummary
    predictions: list[ChurnPrediction]


(_AT_RISK,) = DEFAULT_RULEBOOK.keys_with(Role.AT_RISK)  # the example is of a company with the default stages
_PREDICTION: dict[str, Any] = {
    "customer_id": "c-1001",
    "name": "Ada Example",
    "email": "ada@example.com",
    "phone": "030 1234567",
    "phone_e164": "+49301234567",
    "current_stage": _AT_RISK,
    "stage_name": "At Risk",
    "stage_entered_at": "2026-03-01T10:15:00+00:00",
    "risk_score": 0.80,
    "days_inactive": 101,
    "lifetime_value": 129.50,
    "last_appointment_at": "2025-12-01T10:15:00+00:00",
    "contacted_at": "2026-02-20T09:30:00+00:00",
    "next_appointment_at": None,
    "predicted_churn_date": "2026-05-30",
    "predicted_by": "history",
    "return_probability": 0.2187,
    "expected_appointments": 0.3841,
    "year_value": {"expected": 88.40, "low": 0.00, "high": 258.00},
    "expected_value": 28.32,
    "model": {"id": 7, "version": 3, "method": "corrected BG/NBD", "fitted_at": "2026-03-08T02:30:00+00:00"},
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
    "comparison": {
        "corrected BG/NBD": {
            "customers": 401,
            "came": 0.6085,
            "horizon_days": 90,
            "auc": 0.7123,
            "brier": 0.2041,
            "calibration_error": 0.0412,
        }
    },
}


@router.get(
    "/v1/portal/analytics/churn-predictions",
    summary="Churn predictions",
    description="Customers in a stage with the role `at_risk`, in descending order of `expected_value`: "
    "`return_probability` × `lifetime_value`, or the lifetime value if the probability is unknown. Without filters, "
    "`total` is the `at_risk_count` of the journey analytics. Of the customers that `min_risk` and "
    f"`max_return_probability` add, it counts up to {MAX_COUNTED:,} (then `more` is true). "
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
    gateway: GatewayDep,
    credential: CredentialDep,
    min_risk: Annotated[
        float | None,
        Query(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="also list customers who are neither at risk nor lost, from this risk score on",
        ),
    ] = None,
    max_return_probability: Annotated[
        float | None,
        Query(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="also list customers who are neither at risk nor lost, up to this return probability as of the "
            "last fit; with `min_risk`, both must match",
        ),
    ] = None,
    include_lost: Annotated[
        bool, Query(description="also list customers who have left, in a stage with the role `lost`")
    ] = False,
    stage: Annotated[
        list[str] | None, Query(max_length=20, description="repeatable; list only customers in one of these stages")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PREDICTIONS)] = 50,
) -> Response:
    rulebook = await gateway.rulebook(credential.company_id)
    for key in stage or ():
        if key not in rulebook.by_key:
            raise invalid("stage", key, f"one of {', '.join(rulebook.by_key)}")
    search = ChurnSearch(min_risk, max_return_probability, include_lost, stage or (), limit)
    predictions = await churn_predictions(gateway.pool, credential.company_id, rulebook, search)
    return Response(await with_forecasts(gateway.pool, credential.company_id, predictions), media_type=JSON)
