"""Parsing and validation of events, with errors that name the field, its value and what is allowed."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from journey.events import (
    AMOUNT_LIMIT,
    EVENT_TYPES,
    AnyEvent,
    AppointmentRequested,
    AppointmentRescheduled,
    Event,
    EventRetracted,
)
from journey.identifiers import CUSTOMER_ID_CHARACTERS, NO_EMAIL_ADDRESS, is_customer_id, is_email_address
from journey.text import excerpt, is_single_line, is_storable, printable
from journey.time import EARLIEST, LATEST, MINUTE, Micros, to_micros, utc_text

FUTURE_LIMIT = 5 * MINUTE  # a sender's clock may be this far ahead
BOOKING_YEARS = 5  # between an event and the booked time that it reports
CENT = Decimal("0.01")
FREE_TEXTS = ("comment", "reason")  # may have line breaks and blanks around them; ids may not

_decoder = msgspec.json.Decoder(AnyEvent)
_raw_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_untyped_decoder = msgspec.json.Decoder()


class InvalidEvent(ValueError):
    """An event that is refused: ``field``, ``value`` (shortened) and ``problem`` (what is allowed) say why."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        self.field, self.value, self.problem = excerpt(field), excerpt(value), printable(problem)
        super().__init__(f"{self.field}: {self.problem} (got {self.value})")

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "value": self.value, "problem": self.problem}


_AT_PATH = re.compile(r" - at `\$\.?(.*)`$")
_KEYS = re.compile(rb'"[^"\\]*"\s*:')
_FRACTION = re.compile(rb"-?[0-9]{1,16}(?:\.[0-9]{1,16})?(?:[eE][+-]?[0-9])?")
# `Decimal` also accepts blanks, underscores, exponents, and the digits of other scripts
_AMOUNT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_OTHER_AMOUNT = re.compile(rb'\s*:\s*"(?![+-]?[0-9]+(?:\.[0-9]+)?")')  # after the name


def _field_counts(cls: type[Event]) -> tuple[int, tuple[tuple[str, Any], ...]]:
    """How many fields an event of this type must have, ``type`` among them, and the others with their defaults."""
    fields = msgspec.structs.fields(cls)
    optional = tuple((field.name, field.default) for field in fields if not field.required)
    return 1 + len(fields) - len(optional), optional


_FIELDS = {cls: _field_counts(cls) for cls in EVENT_TYPES.values()}


def parse(line: bytes | str, *, now: Micros | None = None, email_ids: bool = True) -> Event:
    """Parse an event from its JSON text.

    Args:
        line: The JSON text.
        now: If given, an event more than five minutes later is refused.
        email_ids: Whether the customer's id may be an e-mail address.

    Raises:
        InvalidEvent: It is not a valid event.
    """
    try:
        raw = line if isinstance(line, bytes) else line.encode()
        try:
            event: Event = _decoder.decode(raw)
        except msgspec.ValidationError:
            event = _decode_whole_numbers(raw)
    except (msgspec.DecodeError, UnicodeError, OverflowError, RecursionError) as error:
        raise _invalid_line(line, error) from None
    _check(event, now, email_ids)
    if _may_have_duplicates(raw, event):
        json.loads(raw, object_pairs_hook=_refuse_duplicates, parse_int=str, parse_float=str)
    if event.least_amount is not None:
        at = raw.find(b'"amount"')
        # the pattern would miss a name or a value with escapes
        if b"\\" in raw or _OTHER_AMOUNT.match(raw, at + len(b'"amount"')):
            _check_amount_text(_untyped_decoder.decode(raw))
    return event


def from_fields(fields: object, *, now: Micros | None = None, email_ids: bool = True) -> Event:
    """Parse an event from a decoded JSON object. Otherwise as `parse`."""
    try:
        event = _convert(fields)
    except UnicodeEncodeError as error:
        raise _invalid_unicode(fields, error) from None
    except (msgspec.ValidationError, OverflowError) as error:
        raise _invalid_fields(fields, str(error)) from None
    _check_amount_text(fields)
    _check(event, now, email_ids)
    return event


