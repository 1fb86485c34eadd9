"""The first instant at which somebody may be disturbed, exact where clocks are put forward or back.

A time of day is quiet from ``quiet_from`` up to, not including, ``quiet_to`` (over midnight where it is the later one;
never, where they are equal). What counts is the clock on the wall, so that an hour that comes twice is judged twice.
"""

from zoneinfo import ZoneInfo

from journey.time import DAY, MICROSECOND, MINUTE, Micros, to_datetime


def zone_of(name: str | None) -> ZoneInfo | None:
    """The zone of this IANA name; None where there is no such zone."""
    if not name or name == "localtime" or name.startswith(("posix/", "right/")):  # the machine's, or of other seconds
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not there; no name of a file; a folder like "Europe"
        return None


def time_of_day(text: str) -> int:
    """``HH:MM`` as microseconds since midnight."""
    return (int(text[:2]) * 60 + int(text[3:])) * MINUTE


def is_quiet(wall: int, quiet_from: int, quiet_to: int) -> bool:
    """Whether a time of day is quiet; all three in µs since midnight."""
    if quiet_from <= quiet_to:
        return quiet_from <= wall < quiet_to
    return wall >= quiet_from or wall < quiet_to


def first_allowed(now: Micros, zone: ZoneInfo, quiet_from: int, quiet_to: int) -> Micros:
    """The first instant from ``now`` (µs) on that is not quiet in this zone; ``now`` itself where it is not."""
    instant = now
    while True:
        offset = _offset(instant, zone)
        wall = (instant + offset) % DAY
        if not is_quiet(wall, quiet_from, quiet_to):
            return instant
        morning = Micros(instant + (quiet_to - wall) % DAY)
        if _offset(morning, zone) == offset:
            return morning
        # the clocks are changed before that: go on from there, with what they show then
        instant = _change(instant, morning, zone)


def _offset(instant: Micros, zone: ZoneInfo) -> int:
    """What the clocks of the zone are ahead of UTC, in µs."""
    offset = to_datetime(instant).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // MICROSECOND


def _change(before: Micros, after: Micros, zone: ZoneInfo) -> Micros:
    """The first instant of the new offset, between two instants of different ones."""
    offset = _offset(before, zone)
    while after - before > 1:
        middle = Micros((before + after) // 2)
        if _offset(middle, zone) == offset:
            before = middle
        else:
            after = middle
    return after
