"""Customers to contact: the call list and the due list."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Count, Money, NextCursor, Schema, StageKey, StageName
from api.schemas.customers import IdentifiedCustomer
from journey.stages import Role

Probability = Annotated[float, Field(ge=0, le=1)]


class ListedCustomer(IdentifiedCustomer):
    """What both lists say about a customer."""

    current_stage: StageKey
    stage_name: StageName
    lifetime_value: Money
    last_appointment_at: datetime | None
    days_since_last_visit: int | None
    usual_interval_days: float | None = Field(description="null if neither the customer nor the company has a rhythm")
    expected_at: datetime | None = Field(description="when the next visit is expected")
    mean_amount: Money | None = Field(
        description="mean amount of the latest five visits; null while it is being computed, and without a visit"
    )
    return_probability: Probability | None = Field(
        description="probability of a visit in the 90 days after the last weekly fit; null without a model"
    )
    contacted_at: datetime | None = Field(
        description="when the last message was sent, the last contact made, or the last call task completed"
    )
    reason: str = Field(description="why the customer is listed, in words")


class CallListRow(ListedCustomer):
    """A customer to call, with the numbers of the value at stake."""

    value_at_stake: Money = Field(description="`value_per_year` × (1 − `return_probability`)")
    value_per_year: Money = Field(
        description="`mean_amount` × 365 ÷ `usual_interval_days`; without a rhythm `lifetime_value` ÷"
        " `years_as_customer`"
    )
    years_as_customer: float = Field(ge=1, description="from the start of the journey to its latest change, at least 1")
    overdue_days: Count | None = Field(description="whole days since `expected_at`; null without a rhythm")
    because: Literal[Role.AT_RISK, Role.LOST, "overdue"] = Field(
        description="the role of the customer's stage, or that `expected_at` has passed"
    )
    substitutions: list[Literal["no_rhythm", "no_model", "no_mean_amount"]] = Field(
        description="what is missing: `no_rhythm` (the lifetime value per year counts instead), `no_model` (the return"
        " probability counts as 0), `no_mean_amount` (the mean of all visits counts until it is computed)"
    )


class DueRow(ListedCustomer):
    """A customer whose next visit is expected soon."""

    service: str | None = Field(description="the service whose rhythm says so; null if it is that of all visits")


class CallList(Schema):
    """A page of the call list, the highest value at stake first."""

    customers: list[CallListRow]
    next_cursor: NextCursor


class DueList(Schema):
    """A page of the due list, the earliest expected visit first."""

    customers: list[DueRow]
    next_cursor: NextCursor
