"""The company's stages, rules and scoring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Schema, StageKey, StageKind, StageName, optional
from journey.stages import Role

Weight = Annotated[str, Field(description="decimal string from 0 to 1")]
Decimal = Annotated[str, Field(description="decimal string")]


class TransitionRule(Schema):
    """A trigger and its conditions, all of which must hold."""

    trigger: str = Field(description="such as `appointment_count`")
    conditions: dict[str, str] | Annotated[list[str], Field(max_length=0)] = optional(
        'facts with an operator and a number, such as `{"count": ">=3"}`; `[]` means `{}`'
    )


class Stage(Schema):
    """A stage of the company's ladder."""

    stage_key: StageKey
    stage_name: StageName
    description: str | None
    order_index: int
    color: Annotated[str, Field(pattern="^#[0-9A-Fa-f]{6}$")] | None
    icon: str | None
    kind: StageKind = Field(description="`growth`: reached by activity; `lapse`: reached by inactivity")
    role: Literal[Role.AT_RISK, Role.LOST, Role.VIP] | None = Field(
        description="what the stage means to analytics, lists and the dashboard, whatever its key"
    )
    auto_transition_rules: TransitionRule | list[TransitionRule] | None
    retention_days: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        description="days of inactivity after which a journey leaves this stage"
    )
    actions: list[str] = Field(description="names of the actions when the stage is entered")
    is_active: bool


class ScoringSettings(Schema):
    """Weights and thresholds of the scores."""

    high_risk: Weight = Field(description="risk score above which a customer counts as at risk")
    booking_grace_hours: int = Field(
        description="hours after a booked time during which an appointment without an outcome still counts as booked"
    )
    risk_inactive_days: Annotated[list[int], Field(min_length=2, max_length=2)]
    risk_inactive_weights: Annotated[list[Weight], Field(min_length=2, max_length=2)]
    risk_missed_rate: Weight
    risk_missed_weight: Weight
    risk_trend: Decimal
    risk_trend_weight: Weight
    risk_open_tickets: int
    risk_tickets_weight: Weight
    engagement_frequency_weight: Weight
    engagement_recency_weight: Weight
    engagement_money_weight: Weight
    engagement_interaction_weight: Weight
    engagement_full_frequency: int
    engagement_full_value: Decimal
    recency_days: Annotated[list[int], Field(min_length=4, max_length=4)]
    recency_scores: Annotated[list[Weight], Field(min_length=5, max_length=5)]


class Stages(Schema):
    """All stages in order, and the scoring."""

    version: int = Field(ge=1, description="version of the rules")
    stages: list[Stage]
    scoring: ScoringSettings
