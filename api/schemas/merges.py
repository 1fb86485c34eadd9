"""Merges of customers, and pairs of customers who may be one person."""

from __future__ import annotations

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
