"""Outreach: a company's settings, and whether a message may be sent to a customer now.

The settings are stored in ``companies.settings->'outreach'``; missing ones have their defaults.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from journey.channels import ChannelSpec
from journey.email_addresses import is_email_address
from journey.quiet_hours import first_allowed, time_of_day, zone_of
from journey.text import excerpt, is_blank, is_single_line, with_plain_spaces
from journey.time import DAY, Micros

#: How long (µs) a message waits for an address or consent that the profile does not have yet. Systems that send events
#: and profiles do not agree on which comes first.
PROFILE_WAIT = DAY

#: Why a message could be sent, kept with each message.
PERMISSIONS = {
    "profile_consent": "the customer's profile had consent to the channel, and nobody had unsubscribed the address",
    "to_staff": "sent to the company's own staff, which needs no consent",
}

CampaignStep = Literal["email", "sms", "call", "offer"]

_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PATH = re.compile(r" - at `\$\.?(.*)`$")


class InvalidOutreach(ValueError):
    """Invalid settings: ``field`` (a path), ``value`` (shortened) and ``problem`` (what is allowed)."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        self.field, self.value, self.problem = field[:80], excerpt(value), problem
        super().__init__(f"{self.field}: {self.problem} (got {self.value})")


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of the retention campaign, ``day`` days after its start."""

    type: CampaignStep
    day: Annotated[int, Meta(ge=0, le=365)]


class Outreach(Struct, frozen=True, forbid_unknown_fields=True):
    """A company's outreach settings. Quiet hours are local times of the customer; there are none if both are equal."""

    time_zone: str = "UTC"
    quiet_from: str = "20:00"
    quiet_to: str = "08:00"
    cap_messages: Annotated[int, Meta(ge=0, le=1000)] = 3
    cap_days: Annotated[int, Meta(ge=1, le=365)] = 7
    sender_name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    reply_to: Annotated[str, Meta(max_length=254)] | None = None
    offer_percent: Annotated[int, Meta(ge=1, le=100)] = 15
    offer_valid_days: Annotated[int, Meta(ge=1, le=365)] = 30
    campaign: Annotated[tuple[Step, ...], Meta(max_length=20)] = (
        Step("email", 0),
        Step("sms", 3),
        Step("call", 7),
        Step("offer", 14),
    )
    currency: str = "EUR"


class Profile(Struct, frozen=True):
    """What is needed of a customer to send them messages.

    ``consent`` is by the channel's name; a channel without an entry has no consent.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    time_zone: str | None = None
    locale: str | None = None
    consent: dict[str, bool] = {}

    def address(self, channel: ChannelSpec) -> str | None:
        """Return the customer's address on a channel; None if it is missing or blank."""
        address: str | None = getattr(self, channel.address_field) if channel.address_field else None
        return address if address and address.strip() else None


class Go(Struct, frozen=True, tag=True):
    """The message may be sent now."""


class Deferral(Struct, frozen=True, tag=True):
    """The message may be sent at ``until``, not now."""

    until: Micros
    reason: str


class Incomplete(Struct, frozen=True, tag=True):
    """The profile has no address or no answer about consent. It may still be on its way: try again when it changes."""

    reason: str


class Suppress(Struct, frozen=True, tag=True):
    """The message must not be sent. ``by_profile``: another answer about consent would allow it."""

    reason: str
    by_profile: bool = False


def outreach_from(fields: object) -> Outreach:
    """Parse a company's settings; None gives the defaults. Raises InvalidOutreach."""
    try:
        outreach = msgspec.convert({} if fields is None else fields, Outreach)
    except (msgspec.ValidationError, OverflowError) as error:
        raise _explained(fields, str(error)) from None
    _check(outreach)
    if outreach.sender_name is not None:
        outreach = msgspec.structs.replace(outreach, sender_name=with_plain_spaces(outreach.sender_name))
    return outreach


