"""Messages kept as files instead of being sent, for a machine without a mail server or an SMS gateway."""

import asyncio
import os
import re
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from activities.channels import Message, NotDelivered
from activities.channels.email import composed, sender_of
from activities.channels.sms import dialled
from activities.channels.text import plain_lines

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class Outbox:
    """Keeps each message as one file of ``folder``: ``.eml`` or ``.txt``, named by time and id, readable by its owner.

    ``instead_of``: the channel that it stands for, whose name it takes. The same message again replaces its file.
    Raises ValueError for a sender that cannot be one.
    """

    def __init__(self, folder: Path, instead_of: Literal["email", "sms"], mail_from: str = "") -> None:
        if instead_of == "email":
            sender_of(mail_from)
        self._folder, self.name, self._mail_from = folder, instead_of, mail_from
        self._one_at_a_time = threading.Lock()

    async def send(self, message: Message) -> str:
        """Keep it; ``kept in the outbox``. What the real channel would refuse at once is refused here too."""
        if not _ID.fullmatch(message.id):
            raise NotDelivered("a message id that no file can have", final=True)
        if self.name == "email":
            content, ending = composed(message, self._mail_from).as_bytes(), "eml"
        else:
            content, ending = f"To: {dialled(message.to)}\n\n{plain_lines(message.text)}\n".encode(), "txt"
        try:
            await asyncio.to_thread(self._keep, message.id, ending, content)
        except OSError as error:
            raise NotDelivered(f"outbox: {error.strerror}") from None
        return "kept in the outbox"

    def _keep(self, message_id: str, ending: str, content: bytes) -> None:
        with self._one_at_a_time:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            kept = next(self._folder.glob(f"*-{message_id}.{ending}"), None)
            file = kept or self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{message_id}.{ending}"
            handle, unfinished = tempfile.mkstemp(dir=self._folder, prefix=".")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
                Path(unfinished).replace(file)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
