"""Retractions of events by staff."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.base import Count, CustomerId, Money, Schema, Score, StageKey


class JourneyFigures(Schema):
    """A journey as it is, or as it would be."""

    stage: StageKey
    total_appointments: Count
    lifetime_value: Money
    missed_appointments: Count
    last_appointment_at: datetime | None
    next_appointment_at: datetime | None
    risk_score: Score
    engagement_score: Score


class RetractionEffect(Schema):
    """What the retraction of an event changes."""

    customer_id: CustomerId
    retracts: str = Field(description="id of the event")
    type: str = Field(description="type of the event")
    occurred_at: datetime
    before: JourneyFigures
    after: JourneyFigures
    held: bool = Field(description="the journey is held: its stage stays as it is")


class Retraction(RetractionEffect):
    """A retraction that was applied."""

    id: str = Field(description="id of the retraction, an event of the type `event.retracted`")
