"""One journey with its history, pages of journeys, and a journey's state after a change."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.actions import ActionDetail, Channel, JourneyAction, WaitsFor, WorkStatus
from api.schemas.base import (
    ActionName,
    ActionStatus,
    Count,
    CustomerId,
    KeyId,
    LedgerOutcome,
    Money,
    MoneyText,
    NextCursor,
    RowId,
    Schema,
    Score,
    StageKey,
    StageName,
    TriggerType,
    optional,
)
from api.schemas.contacts import Contact

TriggerEvent = Annotated[str, Field(description="what caused it: an event type, a trigger, or a system event")]


class JourneySummary(Schema):
    """The fields that every view of a journey has."""

    customer_id: CustomerId
    current_stage: StageKey
    stage_name: StageName
    stage_entered_at: datetime
    previous_stage: StageKey | None
    days_in_current_stage: int = Field(description="whole days since `stage_entered_at`")
    created_at: datetime = Field(description="when the journey started")
    lifetime_value: Money
    total_appointments: Count = Field(description="completed appointments")
    last_appointment_at: datetime | None = Field(description="the last completed appointment")
    risk_score: Score | None = Field(description="null if it was never computed")
    engagement_score: Score | None = Field(description="null if it was never computed")
    days_inactive: int | None = Field(
        description="whole days since the last completed appointment; before the first one, since the last event"
    )
    next_deadline: datetime | None = Field(description="when the journey will next be evaluated without an event")
    next_stage: StageKey | None = Field(description="the stage that the journey will enter at `next_deadline`")
    held: bool = Field(description="whether the stage is held, so that no rule moves the journey")
    hold_until: datetime | None = Field(description="end of the hold; null if there is none, or until it is released")
    next_appointment_at: datetime | None = Field(description="the earliest booked time still ahead")
    usual_interval: float | None = Field(description="usual number of days between visits; null if it is unknown")
    expected_at: datetime | None = Field(description="when the next visit is expected, going by the customer's rhythm")


class Journey(JourneySummary):
    """One journey with the customer's contact details."""

    name: str | None
    email: str | None
    phone: str | None = Field(description="as given")
    phone_e164: str | None = Field(description="`phone` in E.164; null if its country is unknown")
    notes: str | None = Field(description="free text about the customer")
    do_not_contact_since: datetime | None = Field(
        description="when a contact had the outcome `do_not_contact`; null if the customer may be contacted"
    )
    temporal_url: str | None = Field(description="the workflow in the Temporal UI; null if no UI is configured")


class Relationship(Schema):
    """One journey in a list, or a customer who has a profile and no events yet: their fields of a journey are null."""

    customer_id: CustomerId
    current_stage: StageKey | None = Field(description="null only for a customer without a journey")
    stage_name: StageName | None
    stage_entered_at: datetime | None
    previous_stage: StageKey | None
    days_in_current_stage: int | None = Field(description="whole days since `stage_entered_at`")
    created_at: datetime | None = Field(description="when the journey started")
    lifetime_value: Money | None
    total_appointments: Count | None = Field(description="completed appointments")
    last_appointment_at: datetime | None = Field(description="the last completed appointment")
    risk_score: Score | None
    engagement_score: Score | None
    days_inactive: int | None = Field(description="as in a journey")
    next_deadline: datetime | None = Field(description="when the journey will next be evaluated without an event")
    next_stage: StageKey | None = Field(description="the stage that the journey will enter at `next_deadline`")
    held: bool | None = Field(description="whether the stage is held, so that no rule moves the journey")
    hold_until: datetime | None
    next_appointment_at: datetime | None = Field(description="the earliest booked time still ahead")
    usual_interval: float | None = Field(description="usual number of days between visits; null if it is unknown")
    expected_at: datetime | None = Field(description="when the next visit is expected, going by the customer's rhythm")
    name: str | None
    email: str | None


class RelationshipsPage(Schema):
    """A page of journeys; with `search`, also of customers without one."""

    relationships: list[Relationship]
    next_cursor: NextCursor
    total: Count = optional("rows on all pages; present if `count` was requested")


