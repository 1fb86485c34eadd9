"""Cursors of pages: where the next page starts, as text that nobody needs to read."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_LENGTH = 300  # characters


def encode(*fields: str | int | None) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(fields)).decode()


def decode(cursor: str) -> list[Any]:
    """The fields of a cursor, which anybody may have made up. Raises ValueError for what is none."""
    fields = orjson.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    if not isinstance(fields, list):
        raise ValueError("no cursor")
    return fields


def row_id(value: object) -> int:
    """A row's id in a cursor. Raises ValueError."""
    if type(value) is not int or not 0 < value < 1 << 63:
        raise ValueError("no id")
    return value


def timestamp(value: object) -> str:
    """An instant in a cursor, in the form that Postgres reads. Raises ValueError."""
    if not isinstance(value, str) or len(value) > 50:
        raise ValueError("no instant")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError("out of reach") from None
