"""What all channels share: the message, the protocol, and the error for a message that was not delivered.

Each channel is one file with a class that follows `MessageChannel`, named by the file's ``CHANNEL``.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

from journey.channels import ChannelSpec

#: The fields of ``settings.Settings`` by name; only the composition roots read the environment.
SettingValues = Mapping[str, Any]


@dataclass(frozen=True)
class Message:
    """A rendered message. A retry of the same message has the same ``id``.

    E-mail alone uses ``subject``, ``html``, ``unsubscribe_url`` (for the mail program's own button), ``sender_name``
    (shown instead of the configured sender's name) and ``reply_to``.
    """

    id: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    unsubscribe_url: str | None = field(default=None, repr=False)
    sender_name: str | None = field(default=None, repr=False)
    reply_to: str | None = field(default=None, repr=False)


class NotDelivered(Exception):
    """A message was not delivered.

    Attributes:
        reason: Contains no name, address or number.
        final: A retry would fail too.
        retry_after: Seconds that the server asked to wait.
    """

    def __init__(self, reason: str, *, final: bool = False, retry_after: float | None = None) -> None:
        self.reason, self.final, self.retry_after = reason, final, retry_after
        super().__init__(reason)


class Sender(Protocol):
    """Delivers messages: a channel, or the folder that replaces it while it is not configured."""

    async def send(self, message: Message) -> str:
        """Deliver a message and return a short receipt without personal data. Raises NotDelivered."""
        ...


@dataclass(frozen=True)
class FileFormat:
    """How a channel's messages are saved as files. ``encode`` raises NotDelivered like ``send``."""

    suffix: str
    encode: Callable[[Message], bytes]


class MessageChannel(Sender, Protocol):
    """A channel that delivers each message to one address."""

    spec: ClassVar[ChannelSpec]

    @classmethod
    def from_settings(cls, settings: SettingValues) -> Self:
        """Create the channel. Raises ValueError, with the setting's name, for an invalid setting."""
        ...

    @classmethod
    def file_format(cls, settings: SettingValues) -> FileFormat:
        """Describe the files that replace the channel while its setting is unset. Raises like `from_settings`."""
        ...


def message_id(key: str) -> str:
    """Return the permanent id of an action's message: a hash, because the key contains the customer's id."""
    return hashlib.sha256(f"message:{key}".encode()).hexdigest()[:32]
