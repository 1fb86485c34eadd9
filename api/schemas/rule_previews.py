"""Schemas of previews of changed rules."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import ActionName, Count, CustomerId, NextCursor, Schema, StageKey, optional

PreviewId = Annotated[int, Field(ge=1, description="see `GET /v1/stages/previews/{preview_id}`")]


class PreviewBegun(Schema):
    """A preview that has begun."""

    id: PreviewId


class PreviewMove(Schema):
    """How many journeys go from one stage to another."""

    from_: StageKey | None = Field(alias="from", description="null: the journey begins")
    to: StageKey
    count: Count


class StageSize(Schema):
    """How many journeys are in a stage now, and after the roll-out."""

    stage: StageKey
    before: Count
    after: Count


class Destination(Schema):
    """How many customers of a stage go to another one."""

    stage: StageKey
    count: Count


class GoneStage(Schema):
    """A stage that the change removes, and where its customers go."""

    stage: StageKey
    customers: Count
    held: Count = Field(description="of these, customers whom a hold keeps in it until it ends")
    to: list[Destination]


class OldAndNewDays(Schema):
    """Days by stage, under both rules."""

    old: dict[str, float]
    new: dict[str, float]


class OldAndNewCounts(Schema):
    """Numbers under both rules."""

    old: Count
    new: Count


class PreviewPast(Schema):
    """The past of all journeys under the old and the new rules, without manual stages."""

    old: list[PreviewMove] = Field(description="transitions under the rules in force")
    new: list[PreviewMove] = Field(description="transitions under the changed rules")
    days_in_stage: OldAndNewDays = Field(description="sum of the days of all customers, by stage")
    campaigns: OldAndNewCounts = Field(description="retention campaigns that would have begun")
    customers_different: Count = Field(description="customers who would have been in other stages or at other times")


class Preview(Schema):
    """A preview of changed rules. The result is kept for a day."""

    id: PreviewId
    status: Literal["running", "complete", "failed"]
    progress: Annotated[float, Field(ge=0, le=1)] = Field(description="share of the journeys that are done")
    as_of: datetime = Field(description="the instant for which it says what a change would do")
    since: datetime | None = Field(description="from when on the past is compared; null: from its beginning")
    base_version: int = Field(ge=1, description="version of the rules that was in force when it began")
    total: Count | None = Field(description="journeys of the company; null until they are counted")
    looked: Count = Field(description="journeys that are done")
    reason: str | None = Field(description="why it failed")
    customers: Count | None = optional("journeys, once it is complete")
    stages: list[StageSize] | None = optional("every stage, those that are not active included")
    moves: list[PreviewMove] | None = optional(
        "what the roll-out does: each customer once, from the stage of now to the stage after it"
    )
    gone: list[GoneStage] | None = optional("stages that the change removes")
    actions: dict[str, Count] | None = optional("how often each action runs if the change is made with `run_actions`")
    campaigns: Count | None = optional("retention campaigns that then begin")
    messages: Count | None = optional("messages to customers that are then sent, those of these campaigns included")
    past: PreviewPast | None = optional("the past under both rules")


class Paths(Schema):
    """The stages that a customer would have entered, in order."""

    old: list[StageKey]
    new: list[StageKey]


class PreviewCustomer(Schema):
    """A customer whom the change concerns."""

    customer_id: CustomerId
    name: str | None
    from_: StageKey | None = Field(alias="from", description="the stage now")
    to: StageKey | None = Field(description="the stage after the roll-out")
    actions: list[ActionName] = Field(description="that run if the change is made with `run_actions`")
    messages: Count
    next_deadline: datetime | None = Field(description="when inactivity changes something next, under the new rules")
    next_stage: StageKey | None = Field(description="the stage that it leads to")
    past_differs: bool
    past: Paths = Field(description="empty unless `past_differs`")


class PreviewCustomers(Schema):
    """A page of customers."""

    customers: list[PreviewCustomer]
    next_cursor: NextCursor
