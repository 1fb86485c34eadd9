"""Actions: outreach and other side effects of a journey, and what became of each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.channels.registry import CHANNELS
from api.schemas.base import (
    ActionName,
    ActionStatus,
    Count,
    CustomerId,
    KeyId,
    NextCursor,
    RowId,
    Schema,
    StageKey,
    one_of,
    optional,
)

#: How an action was carried out: a message channel, a task for staff, or a webhook.
Channel = Annotated[str, one_of(*CHANNELS, "task", "webhook")]


WaitsFor = Annotated[
    Literal["profile", "quiet_hours"] | None,
    Field(
        description="what an action with the status `waiting` waits for: `profile` until the customer's profile has the"
        " address or consent that is missing, at most 24 hours; `quiet_hours` until they are over"
    ),
]
WorkStatus = Annotated[
    Literal["open", "done", "cancelled", "running", "completed"] | None,
    Field(
        description="state of the task (`open`, `done`, `cancelled`) or campaign (`running`, `completed`, `cancelled`)"
        " that the action created; null if it created none. The action itself has `succeeded` as soon as it is created"
    ),
]


class ActionDetail(Schema):
    """What an action was requested with and what it produced."""

    note: str = optional("note for the colleague who does the work")
    code: str = optional("offer code")
    valid_until: date = optional("the last day of the offer")
    task: RowId = optional("id of the task that was created")
    assigned_to: RowId | None = optional("id of the staff member it was assigned to; null if nobody was available")
    campaign: RowId = optional("number of the customer's retention campaign that was started")
    told: list[RowId] = optional("ids of the webhook endpoints that were notified")
    receipt: str = optional("receipt of the provider that sent the message")


class JourneyAction(Schema):
    """An action as a journey shows it."""

    id: RowId
    action: ActionName
    stage: StageKey
    status: ActionStatus
    reason: str | None = Field(description="why it was suppressed, cancelled or is waiting")
    waits_for: WaitsFor
    work_status: WorkStatus
    attempts: Count
    last_error: str | None
    due_at: datetime
    created_at: datetime
    updated_at: datetime


class ActionAttempt(Schema):
    """One attempt to perform an action."""

    attempt: Count = Field(description="number of the attempt; an action that was held back counts no attempt")
    at: datetime
    outcome: Literal["succeeded", "failed", "suppressed", "waiting", "cancelled", "pending", "error"] = Field(
        description="`error`: it failed temporarily and will be retried"
    )
    error: str | None = Field(description="the error, or why the action was held back")


class Action(Schema):
    """An action with its customer, its result and its latest attempts."""

    id: RowId
    customer_id: CustomerId
    customer_name: str | None
    action: ActionName
    stage: StageKey
    entry: Count = Field(
        description="number of the transition that caused the action, counted from 1 for each journey; 0 if it came"
        " with a customer who was merged into this one"
    )
    status: ActionStatus
    reason: str | None = Field(description="why it was suppressed, cancelled or is waiting")
    waits_for: WaitsFor
    work_status: WorkStatus
    last_error: str | None
    channel: Channel | None
    marketing: bool = Field(description="whether it counts as a marketing message")
    attempts: Count
    due_at: datetime
    created_at: datetime
    updated_at: datetime
    done_at: datetime | None
    performed_by: KeyId | None
    detail: ActionDetail
    latest_attempts: list[ActionAttempt] = Field(description="the latest five attempts, newest first")


class ActionCounts(Schema):
    """Number of actions by status; a status without actions is left out."""

    pending: Count = optional("due now or later")
    waiting: Count = optional("held back for now, during quiet hours or until the profile is complete")
    succeeded: Count = optional("sent, delivered or recorded; a task or campaign has a state of its own")
    failed: Count = optional("failed permanently")
    suppressed: Count = optional("not allowed, for example after a withdrawal of consent")
    cancelled: Count = optional("no longer needed")


class ActionsPage(Schema):
    """A page of actions, newest first."""

    actions: list[Action]
    counts: ActionCounts | None = Field(
        description="actions by status, whatever `status` was requested; null on all pages but the first"
    )
    next_cursor: NextCursor


class CustomerAction(Schema):
    """An action and its customer."""

    customer_id: CustomerId
    action: Action
