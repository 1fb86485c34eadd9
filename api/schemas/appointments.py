"""Booked appointments and their risk of a no-show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import Count, CustomerId, MoneyText, NextCursor, RowId, Schema, StageKey, one_of
from journey.bookings import OUTCOMES

Probability = Annotated[float, Field(ge=0, le=1)]


class NoShowRisk(Schema):
    """How likely the customer is to miss the appointment."""

    probability: Probability
    missed: Count = Field(description="earlier booked appointments that the customer missed")
    outcomes: Count = Field(description="earlier booked appointments that the customer came to or missed")
    lead_days: float = Field(
        description="days from the booking to the booked time; negative if the event about it came later"
    )
    reason: str = Field(description="in words, such as `missed 2 of 9, booked 3 weeks ahead`")


class ListedAppointment(Schema):
    """An appointment with a booked time, as of its latest event."""

    key: str = Field(description="with `customer_id`, names the appointment in routes")
    appointment_id: str = Field(description="by which events can refer to it")
    customer_id: CustomerId
    name: str | None
    phone: str | None
    current_stage: StageKey | None
    scheduled_for: datetime
    booked_at: datetime = Field(description="the time of the first event with this booked time")
    service: str | None
    outcome: Annotated[str, one_of(*OUTCOMES.values())]
    amount: MoneyText | None = Field(description="of a completed appointment")
    suggested_amount: MoneyText | None = Field(
        description="of an open one: that of the customer's last visit for the same service, else of their last visit"
    )
    task_id: RowId | None = Field(description="the open task that asks whether the customer came")
    risk: NoShowRisk | None = Field(
        description="of an open one; null if the company has no outcome of a booked appointment"
    )


class MethodResult(Schema):
    """How well a method predicted outcomes that its fit had not seen."""

    auc: Probability = Field(description="chance that a missed appointment had the higher risk; 0.5 is no ranking")
    brier: Probability = Field(description="mean squared error; 0 is perfect")
    calibration_error: Probability = Field(description="mean distance of risk and share missed, over tenths")


class NoShowModel(Schema):
    """How the risks were computed."""

    method: Literal["company rate", "own rate", "own rate and lead time"]
    outcomes: Count = Field(description="booked appointments that it was computed from")
    misses: Count = Field(description="how many of them were missed")
    fitted_at: datetime | None = Field(
        description="null if nothing was fitted: the company's rate of late, and each customer's own"
    )
    comparison: dict[str, MethodResult] | None = Field(
        description="by method, on the latest quarter of the outcomes; the method with the smallest error is used"
    )
    reason: str | None = Field(description="why nothing was fitted")


class AppointmentsPage(Schema):
    """A page of appointments, by booked time."""

    appointments: list[ListedAppointment]
    no_show_model: NoShowModel | None = Field(description="null if there is no outcome of a booked appointment")
    is_current: bool = Field(
        description="false while bookings that an import or an upgrade brought are still being read"
    )
    next_cursor: NextCursor


class CustomerAppointment(Schema):
    """One appointment after a change."""

    appointment: ListedAppointment
