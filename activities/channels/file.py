"""Messages saved as files instead of being sent, for a machine without a mail server or an SMS gateway."""

import asyncio
import os
import re
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from activities.channels import FileFormat, Message, NotDelivered

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")


class FileChannel:
    """Save each message as one file of ``folder``, named by time and message id, readable by its owner only.

    Takes the place of a channel that is not configured. A repeated message replaces its file.
    """

    def __init__(self, folder: Path, file_format: FileFormat) -> None:
        self._folder, self._format = folder, file_format
        self._write_lock = threading.Lock()

    async def send(self, message: Message) -> str:
        """Save the message. Raises NotDelivered, also for what the real channel would reject at once."""
        if not _ID.fullmatch(message.id):
            raise NotDelivered("the message id is not a valid file name", final=True)
        content = self._format.encode(message)
        try:
            await asyncio.to_thread(self._save, message.id, content)
        except OSError as error:
            raise NotDelivered(f"outbox: {error.strerror}") from None
        return "saved in the outbox folder"

    def _save(self, message_id: str, content: bytes) -> None:
        with self._write_lock:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            earlier = next(self._folder.glob(f"*-{message_id}.{self._format.suffix}"), None)
            file = earlier or self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{message_id}.{self._format.suffix}"
            handle, unfinished = tempfile.mkstemp(dir=self._folder, prefix=".")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(content)
                Path(unfinished).replace(file)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
