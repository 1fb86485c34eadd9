"""Outreach settings, message templates and webhook endpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.channels.registry import CHANNELS
from api.schemas.base import RowId, Schema, one_of, optional

TimeOfDay = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM")]


class CampaignStep(Schema):
    """One step of the retention campaign."""

    type: Literal["email", "sms", "call", "offer"]
    day: Annotated[int, Field(ge=0, le=365, description="days after the start of the campaign")]


class OutreachSettings(Schema):
    """All outreach settings, with defaults where the company has not set any."""

    time_zone: str = Field(description="IANA name; used for customers without a time zone of their own")
    quiet_from: TimeOfDay = Field(description="start of quiet hours in the customer's time zone, HH:MM")
    quiet_to: TimeOfDay = Field(description="end of quiet hours, HH:MM; if equal to `quiet_from`, there are none")
    cap_messages: Annotated[int, Field(ge=0, le=1000, description="marketing messages per customer in `cap_days`")]
    cap_days: Annotated[int, Field(ge=1, le=365, description="length of the cap's window, in days")]
    sender_name: str | None
    reply_to: str | None
    offer_percent: Annotated[int, Field(ge=1, le=100, description="discount in percent")]
    offer_valid_days: Annotated[int, Field(ge=1, le=365, description="validity of an offer, in days")]
    campaign: list[CampaignStep]
    currency: str = Field(description="ISO 4217 code")


class OwnTemplate(Schema):
    """A template of the company's own."""

    locale: str
    updated_at: datetime


class MessageSummary(Schema):
    """A message, the variables its templates may use, and the company's own templates."""

    name: str
    channel: Annotated[str, one_of(*CHANNELS)]
    to_staff: bool = Field(description="whether it is sent to staff instead of a customer")
    marketing: bool
    required: dict[str, str] = Field(description="variables that a template must use, with their descriptions")
    optional: dict[str, str] = Field(description="variables that may be empty, with their descriptions")
    own: list[OwnTemplate]


class Messages(Schema):
    """All messages."""

    templates: list[MessageSummary]


class SavedTemplate(Schema):
    """A template of the company's own, as saved."""

    name: str
    locale: str
    subject: str
    html: str | None = Field(description="null: plain text only")
    text: str


class MessagePreview(Schema):
    """A message rendered with example values."""

    source: Literal["draft", "own", "built-in"]
    subject: str
    html: str | None
    text: str


class WebhookEndpoint(Schema):
    """A webhook endpoint; its secrets are not shown."""

    id: RowId
    url: str
    is_active: bool
    rotating: bool = Field(description="whether events are signed with the previous secret as well")
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime


class WebhookEndpoints(Schema):
    """All webhook endpoints, oldest first."""

    webhooks: list[WebhookEndpoint]


class NewWebhookEndpoint(WebhookEndpoint):
    """A new webhook endpoint with its secret, which is shown only once."""

    secret: str


class ChangedWebhookEndpoint(WebhookEndpoint):
    """A webhook endpoint after a change."""

    secret: str = optional("the new secret, shown only once; present if one was requested")
