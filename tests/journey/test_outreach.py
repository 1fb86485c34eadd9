"""Respect: who may be written to, how often, and when; and settings that cannot be, refused with their place."""

import contextlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.channels.registry import channel_spec
from journey.outreach import (
    Deferral,
    Go,
    Incomplete,
    InvalidOutreach,
    Outreach,
    Profile,
    Step,
    Suppress,
    consider,
    outreach_from,
)
from journey.time import DAY, to_micros

NOON = to_micros(datetime(2026, 6, 1, 12, tzinfo=UTC))
EVENING = to_micros(datetime(2026, 6, 1, 19, tzinfo=UTC))  # 21:00 in Berlin
ADA = Profile(
    name="Ada", email="ada@example.com", phone="+49301234567", time_zone="Europe/Berlin", consent={"email": True}
)


def verdict(profile: Profile = ADA, **given: Any) -> Go | Deferral | Incomplete | Suppress:
    wanted: dict[str, Any] = {
        "channel": channel_spec("email"),
        "marketing": True,
        "now": NOON,
        "outreach": Outreach(),
        **given,
    }
    return consider(profile, **wanted)


def test_an_unsubscribed_address_gets_nothing() -> None:
    assert verdict(unsubscribed=True) == Suppress("unsubscribed for this mailbox")
    both = msgspec.structs.replace(ADA, consent={"email": True, "sms": True})
    sms = channel_spec("sms")
    assert verdict(both, channel=sms, unsubscribed=True) == Suppress("unsubscribed for this phone number")
    unknown = msgspec.structs.replace(ADA, consent={})
    assert verdict(unknown, unsubscribed=True) == Suppress("unsubscribed for this mailbox")
    refused = msgspec.structs.replace(ADA, consent={"email": False})
    assert verdict(refused, unsubscribed=True) == Suppress("no consent to e-mail", by_profile=True)


def test_defaults() -> None:
    assert outreach_from(None) == outreach_from({}) == Outreach()
    assert [(step.type, step.day) for step in Outreach().campaign] == [
        ("email", 0),
        ("sms", 3),
        ("call", 7),
        ("offer", 14),
    ]


def test_settings_come_from_json_and_go_back() -> None:
    fields = {"time_zone": "Asia/Kolkata", "quiet_from": "21:30", "campaign": [{"type": "call", "day": 1}]}
    outreach = outreach_from(fields)
    assert (outreach.time_zone, outreach.quiet_from, outreach.quiet_to) == ("Asia/Kolkata", "21:30", "08:00")
    assert outreach.campaign == (Step("call", 1),)
    assert outreach_from(msgspec.to_builtins(outreach)) == outreach
    assert outreach_from({"campaign": []}).campaign == ()


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ([], "outreach", "must be a JSON object"),
        ({"quiet": "20:00"}, "quiet", "allowed: time_zone, quiet_from"),
        ({"time_zone": "Berlin"}, "time_zone", "Europe/Berlin"),
        ({"time_zone": 1}, "time_zone", "expected str"),
        ({"quiet_from": "24:00"}, "quiet_from", "00:00 to 23:59"),
        ({"quiet_to": "8:00"}, "quiet_to", "00:00 to 23:59"),
        ({"quiet_to": "08:00\n"}, "quiet_to", "00:00 to 23:59"),
        ({"quiet_to": "٠٨:00"}, "quiet_to", "00:00 to 23:59"),
        ({"cap_messages": -1}, "cap_messages", ">= 0"),
        ({"cap_messages": 10**30}, "cap_messages", "<= 1000"),
        ({"cap_days": 0}, "cap_days", ">= 1"),
        ({"cap_days": "7"}, "cap_days", "expected int"),
        ({"cap_days": True}, "cap_days", "expected int"),
        ({"offer_percent": 101}, "offer_percent", "<= 100"),
        ({"offer_valid_days": 0}, "offer_valid_days", ">= 1"),
        ({"currency": "eur"}, "currency", "ISO 4217"),
        ({"sender_name": "Salon\r\nBcc: all@example.com"}, "sender_name", "in one line"),
        ({"sender_name": ""}, "sender_name", "length >= 1"),
        ({"sender_name": " "}, "sender_name", "in one line"),
        ({"reply_to": "hello"}, "reply_to", "hello@example.com"),
        ({"reply_to": "a@example.com, b@example.com"}, "reply_to", "hello@example.com"),
        ({"campaign": "none"}, "campaign", "expected array"),
        ({"campaign": [{"type": "email", "day": 0}, {"type": "fax", "day": 3}]}, "campaign[1].type", "fax"),
        ({"campaign": [{"type": "email"}]}, "campaign[0]", "day"),
        ({"campaign": [{"type": "email", "day": 0, "at": "08:00"}]}, "campaign[0].at", "allowed: type, day"),
        ({"campaign": [{"type": "email", "day": -1}]}, "campaign[0].day", ">= 0"),
        ({"campaign": [{"type": "email", "day": 366}]}, "campaign[0].day", "<= 365"),
        ({"campaign": [{"type": "sms", "day": 3}, {"type": "email", "day": 2}]}, "campaign[1].day", "not be before"),
        ({"campaign": [{"type": "sms", "day": 3}, {"type": "sms", "day": 4}]}, "campaign[1].type", "duplicate type"),
        ({"campaign": [{"type": "sms", "day": 3}] * 21}, "campaign", "length <= 20"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_its_place(fields: object, field: str, says: str) -> None:
    with pytest.raises(InvalidOutreach) as refused:
        outreach_from(fields)
    assert refused.value.field == field
    assert says in str(refused.value)
    assert str(refused.value).isprintable()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.floats(), st.lists, max_leaves=5))
