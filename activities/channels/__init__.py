"""How a message leaves the house. Each channel is one file that keeps to one protocol."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Message:
    """What a channel delivers. The same message tried again has the same ``id``.

    ``headers``, ``sender_name`` (shown instead of the sender's own name), ``reply_to``, ``subject`` and ``html`` are of
    account in an e-mail alone.
    """

    id: str
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    sender_name: str | None = field(default=None, repr=False)
    reply_to: str | None = field(default=None, repr=False)


class NotDelivered(Exception):
    """A message that did not go out.

    ``reason`` names no person, address or number. ``final``: trying again is of no use. ``retry_after``: the seconds
    that the other side asked us to wait.
    """

    def __init__(self, reason: str, *, final: bool = False, retry_after: float | None = None) -> None:
        self.reason, self.final, self.retry_after = reason, final, retry_after
        super().__init__(reason)


class Channel(Protocol):
    """One way out."""

    @property
    def name(self) -> str: ...

    async def send(self, message: Message) -> str:
        """Hand a message over; a short receipt without anything personal. Raises NotDelivered."""
        ...


def message_id(key: str) -> str:
    """The id of an action's message, for ever the same: a hash, because the key holds the customer's id."""
    return hashlib.sha256(f"message:{key}".encode()).hexdigest()[:32]
