"""Quiet hours: the first instant at which a message may be sent, exact across changes of daylight saving time.

It is quiet from ``quiet_from`` until before ``quiet_to``: over midnight if ``quiet_from`` is the later one, and never
if both are equal. Local time counts, so an hour that occurs twice is checked twice.
"""

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from journey.time import DAY, MICROSECOND, MINUTE, Micros, to_datetime


@cache
def time_zones() -> frozenset[str]:
    """Return the IANA names of all time zones."""
    # not `zoneinfo.available_timezones`, which also has the system's own files, such as "localtime"
    names = files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(names) - {"Factory"}  # stands for "not configured"


def is_time_zone(name: str) -> bool:
    """Whether a text is the IANA name of a time zone."""
    return name in time_zones()


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the time zone with this IANA name, or None if there is none."""
    return ZoneInfo(name) if name is not None and is_time_zone(name) else None


def time_of_day(text: str) -> int:
    """Convert ``HH:MM`` to microseconds since midnight."""
    return (int(text[:2]) * 60 + int(text[3:])) * MINUTE


def is_quiet(wall: int, quiet_from: int, quiet_to: int) -> bool:
    """Whether a local time is quiet. All three are in µs since midnight."""
    if quiet_from <= quiet_to:
        return quiet_from <= wall < quiet_to
    return wall >= quiet_from or wall < quiet_to


def first_allowed(now: Micros, zone: ZoneInfo, quiet_from: int, quiet_to: int) -> Micros:
    """Return the first instant from ``now`` on that is not quiet in a zone: ``now`` itself if it is not quiet then.

    ``quiet_from`` and ``quiet_to`` are in µs since midnight.
    """
    instant = now
    while True:
        offset = _offset(instant, zone)
        wall = (instant + offset) % DAY
        if not is_quiet(wall, quiet_from, quiet_to):
            return instant
        morning = Micros(instant + (quiet_to - wall) % DAY)
        if _offset(morning, zone) == offset:
            return morning
        # the clocks change before that: continue from the change with the new offset
        instant = _change(instant, morning, zone)


def _offset(instant: Micros, zone: ZoneInfo) -> int:
    """Return the zone's offset from UTC in µs."""
    offset = to_datetime(instant).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // MICROSECOND


def _change(before: Micros, after: Micros, zone: ZoneInfo) -> Micros:
    """Return the first instant of the new offset, between two instants with different offsets."""
    offset = _offset(before, zone)
    while after - before > 1:
        middle = Micros((before + after) // 2)
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after
