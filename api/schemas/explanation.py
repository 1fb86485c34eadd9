"""Why a journey is in its stage, and what will happen to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import (
    ActionName,
    Count,
    CustomerId,
    MoneyText,
    Schema,
    StageKey,
    StageKind,
    StageName,
    TriggerType,
    optional,
)
from api.schemas.journeys import Comparison, TransitionReason, TriggerEvent

DecimalText = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="exact decimal string")]


class Hold(Schema):
    """A stage that is held."""

    until: datetime | None = Field(description="end of the hold; null: until it is released")


class ScoreFactor(Schema):
    """One summand of a score; the contributions add up to the score exactly."""

    name: str
    contribution: DecimalText
    because: str


class ExplainedScore(Schema):
    """A score and its factors."""

    score: DecimalText
    factors: list[ScoreFactor]


class ExplainedScores(Schema):
    """Both scores of a journey, from 0 to 1."""

    risk: ExplainedScore
    engagement: ExplainedScore


class JourneyFacts(Schema):
    """The facts that rules and scores are computed from."""

    total_appointments: Count
    lifetime_value: MoneyText
    last_appointment_at: datetime | None
    next_appointment_at: datetime | None
    usual_interval: float | None = Field(description="usual number of days between visits")
    overdue_from: datetime | None = Field(
        description="the last visit and the usual interval after it, from which `overdue_days` counts"
    )
    last_event_at: datetime | None
    missed: Count
    cancelled: Count
    requests: Count
    calls: Count
    qualified_calls: Count
    ratings: Count
    open_tickets: Count


class Booking(Schema):
    """The booked times that keep the journey out of lapse stages."""

    next_appointment_at: datetime | None = Field(description="the earliest booked time still ahead")
    booked_until: datetime = Field(description="the latest booked time and its grace; until then no rule lapses")
    booked_times: list[datetime] = Field(description="booked times still ahead")


class RuleVerdict(Schema):
    """One rule with the numbers it compared."""

    trigger: str
    holds: bool
    conditions: list[Comparison]


class StageVerdict(Schema):
    """A stage with its rules as they evaluate now."""

    stage_key: StageKey
    kind: StageKind
    current: bool
    holds: bool
    rules: list[RuleVerdict]


class Deadline(Schema):
    """What will happen if no event arrives."""

    at: datetime
    leads_to: StageKey | None = Field(
        description="the stage that is entered; null if only a score, the hold or a booking changes"
    )
    sentence: str


class HeldBackAction(Schema):
    """A message that is held back for now."""

    action: ActionName
    reason: str
    waits_for: Literal["profile", "quiet_hours"]
    until: datetime = Field(description="when it is tried again, at the latest")
    sentence: str


class RecentTransition(Schema):
    """One of the last ten transitions."""

    from_stage: StageKey | None
    to_stage: StageKey
    transitioned_at: datetime
    trigger_type: TriggerType
    trigger_event: TriggerEvent | None
    notes: str | None
    reason: TransitionReason | None


class DifferenceToday(Schema):
    """A figure of that instant, as it was and as the events known today have it."""

    name: str
    then: str | int | None
    today: str | int | None


class RetractedThen(Schema):
    """An event that was retracted since."""

    type: str
    occurred_at: datetime


class UnknownEvent(Schema):
    """An event that had occurred and was not known yet."""

    event_id: str
    type: str
    occurred_at: datetime
    received_at: datetime
    why: Literal["late", "merged", "retracted"] = Field(
        description="it came late, or with a customer who was merged into this one; or it retracts an event of then"
    )
    retracted: RetractedThen | None


class SeenToday(Schema):
    """What a simulation of the events known today says about an instant of the past."""

    stage: StageKey | None
    differences: list[DifferenceToday]
    because: list[UnknownEvent] = Field(description="empty: the journey lived through the same events in another order")


class StageLook(Schema):
    """How a stage was shown."""

    stage_key: StageKey
    stage_name: StageName
    color: str | None
    icon: str | None


class Explanation(Schema):
    """A journey explained."""

    customer_id: CustomerId
    current_stage: StageKey
    stage_name: StageName
    entered_at: datetime
    trigger_event: TriggerEvent
    previous_stage: StageKey | None
    hold: Hold | None
    booking: Booking | None = Field(description="null unless an appointment is booked or its grace has not ended")
    scores: ExplainedScores
    facts: JourneyFacts
    rules: list[StageVerdict]
    deadlines: list[Deadline] = Field(description="the next deadlines, at most eight")
    held_back: list[HeldBackAction] = Field(description="messages that wait for the profile or for quiet hours to end")
    transitions: list[RecentTransition]
    as_of: datetime = optional("the instant that is explained; only with `as_of`")
    rules_version: Count = optional("the version of the rules by which it went then; only with `as_of`")
    rules_since: datetime | None = optional("when that version came into force; null: the oldest on record")
    stages: list[StageLook] = optional("the stages of that version, as they were shown; only with `as_of`")
    today: SeenToday | None = optional("what is known today about that instant; null if nothing differs")


class AssumedTransition(Schema):
    """A transition that would happen."""

    from_stage: StageKey | None
    to_stage: StageKey
    transitioned_at: datetime
    trigger_type: TriggerType
    trigger_event: TriggerEvent | None
    reason: TransitionReason


class AssumedAction(Schema):
    """An action that a stage would cause; whether a message is sent depends on consent and caps, too."""

    action: ActionName
    stage_key: StageKey
    at: datetime


class JourneyAfter(Schema):
    """The journey at the end."""

    current_stage: StageKey | None
    stage_name: StageName | None
    entered_at: datetime
    facts: JourneyFacts
    scores: ExplainedScores
    deadlines: list[Deadline]
    booking: Booking | None


class CourseOfJourney(Schema):
    """How a journey continues."""

    transitions: list[AssumedTransition]
    actions: list[AssumedAction]
    after: JourneyAfter


class WhatIf(Schema):
    """A journey with assumed events, and without."""

    customer_id: CustomerId
    until: datetime
    with_: CourseOfJourney = Field(alias="with")
    without: CourseOfJourney