def _decode_whole_numbers(raw: bytes) -> Event:
    """Decode an event once more. Where an integer is wanted, any integral number is one: 5.0 and 5e0 are 5."""
    fields = _raw_decoder.decode(raw)
    whole = {name: text for name, value in fields.items() if (text := _whole_number(bytes(value)))}
    event: Event = _decoder.decode(msgspec.json.encode(fields | whole) if whole else raw)
    return event


def _convert(fields: object) -> Event:
    """Convert a decoded object, with integral numbers as integers."""
    event: Event
    try:
        event = msgspec.convert(fields, AnyEvent)
    except msgspec.ValidationError:
        values = fields.items() if isinstance(fields, dict) else ()
        whole = {name: int(value) for name, value in values if isinstance(value, float) and value.is_integer()}
        if not whole:
            raise
        event = msgspec.convert({**dict(values), **whole}, AnyEvent)
    return event


def _whole_number(text: bytes) -> msgspec.Raw | None:
    """Return the integer that a JSON number with a fraction or an exponent is equal to, as JSON."""
    if not _FRACTION.fullmatch(text):
        return None
    number = Decimal(text.decode())
    return msgspec.Raw(b"%d" % number) if number == number.to_integral_value() else None


def _may_have_duplicates(raw: bytes, event: Event) -> bool:
    """Whether a name may be used twice. Counting is enough for nearly all, in half the time of a search."""
    if b"\\" in raw:
        return True
    if not (b" :" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw):
        # Every name is followed by `":`, and nothing else is. Fields that do not have their default were given, once.
        required, optional = _FIELDS[type(event)]
        given = required
        for name, default in optional:
            if getattr(event, name) is not default:
                given += 1
        if raw.count(b'":') == given:
            return False
    keys = _KEYS.findall(raw)
    return len(keys) != len(set(keys))


def _check(event: Event, now: Micros | None, email_ids: bool) -> None:
    """Check what the types cannot express: characters, decimals, and limits of time."""
    customer = event.customer
    if not is_customer_id(customer):
        raise InvalidEvent("customer_id", event.customer_id, f"must be {CUSTOMER_ID_CHARACTERS}, or an integer")
    if not email_ids and "@" in customer and is_email_address(customer):
        raise InvalidEvent("customer_id", event.customer_id, NO_EMAIL_ADDRESS)
    event_id = event.id
    # a printable text has no other blanks than spaces
    if not event_id.isprintable() or event_id[0] == " " or event_id[-1] == " ":
        _check_id(event_id)
    if not EARLIEST <= event.occurred_at < LATEST:
        _check_time("occurred_at", event.occurred_at)
    if now is not None and event.at > now + FUTURE_LIMIT:
        raise InvalidEvent("occurred_at", event.occurred_at.isoformat(), "must be at most 5 minutes in the future")
    if event.least_amount is not None:
        _check_amount(event.amount, event.least_amount)  # type: ignore[attr-defined]  # such types have the field
    elif isinstance(event, AppointmentRequested | AppointmentRescheduled) and event.scheduled_for is not None:
        _check_booked_time(event.scheduled_for, event.occurred_at)
    elif isinstance(event, EventRetracted) and event.retracts == event_id:
        raise InvalidEvent("retracts", event.retracts, "must be the id of another event")
    for name in event.text_fields:
        if (text := getattr(event, name)) is not None:
            _check_text(name, text)


def _check_id(event_id: str) -> None:
    if not is_single_line(event_id) or event_id != event_id.strip():
        allowed = "must be 1 to 128 characters, without control characters or blanks around them"
        raise InvalidEvent("id", event_id, allowed)