def consider(
    profile: Profile,
    *,
    channel: ChannelSpec,
    marketing: bool,
    now: Micros,
    outreach: Outreach,
    marketing_sent: Sequence[Micros] = (),
    unsubscribed: bool = False,
) -> Go | Deferral | Incomplete | Suppress:
    """Whether a message may go to this customer at ``now``.

    ``marketing_sent``: when marketing messages were delivered to this customer, on any channel, in any order.
    ``unsubscribed``: this customer, or another one with the same address, has unsubscribed from the channel.
    """
    consent = profile.consent.get(channel.name)
    if consent is False:
        return Suppress(f"no consent to {channel.label}", by_profile=True)
    if profile.address(channel) is None:
        return Incomplete(f"no {channel.address_label}")
    if unsubscribed:
        return Suppress(
            f"unsubscribed for this {'mailbox' if channel.address_field == 'email' else channel.address_label}"
        )
    if consent is not True:
        return Incomplete(f"no consent to {channel.label}")
    if marketing:
        recent = sum(now - outreach.cap_days * DAY < sent <= now for sent in marketing_sent)
        if recent >= outreach.cap_messages:
            return Suppress(f"{_count(recent, 'marketing message')} in {_count(outreach.cap_days, 'day')} already")
    return _quiet(profile, now, outreach)


def _quiet(profile: Profile, now: Micros, outreach: Outreach) -> Go | Deferral:
    zone = zone_of(profile.time_zone) or zone_of(outreach.time_zone) or zone_of("UTC")
    assert zone is not None
    until = first_allowed(now, zone, time_of_day(outreach.quiet_from), time_of_day(outreach.quiet_to))
    if until == now:
        return Go()
    return Deferral(until, f"quiet hours from {outreach.quiet_from} to {outreach.quiet_to} ({zone.key})")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def _check(outreach: Outreach) -> None:
    """Check what the types cannot express."""
    if zone_of(outreach.time_zone) is None:
        raise InvalidOutreach(
            "time_zone", outreach.time_zone, "must be the IANA name of a time zone, like Europe/Berlin"
        )
    for field in ("quiet_from", "quiet_to"):
        if not _TIME.fullmatch(getattr(outreach, field)):
            raise InvalidOutreach(field, getattr(outreach, field), "must be a time from 00:00 to 23:59, like 20:00")
    if not re.fullmatch("[A-Z]{3}", outreach.currency):
        raise InvalidOutreach("currency", outreach.currency, "must be three capital letters (ISO 4217), like EUR")
    name, reply_to = outreach.sender_name, outreach.reply_to
    if name is not None and (not is_single_line(name) or is_blank(name)):
        raise InvalidOutreach("sender_name", name, "must be 1 to 100 visible characters in one line")
    if reply_to is not None and not is_email_address(reply_to, public=False):
        raise InvalidOutreach("reply_to", reply_to, "must be an e-mail address like hello@example.com")
    for index, step in enumerate(outreach.campaign):
        earlier = outreach.campaign[:index]
        if any(other.type == step.type for other in earlier):
            raise InvalidOutreach(f"campaign[{index}].type", step.type, "duplicate type; each is allowed once")
        if earlier and step.day < earlier[-1].day:
            raise InvalidOutreach(f"campaign[{index}].day", step.day, "must not be before the day of the previous step")


def _explained(fields: object, message: str) -> InvalidOutreach:
    """Convert msgspec's message to field, value and what is allowed."""
    if not isinstance(fields, dict):
        return InvalidOutreach("outreach", fields, "must be a JSON object")
    path = _PATH.search(message)
    field = path[1] if path else ""
    problem = _PATH.sub("", message).replace("`", "")
    if unknown := re.search(r"unknown field (.*)", problem):
        known = Step if field.startswith("campaign[") else Outreach
        return InvalidOutreach(
            ".".join(filter(None, (field, unknown[1]))),
            _value_at(fields, field).get(unknown[1]) if isinstance(_value_at(fields, field), dict) else None,
            "unknown field; allowed: " + ", ".join(known.__struct_fields__),
        )
    return InvalidOutreach(field or "outreach", _value_at(fields, field), problem[0].lower() + problem[1:])


def _value_at(fields: object, path: str) -> Any:
    """Return the value at a path like ``campaign[1].day``, or None."""
    found: Any = fields
    for part in re.findall(r"[^.\[\]]+", path):
        try:
            found = found[int(part)] if isinstance(found, (list, tuple)) else found[part]
        except (LookupError, TypeError, ValueError):
            return None
    return found