def test_nothing_but_invalid_outreach_is_raised(value: object) -> None:
    for fields in (value, *({name: value} for name in Outreach.__struct_fields__)):
        with contextlib.suppress(InvalidOutreach):
            assert isinstance(outreach_from(fields), Outreach)


def test_go() -> None:
    assert verdict() == Go()


@pytest.mark.parametrize(
    ("profile", "channel", "reason"),
    [
        (Profile(), "email", "no e-mail address"),
        (Profile(), "sms", "no phone number"),
        (Profile(email="  ", consent={"email": True}), "email", "no e-mail address"),
        (Profile(email="ada@example.com"), "email", "no consent to e-mail"),
        (Profile(email="ada@example.com", consent={"sms": True}), "email", "no consent to e-mail"),
        (ADA, "sms", "no consent to SMS"),
    ],
)
@pytest.mark.parametrize("marketing", [True, False])
def test_what_lacks_an_address_or_consent_waits_for_the_profile(
    profile: Profile, channel: str, reason: str, marketing: bool
) -> None:
    assert verdict(profile, channel=channel_spec(channel), marketing=marketing, now=EVENING) == Incomplete(reason)


@pytest.mark.parametrize("email", ["ada@example.com", None])
def test_a_recorded_no_does_not_wait(email: str | None) -> None:
    refused = Profile(email=email, consent={"email": False})
    assert verdict(refused, now=EVENING) == Suppress("no consent to e-mail", by_profile=True)


def test_the_cap_counts_what_was_sent_within_its_days() -> None:
    sent = [NOON - 6 * DAY, NOON - 7 * DAY + 1, NOON]
    assert verdict(marketing_sent=sent) == Suppress("3 marketing messages in 7 days already")
    assert verdict(marketing_sent=sent, marketing=False) == Go()
    assert verdict(marketing_sent=[*sent[:2], NOON - 7 * DAY]) == Go()  # exactly seven days ago
    assert verdict(marketing_sent=sent, outreach=Outreach(cap_messages=4)) == Go()
    once = Outreach(cap_messages=1, cap_days=1)
    assert verdict(marketing_sent=[NOON], outreach=once) == Suppress("1 marketing message in 1 day already")
    assert isinstance(verdict(outreach=Outreach(cap_messages=0)), Suppress)


def test_the_cap_comes_before_the_night() -> None:
    assert isinstance(verdict(marketing_sent=[NOON] * 3, now=EVENING), Suppress)


def test_the_night_is_the_customers_own() -> None:
    morning = to_micros(datetime(2026, 6, 2, 6, tzinfo=UTC))  # 08:00 in Berlin
    held = verdict(now=EVENING, marketing=False)
    assert held == Deferral(morning, "quiet hours from 20:00 to 08:00 (Europe/Berlin)")
    assert verdict(now=morning) == Go()
    elsewhere = msgspec.structs.replace(ADA, time_zone="America/New_York")
    assert verdict(elsewhere, now=EVENING) == Go()


@pytest.mark.parametrize("stored", [None, "Europe/Atlantis", "Mars"])
def test_without_a_zone_of_his_own_the_companys_counts(stored: str | None) -> None:
    nowhere = msgspec.structs.replace(ADA, time_zone=stored)
    assert verdict(nowhere, now=EVENING, outreach=Outreach(time_zone="UTC")) == Go()
    held = verdict(nowhere, now=EVENING, outreach=Outreach(time_zone="Asia/Kolkata"))
    assert isinstance(held, Deferral)
    assert held.until == to_micros(datetime(2026, 6, 2, 2, 30, tzinfo=UTC))


def test_no_night_where_both_ends_are_equal() -> None:
    assert verdict(now=EVENING, outreach=Outreach(quiet_from="08:00", quiet_to="08:00")) == Go()


@given(st.integers(0, 2 * 365).map(lambda days: NOON + days * DAY), st.integers(0, DAY))
def test_who_is_held_may_go_then(day: int, beside: int) -> None:
    now = day + beside
    found = verdict(now=now)
    if isinstance(found, Deferral):
        assert now < found.until <= now + DAY
        assert verdict(now=found.until) == Go()
