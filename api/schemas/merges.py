"""Merges of customers, and pairs of customers who may be one person."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.base import CustomerId, Schema


class MergeStages(Schema):
    """The stages of both journeys before the merge, and of the one that remains; null without a journey."""

    customer_id: str | None
    into: str | None
    after: str | None


class CustomerMerge(Schema):
    """What a merge did, or will do. It cannot be undone."""

    customer_id: CustomerId = Field(description="the customer whose id becomes an alias")
    into: CustomerId = Field(description="the customer who remains")
    profile: list[str] = Field(description="fields that the remaining customer lacks and takes from the other")
    consent: dict[str, bool | None] = Field(
        description="channel: the consent of the remaining customer after the merge, where it changes; null if there is"
        " no record any more, because a consent holds only for the address for which it was given"
    )
    events: int = Field(description="events that count for the remaining customer from now on")
    tasks: int = Field(description="open tasks that move")
    tasks_cancelled: int = Field(description="open tasks that are cancelled, because a call task is open already")
    actions_cancelled: int = Field(description="unfinished actions that are cancelled")
    campaign_ended: bool = Field(description="the other customer's retention campaign ends")
    stages: MergeStages


class PossibleDuplicate(Schema):
    """One customer of a pair."""

    customer_id: CustomerId
    name: str | None
    email: str | None
    phone: str | None
    created_at: datetime
    current_stage: str | None = Field(description="null without a journey")
    total_appointments: int
    last_appointment_at: datetime | None


class DuplicatePair(Schema):
    """Two customers who may be one person."""

    strength: Literal["strong", "likely", "weak"] = Field(
        description="strong: two reasons; likely: the same phone number or mailbox; weak: only the same name"
    )
    reasons: list[Literal["phone", "email", "name"]] = Field(description="what is the same")
    customers: list[PossibleDuplicate] = Field(min_length=2, max_length=2)


class DuplicatesPage(Schema):
    """A page of pairs of customers who may be one person."""

    duplicates: list[DuplicatePair]
    next_cursor: str | None


class DismissedPair(Schema):
    """A pair that is not listed again."""

    customers: list[CustomerId]
