"""Messages to one customer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from activities.channels.registry import CHANNELS
from api.schemas.base import Schema, one_of

MessageChannel = Annotated[str, one_of(*CHANNELS)]


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
