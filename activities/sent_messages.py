"""A message as it is kept after it was sent: all of it except the links with which one can act as the customer."""

import re
from collections.abc import Mapping

from activities.channels import Message
from activities.channels.registry import channel_spec
from activities.channels.text import plain_lines
from activities.rendering import MAX_RENDERED
from activities.stage_actions import CustomerMessage, StaffMessage
from activities.template_variables import VARIABLES, Value
from db.outreach.action_outcomes import SentMessage

MASK = "••••••"


def as_sent(effect: CustomerMessage | StaffMessage, message: Message, values: Mapping[str, Value]) -> SentMessage:
    """Return what is kept of a message.

    Args:
        effect: What the message was sent for.
        message: The message as it was passed to its channel.
        values: The values of the message's variables.
    """
    is_for_staff = isinstance(effect, StaffMessage)
    tokens = [str(value).rpartition("/")[2] for name, value in values.items() if VARIABLES[name].personal_link]
    longest = min(channel_spec(effect.channel).max_text, MAX_RENDERED)
    return SentMessage(
        message_id=message.id,
        audience="staff" if is_for_staff else "customers",
        allowed_by="to_staff" if is_for_staff else "profile_consent",
        template=effect.template,
        address=message.to,
        subject=masked(message.subject, tokens),
        text=masked(plain_lines(message.text)[:longest], tokens)[:MAX_RENDERED],
        html=None if message.html is None else masked(message.html[:MAX_RENDERED], tokens)[:MAX_RENDERED],
    )


def masked(text: str, tokens: list[str]) -> str:
    """Replace signed tokens, also those whose letters a template has changed to capitals."""
    for token in tokens:
        if token:
            text = re.sub(re.escape(token), MASK, text, flags=re.IGNORECASE)
    return text
