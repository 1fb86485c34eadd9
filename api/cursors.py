"""Pagination cursors: the position of the next page as opaque text."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_LENGTH = 300  # characters


def encode(*fields: str | int | None) -> str:
    """Encode the fields of a position."""
    return base64.urlsafe_b64encode(orjson.dumps(fields)).decode()


def decode(cursor: str) -> list[Any]:
    """Decode the fields of a cursor. Clients may send any text. Raises ValueError for an invalid cursor."""
    fields = orjson.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    if not isinstance(fields, list):
        raise ValueError("not a cursor")
    return fields


def row_id(value: object) -> int:
    """Check the id of a row in a cursor. Raises ValueError."""
    if type(value) is not int or not 0 < value < 1 << 63:
        raise ValueError("not an id")
    return value


def timestamp(value: object) -> str:
    """Normalise a timestamp in a cursor for Postgres. Raises ValueError."""
    if not isinstance(value, str) or len(value) > 50:
        raise ValueError("not a timestamp")
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError("no UTC offset")
    try:
        return parsed.astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError("out of range") from None
