"""The types of time, and the conversions between them.

`Micros` is an instant: microseconds since 1970-01-01 UTC. `Moment` is finer: twice the instant in microseconds, plus 1
for "just after it". `Timestamp` is an aware datetime in a message, before it is converted. Durations are plain ints.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, NewType

from msgspec import Meta

#: An instant in microseconds since 1970-01-01 UTC.
Micros = NewType("Micros", int)
#: Twice an instant in microseconds, plus 1 for "just after it": ``days > 90`` first holds just after 90 days.
Moment = NewType("Moment", int)
#: A datetime with an offset, as events carry it.
Timestamp = Annotated[datetime, Meta(tz=True)]

SECOND = 1_000_000  # µs
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 86_400 * SECOND
MICROSECOND = timedelta(microseconds=1)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_MICROS = Micros(0)
#: Events are from within these limits.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def aware_datetime(text: str) -> datetime | None:
    """Parse a time that a person has written; None unless it is RFC 3339 with an offset and not before `EARLIEST`."""
    with suppress(ValueError, OverflowError):
        timestamp = datetime.fromisoformat(text)
        if timestamp.tzinfo is not None and timestamp >= EARLIEST:
            return timestamp
    return None


def to_micros(timestamp: datetime) -> Micros:
    """Convert an aware datetime."""
    return Micros((timestamp - EPOCH) // MICROSECOND)


def to_datetime(instant: Micros) -> datetime:
    """Convert an instant to a datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


def minute_text(instant: Micros) -> str:
    """Format an instant for people, to the minute: ``2026-03-12 09:00 UTC``."""
    return f"{to_datetime(instant):%Y-%m-%d %H:%M} UTC"


def utc_text(instant: Micros) -> str:
    """Format an instant as RFC 3339 in UTC, like ``2026-03-12T09:00:00Z``; with a fraction only if there is one."""
    return to_datetime(instant).isoformat().replace("+00:00", "Z")


def seconds_text(instant: Micros) -> str:
    """Format an instant as seconds, with six decimals if it is between two of them."""
    whole, fraction = divmod(instant, SECOND)
    return f"{whole}.{fraction:06d}" if fraction else str(whole)


def seconds_to_micros(text: str) -> Micros:
    """Parse what `seconds_text` returns."""
    whole, _, fraction = text.partition(".")
    return Micros(int(whole) * SECOND + int(fraction or 0))
