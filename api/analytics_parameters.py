"""Query parameters that analytics routes share: the period, and the instant at which it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Query

from api.problems import invalid
from db.analytics.journey_analytics import AnalyticsQuery
from journey.stages import Rulebook
from journey.time import aware_datetime

AHEAD = timedelta(minutes=5)  # how far in the future an event may occur

Period = Literal["day", "week", "month", "quarter", "year", "all"]
AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        description="a time in the past, RFC 3339 with UTC offset; default: now",
        examples=["2026-03-12T09:00:00Z"],
    ),
]


def parse_query(rulebook: Rulebook, period: Period, as_of: str | None) -> AnalyticsQuery:
    """Return what to analyse. Raises a problem for an invalid `as_of`."""
    return AnalyticsQuery(rulebook.all_stages, parse_instant(as_of), period)


def parse_instant(text: str | None) -> datetime | None:
    """Parse `as_of`; None for now. Raises a problem if it is invalid."""
    if text is None:
        return None
    instant = aware_datetime(text.replace(" ", "+"))  # an unencoded plus sign arrives as a space
    if instant is not None and instant <= datetime.now(UTC) + AHEAD:
        return instant
    raise invalid("as_of", text, "a time with UTC offset between 1900 and now, such as 2026-03-12T09:00:00Z")
