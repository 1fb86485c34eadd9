"""Analytics: funnel, stage flow, stage metrics and churn predictions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Count, CustomerId, Money, Percentage, RowId, Schema, Score, StageKey, StageName

Period = Literal["day", "week", "month", "quarter", "year", "all"]


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


class JourneyAnalytics(Schema):
    """The company's journeys as of one instant."""

    period: Period
    as_of: datetime
    total_customers: Count
    at_risk_count: Count
    at_risk_percentage: Percentage
    vip_count: Count
    vip_percentage: Percentage
    avg_lifetime_value: Money
    funnel_data: list[FunnelStep]
    transitions: list[StageMoves]
    stage_times: dict[StageKey, float] = Field(description="mean time in each stage, in days")
    distribution: dict[StageKey, Count] = Field(description="journeys currently in each stage")


class SankeyNode(Schema):
    """A stage at one step of the diagram."""

    id: str = Field(description="`step:stage`")
    step: Count = Field(description="number of moves made in the period before this one")
    stage: StageKey


class SankeyLink(Schema):
    """Journeys that moved from one node to another."""

    source: str = Field(description="id of a node")
    target: str = Field(description="id of a node one step further")
    count: Count


class StageFlow(Schema):
    """Nodes and links of a Sankey diagram without cycles, by step and stage."""

    period: Period
    as_of: datetime
    nodes: list[SankeyNode]
    links: list[SankeyLink]


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


class RetentionAction(Schema):
    """A recommended action."""

    type: Literal["personal_call", "special_offer", "email_campaign"]
    priority: Literal["high", "medium", "low"]
    description: str


class ModelVersion(Schema):
    """The version of the return model that made a prediction."""

    id: RowId
    version: Count
    method: Literal["BG/NBD"]
    fitted_at: datetime


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
    method: Literal["BG/NBD"]
    fitted_at: datetime | None
    history_from: date | None
    history_to: date | None
    customers: Count | None = Field(description="customers in the history it was fitted to")
    returned_customers: Count | None = Field(description="of them, those who came back")
    parameters: ModelParameters | None
    log_likelihood: float | None
    reason: str | None = Field(description="why there are no parameters; null if the model was fitted")


class PredictionInputs(Schema):
    """A customer's visit history as the model reads it, as of today (UTC)."""

    repeat_days: Count = Field(description="days with an appointment after the first one")
    recency_days: Count = Field(description="days from the first to the last appointment")
    age_days: Count = Field(description="days since the first appointment")


class ChurnPrediction(Schema):
    """A customer who is likely to churn."""

    customer_id: CustomerId
    name: str | None
    email: str | None
    current_stage: StageKey
    stage_name: StageName
    stage_entered_at: datetime
    risk_score: Score
    days_inactive: int
    lifetime_value: Money
    last_appointment_at: datetime | None
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
    model: ModelVersion | None
    inputs: PredictionInputs | None
    retention_actions: list[RetentionAction]


class ChurnPredictions(Schema):
    """Customers at risk, the highest risk first."""

    total: Count
    more: bool = Field(description="whether there are more than `total`")
    model: ReturnModelSummary
    predictions: list[ChurnPrediction]
