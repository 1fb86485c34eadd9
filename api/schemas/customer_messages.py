"""Messages to one customer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.channels.registry import CHANNELS
from api.schemas.base import Schema, one_of
from journey.outreach import PERMISSIONS

MessageChannel = Annotated[str, one_of(*CHANNELS)]


class SentOffer(Schema):
    """The offer in a message."""

    code: str
    valid_until: date | None = Field(description="the last day; null if it was not recorded")


class SentMessage(Schema):
    """A message as it was sent. Signed tokens in personal links are replaced by dots."""

    id: int = Field(description="of the action that sent it")
    action: str
    sent_at: datetime
    channel: MessageChannel
    marketing: bool
    performed_by: int | None = Field(description="the key of the person who requested it; null if nobody did")
    kept: bool = Field(description="false: sent before texts were kept; the fields below, up to `offer`, are null")
    audience: Literal["customers", "staff"] | None = Field(description="`staff`: about the customer, to a colleague")
    to: str | None = Field(description="the address that it was sent to")
    subject: str | None = Field(description="empty on channels without subjects")
    text: str | None
    html: str | None = Field(description="the same as HTML, if it was sent too")
    template: str | None
    message_id: str | None = Field(description="of an e-mail: the part of its Message-ID before the @")
    allowed_by: Annotated[str, one_of(*PERMISSIONS)] | None = Field(
        description="why it could be sent. " + "; ".join(f"`{key}`: {text}" for key, text in PERMISSIONS.items())
    )
    offer: SentOffer | None


class SentMessagesPage(Schema):
    """A page of messages to a customer, newest first."""

    messages: list[SentMessage]
    next_cursor: str | None


class WithheldMessage(Schema):
    """Why a message would not be sent now."""

    status: Literal["suppressed", "waiting"] = Field(description="`waiting`: it would be sent later, at `until`")
    reason: str
    until: datetime | None


class CustomerMessagePreview(Schema):
    """A message as the customer would get it now. Codes and personal links are placeholders."""

    channel: MessageChannel
    to: str | None = Field(description="the customer's address on the channel")
    subject: str = Field(description="empty on channels without subjects")
    text: str
    withheld: WithheldMessage | None = Field(description="why the message would not be sent now; null if it would")
