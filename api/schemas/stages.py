"""The company's stages, rules and scoring."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Count, CustomerId, Schema, StageKey, StageKind, StageName, optional
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


class Preset(Schema):
    """A ready-made rulebook."""

    key: str
    name: str
    description: str
    stages: list[Stage]


class Presets(Schema):
    """The ready-made rulebooks."""

    presets: list[Preset]


class RulebookVersion(Stages):
    """One version of stages, rules and scoring."""

    effective_at: datetime = Field(description="events are decided by it from this time on")
    actor: str = Field(description="who made it, such as `key/3`; `system` for the rules that a company began with")
    reason: str | None
    run_actions: bool = Field(description="whether the moves caused by the change ran the actions of their stages")
    restores: int | None = Field(description="the version that it made the newest again")
    is_current: bool


class RulebookVersions(Schema):
    """The versions of the rules, the newest first."""

    versions: list[RulebookVersion]


class RuleChange(Schema):
    """A change of the rules that is in force."""

    version: int = Field(ge=1, description="the version in force")
    rollout_id: str | None = Field(description="see `GET /v1/stages/rollouts/{rollout_id}`; null if nothing changed")


class RolloutMove(Schema):
    """How many journeys moved from one stage to another because of the change."""

    from_: StageKey = Field(alias="from")
    to: StageKey
    count: Count


class RolloutStages(Schema):
    """Where a customer was to go, or went."""

    from_: StageKey = Field(alias="from")
    to: StageKey


RolloutReason = Literal["event", "time", "set", "unanswered", "gone", "unknown"]


class DifferingCustomer(Schema):
    """A customer whom the roll-out moved otherwise than the preview said."""

    customer_id: CustomerId | None
    planned: RolloutStages | None = Field(description="null: the preview does not move them")
    moved: RolloutStages | None = Field(description="null: the roll-out has not moved them")
    reason: RolloutReason = Field(
        description="`event`: an event after the preview; `time`: a deadline between the preview and the change;"
        " `set`: somebody set the stage; `unanswered`: not committed yet; `gone`: merged or erased; `unknown`: a fault"
    )


class RolloutReport(Schema):
    """What the roll-out did, compared with the preview."""

    planned: Count = Field(description="customers whom the preview moves")
    moved: Count = Field(description="customers whom the roll-out moved")
    as_planned: Count = Field(description="of these, customers who were moved just as the preview said")
    differing: dict[RolloutReason, Count] = Field(description="the others, by reason")
    customers: Annotated[list[DifferingCustomer], Field(max_length=100, description="the first of them")]


class Rollout(Schema):
    """The progress of a roll-out."""

    rollout_id: str
    version: int
    status: Literal["running", "paused", "complete", "replaced", "failed"] = Field(
        description="`replaced`: a newer version was made, whose roll-out does the rest"
    )
    total: Count | None = Field(description="journeys of the company when it began; null while no worker answers")
    looked: Count | None = Field(description="journeys that it has looked at")
    changed: Count | None = Field(description="of these, journeys whose stage, scores or deadline changed")
    unchanged: Count | None = Field(description="of these, journeys that stay as they are")
    unanswered: Count | None = Field(description="changed journeys that did not commit in time")
    left: Count | None = Field(description="journeys still to look at")
    moved: Count = Field(description="journeys that the change has moved so far")
    moves: list[RolloutMove]
    preview_id: int | None = Field(description="the preview of the change, if it has one")
    report: RolloutReport | None = Field(description="null before the end, and without a preview on record")