def _check_time(field: str, timestamp: datetime) -> None:
    if not EARLIEST <= timestamp < LATEST:
        allowed = f"must be from {EARLIEST.date()} to before {LATEST.date()}"
        raise InvalidEvent(field, timestamp.isoformat(), allowed)


def _check_booked_time(scheduled_for: datetime, occurred_at: datetime) -> None:
    _check_time("scheduled_for", scheduled_for)
    latest = occurred_at.astimezone(UTC)
    try:
        latest = latest.replace(year=latest.year + BOOKING_YEARS)
    except ValueError:  # 29 February
        latest = latest.replace(year=latest.year + BOOKING_YEARS, month=3, day=1)
    if scheduled_for > latest:
        allowed = (
            f"must be at most {BOOKING_YEARS} years after occurred_at, {utc_text(to_micros(latest))} at the latest"
        )
        raise InvalidEvent("scheduled_for", scheduled_for.isoformat(), allowed)


def _check_amount(amount: Decimal | UnsetType, least: Decimal) -> None:
    if amount is UNSET:
        return
    # quantize is exact here; a product would round away the 40th decimal
    if not amount.is_finite() or not least <= amount <= AMOUNT_LIMIT or amount.quantize(CENT) != amount:
        allowed = f"must be a number from {least} to {AMOUNT_LIMIT} with at most two decimals"
        raise InvalidEvent("amount", str(amount), allowed)


def _check_amount_text(fields: Any) -> None:
    """Check the form of an amount that is given as text; its value is checked by `_check_amount`."""
    text = fields.get("amount")
    if isinstance(text, str) and not _AMOUNT.fullmatch(text):
        raise InvalidEvent("amount", text, "must be a number in plain digits, like 49.90")


def _check_text(field: str, text: str) -> None:
    if field not in FREE_TEXTS and text != text.strip():
        raise InvalidEvent(field, text, "must not begin or end with blanks")
    if is_single_line(text):
        return
    if field not in FREE_TEXTS or not is_storable(text):
        raise InvalidEvent(field, text, "must not contain control characters")


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    """Refuse duplicate names, because JSON does not define which of them counts."""
    names = [name for name, _ in pairs]
    for name, value in pairs:
        if names.count(name) > 1:
            raise InvalidEvent(name, value, "duplicate field")


def _invalid_line(line: bytes | str, error: Exception) -> InvalidEvent:
    try:
        fields = _untyped_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
        return InvalidEvent("(body)", text.strip(), f"must be JSON in UTF-8: {error}")
    return _invalid_fields(fields, str(error))


def _invalid_unicode(fields: object, error: UnicodeEncodeError) -> InvalidEvent:
    """Find the field of a decoded object whose name or value is not valid Unicode."""
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if error.object in (name, value):
            return InvalidEvent(str(name), value, "must be text in Unicode, without lone surrogates")
    return InvalidEvent("(body)", error.object, "must be text in Unicode, without lone surrogates")


def _invalid_fields(fields: object, message: str) -> InvalidEvent:
    """Convert msgspec's message to field, value and what is allowed."""
    if not isinstance(fields, dict):
        return InvalidEvent("(body)", fields, "must be a JSON object")
    missing = re.search(r"missing required field `(\w+)`", message)
    unknown = re.search(r"unknown field `(.*)`", message)
    if missing:
        return InvalidEvent(missing[1], "nothing", "required")
    if unknown:
        cls = EVENT_TYPES[fields["type"]]
        allowed = ", ".join(["type", *cls.__struct_fields__])
        return InvalidEvent(unknown[1], fields.get(unknown[1]), f"unknown field; {fields['type']} allows {allowed}")
    path = _AT_PATH.search(message)
    field = path[1] if path else "(body)"
    value: Any = fields.get(field, "nothing")
    if field == "type":
        return InvalidEvent("type", value, "must be one of " + ", ".join(EVENT_TYPES))
    problem = _AT_PATH.sub("", message).replace("`", "")
    return InvalidEvent(field, value, problem[0].lower() + problem[1:])
