"""Customers' profiles."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.schemas.base import CustomerId, Schema


class IdentifiedCustomer(Schema):
    """Who a customer is."""

    customer_id: CustomerId
    name: str | None
    email: str | None
    phone: str | None = Field(description="as given")
    phone_e164: str | None = Field(description="`phone` in E.164; null if its country is unknown")


class CustomerProfile(IdentifiedCustomer):
    """A customer's profile, as stored."""

    time_zone: str | None = Field(description="IANA name")
    locale: str | None = Field(description="BCP 47 language tag")
    consent: dict[str, bool] = Field(description="channel: whether outreach on it is allowed")
    consent_withdrawn: list[str] = Field(
        description="channels from which the customer has unsubscribed; a sync cannot allow them again"
    )
    next_appointment_at: datetime | None = Field(description="the earliest booked time still ahead")
    usual_interval: float | None = Field(description="usual number of days between visits; null if it is unknown")
    expected_at: datetime | None = Field(description="when the next visit is expected, going by the customer's rhythm")
    do_not_contact_since: datetime | None = Field(
        description="when a contact had the outcome `do_not_contact`; null if the customer may be contacted"
    )
    created_at: datetime
    updated_at: datetime
