"""Contacts that people made with customers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.base import CustomerId, KeyId, RowId, Schema

ContactChannel = Literal["phone", "email", "message", "in_person"]
ContactOutcome = Literal["reached", "no_answer", "booked", "declined", "do_not_contact"]


class Contact(Schema):
    """A contact that a person made with a customer."""

    id: RowId
    contacted_at: datetime
    channel: ContactChannel
    outcome: ContactOutcome
    note: str | None
    follow_up_at: datetime | None = Field(description="when to call again; there is a task for it")
    event_id: str | None = Field(description="id of the event of the appointment that was made in this contact")
    closed_tasks: list[RowId] = Field(description="ids of the call tasks that the contact completed")
    lifted_at: datetime | None = Field(
        description="of the outcome `do_not_contact`: when it was taken back; null while it holds"
    )
    performed_by: KeyId | None
    performed_by_name: str | None = Field(description="name of the API key that was used")


class BookedAppointment(Schema):
    """The appointment that was made in a contact."""

    event_id: str
    appointment_id: str
    scheduled_for: datetime
    service: str | None


class RecordedContact(Schema):
    """A contact, and the appointment that was made in it."""

    customer_id: CustomerId
    contact: Contact
    appointment: BookedAppointment | None


class RemovedContact(Schema):
    """A contact that no longer counts."""

    customer_id: CustomerId
    contact: Contact


class ContactAllowed(Schema):
    """A customer who may be contacted again."""

    customer_id: CustomerId
    do_not_contact_since: None
