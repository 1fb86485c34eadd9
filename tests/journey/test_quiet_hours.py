"""Quiet hours: the first instant that is allowed, where clocks are changed by an hour, by half an hour, or never."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journey.quiet_hours import first_allowed, is_quiet, is_time_zone, time_of_day, time_zones, zone_of
from journey.time import DAY, MINUTE, Micros, to_datetime, to_micros

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
TIMES = st.integers(0, 24 * 60 - 1).map(lambda minutes: minutes * MINUTE)


def changes(zone: str, year: int) -> list[datetime]:
    """When the clocks of this zone are changed in this year, found by looking at every quarter of an hour."""
    found, moment = [], datetime(year, 1, 1, tzinfo=UTC)
    before = moment.astimezone(ZoneInfo(zone)).utcoffset()
    while moment.year == year:
        offset = moment.astimezone(ZoneInfo(zone)).utcoffset()
        if offset != before:
            found.append(moment)
            before = offset
        moment += timedelta(minutes=15)
    return found


CHANGES = {zone: [change for year in (2025, 2026, 2027) for change in changes(zone, year)] for zone in ZONES}


def test_the_clocks_are_changed_twice_a_year_where_they_are() -> None:
    assert {zone: len(found) for zone, found in CHANGES.items()} == dict(zip(ZONES, (6, 6, 0, 6), strict=True))


@st.composite
def nights(draw: st.DrawFn) -> tuple[str, int]:
    """A zone and an instant, mostly within two days of a change of its clocks."""
    zone = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(CHANGES[zone] or [datetime(2026, 3, 29, tzinfo=UTC)]))
    beside = draw(st.integers(-2 * DAY, 2 * DAY) | st.integers(-2880, 2880).map(lambda minutes: minutes * MINUTE))
    return zone, to_micros(near) + beside


def allowed(instant: int, zone: str, quiet_from: int, quiet_to: int) -> bool:
    """By the wall clock, in a way of its own: hours, minutes and seconds as the zone shows them."""
    wall = to_datetime(Micros(instant)).astimezone(ZoneInfo(zone)).time()
    shown = ((wall.hour * 60 + wall.minute) * 60 + wall.second) * 1_000_000 + wall.microsecond
    if quiet_from == quiet_to:
        return True
    if quiet_from < quiet_to:
        return not quiet_from <= shown < quiet_to
    return quiet_to <= shown < quiet_from


@settings(max_examples=400, deadline=None)
@given(nights(), TIMES, TIMES)
@example(("Europe/Berlin", to_micros(datetime(2026, 3, 29, 0, 59, tzinfo=UTC))), 20 * 60 * MINUTE, 150 * MINUTE)
@example(("Europe/Berlin", to_micros(datetime(2026, 10, 25, 0, 59, tzinfo=UTC))), 150 * MINUTE, 210 * MINUTE)
@example(("Australia/Lord_Howe", to_micros(datetime(2026, 4, 4, 14, 50, tzinfo=UTC))), 80 * MINUTE, 110 * MINUTE)
def test_it_is_the_first_allowed_instant(night: tuple[str, int], quiet_from: int, quiet_to: int) -> None:
    zone, now = night
    until = first_allowed(Micros(now), ZoneInfo(zone), quiet_from, quiet_to)

    assert until >= now
    assert allowed(until, zone, quiet_from, quiet_to)
    if until == now:
        return
    assert not allowed(until - 1, zone, quiet_from, quiet_to)
    sampled = range(now, until, MINUTE)
    assert not any(allowed(instant, zone, quiet_from, quiet_to) for instant in sampled)
    # a day without the only quarter of an hour that is allowed is waited out, too
    length = (quiet_from - quiet_to) % DAY
    assert until - now <= (25 if length > 60 * MINUTE else 49) * 60 * MINUTE


BERLIN, HOWE = "Europe/Berlin", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("zone", "quiet_from", "quiet_to", "now", "until"),
    [
        # the default night, before and after both changes: eight in the morning by the clock
        (BERLIN, "20:00", "08:00", "2026-03-28T22:00Z", "2026-03-29T06:00Z"),
        (BERLIN, "20:00", "08:00", "2026-03-27T22:00Z", "2026-03-28T07:00Z"),
        (BERLIN, "20:00", "08:00", "2026-10-24T22:00Z", "2026-10-25T07:00Z"),
        ("America/New_York", "20:00", "08:00", "2026-03-08T02:00Z", "2026-03-08T12:00Z"),
        ("America/New_York", "20:00", "08:00", "2026-11-01T02:00Z", "2026-11-01T13:00Z"),
        ("Asia/Kolkata", "20:00", "08:00", "2026-03-29T15:00Z", "2026-03-30T02:30Z"),
        # its very ends
        (BERLIN, "20:00", "08:00", "2026-06-01T18:00Z", "2026-06-02T06:00Z"),
        (BERLIN, "20:00", "08:00", "2026-06-02T06:00Z", "2026-06-02T06:00Z"),
        # not over midnight; none at all
        (BERLIN, "12:00", "14:30", "2026-06-01T10:00Z", "2026-06-01T12:30Z"),
        (BERLIN, "00:00", "00:00", "2026-06-01T10:00Z", "2026-06-01T10:00Z"),
        # half past two does not exist: three o'clock is the first instant after it
        (BERLIN, "20:00", "02:30", "2026-03-29T00:30Z", "2026-03-29T01:00Z"),
        (HOWE, "20:00", "02:15", "2026-10-03T15:00Z", "2026-10-03T15:30Z"),
        # it comes twice: the first of them, unless that has passed
        (BERLIN, "20:00", "02:30", "2026-10-24T23:30Z", "2026-10-25T00:30Z"),
        (BERLIN, "20:00", "02:30", "2026-10-25T01:10Z", "2026-10-25T01:30Z"),
        (HOWE, "20:00", "01:45", "2026-04-04T14:30Z", "2026-04-04T14:45Z"),
        # the night begins at half past two, and the clocks go back out of it at three
        (BERLIN, "02:30", "04:00", "2026-10-25T00:45Z", "2026-10-25T01:00Z"),
        # a whole day is left out: the quiet hours continue
        ("Pacific/Apia", "20:00", "08:00", "2011-12-30T08:00Z", "2011-12-30T18:00Z"),
    ],
)
def test_nights(zone: str, quiet_from: str, quiet_to: str, now: str, until: str) -> None:
    found = first_allowed(
        to_micros(datetime.fromisoformat(now)), ZoneInfo(zone), time_of_day(quiet_from), time_of_day(quiet_to)
    )
    assert to_datetime(found) == datetime.fromisoformat(until)


def test_every_minute_of_a_year_is_allowed_or_not_as_the_clock_shows() -> None:
    day = date(2026, 6, 1)
    for minute in range(24 * 60):
        wall = minute * MINUTE
        quiet = is_quiet(wall, time_of_day("20:00"), time_of_day("08:00"))
        shown = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=UTC)
        assert quiet is (shown.hour >= 20 or shown.hour < 8)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Europe/Atlantis",
        "Europe",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "right/UTC",
        "posix/UTC",
        "posixrules",
        "Factory",
        "europe/berlin",
        "a\0b",
    ],
)
def test_no_zone_of_that_name(name: str | None) -> None:
    assert zone_of(name) is None
    assert not is_time_zone(name or "")


def test_every_zone_that_is_accepted_can_be_used() -> None:
    assert len(time_zones()) > 400
    for name in time_zones():
        assert zone_of(name) is not None


def test_zones_are_found_by_their_name() -> None:
    assert zone_of("Australia/Lord_Howe") is not None
    assert zone_of("UTC") is not None