class Comparison(Schema):
    """One condition of a rule with the numbers it compared."""

    fact: str = Field(description="name of the fact, such as `days` or `count`")
    is_: float | None = Field(
        alias="is",
        description="value of the fact; null if it is unknown. Rounded, but never so that it would contradict `holds`",
    )
    must_be: str = Field(description="operator and threshold, such as `>= 3`")
    holds: bool


class TransitionReason(Schema):
    """Why a transition was made."""

    conditions: list[Comparison] = Field(description="the conditions of the rule; empty if no rule was involved")
    first_entry: bool = optional("whether the journey entered this stage for the first time")


class Transition(Schema):
    """One change of stage."""

    id: RowId
    from_stage: StageKey | None = Field(description="null at the start of the journey")
    from_stage_name: StageName | None
    to_stage: StageKey
    to_stage_name: StageName
    transitioned_at: datetime
    trigger_type: TriggerType
    trigger_event: TriggerEvent | None
    notes: str | None = Field(description="the reason given for a manual change")
    performed_by: KeyId | None
    reason: TransitionReason | None
    event_id: str | None = Field(description="id of the event that caused it")


class LedgerEvent(Schema):
    """One event in the ledger."""

    id: str | None = Field(description="the event's id; null if a quarantined event has none that can be read")
    type: str | None = Field(description="event type; null if it cannot be read")
    occurred_at: datetime | None
    received_at: datetime
    outcome: LedgerOutcome
    reason: str | None = Field(description="why the event was not applied, or a retraction only later")
    retracted_by: str | None = Field(description="id of the event that retracted it; it counts as if it had never come")
    fields: dict[str, Any] | None = Field(description="the event as it was sent, in canonical form")


class JourneyTimeline(Schema):
    """A journey with its history, newest first."""

    journey: Journey | None = Field(description="null if the customer has a profile and no events yet")
    transitions: list[Transition]
    events: list[LedgerEvent] = Field(description="the newest events of the ledger, up to `limit`")
    actions: list[JourneyAction]


class TimelineTransition(Transition):
    """A transition in the timeline."""

    kind: Literal["transition"]
    at: datetime


class RetractedBy(Schema):
    """When, why and by whom an event was retracted."""

    at: datetime
    reason: str | None
    performed_by: str | None = Field(
        description="name of the API key that was used to retract it; null if an event of another system did"
    )


class TimelineEvent(LedgerEvent):
    """An event in the timeline."""

    kind: Literal["event"]
    retraction: RetractedBy | None = Field(description="null if the event was not retracted")
    at: datetime = Field(description="when it occurred; if that is unknown, when it was received")


class TimelineAction(Schema):
    """An action in the timeline."""

    kind: Literal["action"]
    at: datetime = Field(description="when it was created")
    id: RowId
    action: ActionName
    stage: StageKey
    status: ActionStatus
    reason: str | None
    waits_for: WaitsFor
    work_status: WorkStatus
    attempts: Count
    last_error: str | None
    channel: Channel | None
    due_at: datetime
    created_at: datetime
    updated_at: datetime
    done_at: datetime | None
    performed_by: KeyId | None
    detail: ActionDetail


class TimelineContact(Contact):
    """A contact in the timeline."""

    kind: Literal["contact"]
    at: datetime


TimelineEntry = Annotated[
    TimelineTransition | TimelineEvent | TimelineAction | TimelineContact, Field(discriminator="kind")
]


class TimelinePage(Schema):
    """A page of a journey's history, newest first."""

    timeline: list[TimelineEntry]
    next_cursor: NextCursor


class CustomerNotes(Schema):
    """The notes about a customer, as stored."""

    customer_id: CustomerId
    notes: str | None


class JourneyState(Schema):
    """A journey's state as its workflow reports it."""

    customer_id: CustomerId
    stage: StageKey
    entered_at: datetime
    trigger_event: TriggerEvent
    previous_stage: StageKey | None
    started_at: datetime
    version: Count = Field(description="number of commits")
    transitions: Count = Field(description="number of transitions")
    risk_score: Score
    engagement_score: Score
    lifetime_value: MoneyText
    total_appointments: Count
    last_appointment_at: datetime | None
    booked_times: list[datetime] = optional("booked times of open appointments, passed ones too")
    held: bool
    hold_until: datetime | None
    next_deadline: datetime | None
    next_stage: StageKey | None
