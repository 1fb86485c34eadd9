"""Answers of the event intake, and the messages of the change stream."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.base import Count, CustomerId, Schema, StageKey, TriggerType, optional


class FieldError(Schema):
    """An invalid field."""

    field: str = Field(description="path of the field; `(body)` for the body as a whole")
    value: str = Field(description="its value, shortened")
    problem: str = Field(description="what is wrong or what is allowed")


class RejectedEvent(Schema):
    """An event that was not accepted."""

    index: Count = Field(description="position in the batch, from 0")
    id: str | None = Field(description="the event's id, if it can be read")
    errors: list[FieldError] = Field(description="every invalid field, up to ten")


class EventsAccepted(Schema):
    """Every accepted event has been stored."""

    accepted: Count
    rejected: list[RejectedEvent]


class CausedTransition(Schema):
    """A transition that an event caused."""

    from_stage: StageKey | None
    to_stage: StageKey
    transitioned_at: datetime
    trigger_type: TriggerType
    trigger_event: str | None


class EventOutcome(Schema):
    """What became of one event."""

    id: str
    outcome: Literal["applied", "duplicate", "conflict", "quarantined", "pending"] = Field(
        description="`pending`: not known yet when the wait ended"
    )
    reason: str = optional("why the event was not applied")
    transitions: list[CausedTransition]


class EventOutcomes(EventsAccepted):
    """Every accepted event with its outcome."""

    outcomes: list[EventOutcome]


class StreamPing(Schema):
    """Data of a `ping`."""

    at: datetime


class StreamChange(Schema):
    """Data of a `changed` event."""

    customers: list[CustomerId] | None = Field(
        description="customers whose journeys, tasks or actions changed; null: too many to list"
    )
    at: datetime
