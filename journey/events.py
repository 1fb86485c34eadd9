"""The events that move a journey, and the facts that each of them changes.

Over 300 lines, because a type, its checks and the words of its refusal change together.

An event type is one class here: its fields (validated by msgspec, unknown fields refused) and ``change``, which applies
it to the facts. Instants inside the core are integers: microseconds since 1970 UTC. Money is integer hundredths.
"""

import hashlib
import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from journey.state import Facts
from journey.time import EARLIEST, LATEST, MINUTE, Micros, Timestamp, to_micros, utc_text

FUTURE_LIMIT = 5 * MINUTE  # an upstream clock may run this far ahead of ours
AMOUNT_LIMIT = Decimal("99999999.99")
CENT = Decimal("0.01")
QUALIFIED_CALL_SECONDS = 60

_CUSTOMER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")

Text128 = Annotated[str, Meta(min_length=1, max_length=128)]
Text64 = Annotated[str, Meta(min_length=1, max_length=64)]
Seconds = Annotated[int, Meta(ge=0, le=10_000_000)] | Annotated[float, Meta(ge=0, le=10_000_000)]
Rating = Annotated[int, Meta(ge=1, le=5)]


class InvalidEvent(ValueError):
    """An event that cannot be taken: ``field``, ``value`` (a short text) and ``problem`` (what is allowed) say why."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        self.field, self.value = _shown(field), _shown(value)
        self.problem = problem if problem.isprintable() else ascii(problem)[1:-1]
        super().__init__(f"{self.field}: {self.problem} (got {self.value})")

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "value": self.value, "problem": self.problem}


def _shown(value: object) -> str:
    """At most 80 printable characters of whatever was sent."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        text = f"a {type(value).__name__}"
    text = text.strip()[:81]
    if not text.isprintable():
        text = ascii(text)[1:-1]
    return text if len(text) <= 80 else text[:77] + "..."


# gc=False: a log of a million events holds no cycles to look for
class Event(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag_field="type"):
    """What every event has. ``id`` is unique within its company; ``occurred_at`` carries an offset."""

    id: Text128
    customer_id: Annotated[str, Meta(min_length=1, max_length=64)] | int
    occurred_at: Timestamp
    text_fields: ClassVar[tuple[str, ...]] = ()

    @property
    def customer(self) -> str:
        """The customer's id as text: a JSON integer is taken as its decimal text."""
        return str(self.customer_id)

    @property
    def at(self) -> Micros:
        """When it occurred."""
        return to_micros(self.occurred_at)

    @property
    def type(self) -> str:
        return str(self.__struct_config__.tag)

    def change(self, facts: Facts, at: Micros) -> None:
        """Apply the event, of the instant ``at``, to the facts, in place."""


class CallReceived(Event, frozen=True, kw_only=True, tag="call.received"):
    duration_seconds: Seconds
    direction: Literal["inbound", "outbound"] | None = None
    rating: Rating | None = None

    def change(self, facts: Facts, at: Micros) -> None:
        facts.calls += 1
        facts.qualified_calls += self.duration_seconds > QUALIFIED_CALL_SECONDS
        if self.rating is not None:
            facts.rate(self.rating)


class AppointmentRequested(Event, frozen=True, kw_only=True, tag="appointment.requested"):
    appointment_id: Text128 | None = None
    call_duration_seconds: Seconds | None = None
    scheduled_for: Timestamp | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.requests += 1


class AppointmentCompleted(Event, frozen=True, kw_only=True, tag="appointment.completed"):
    appointment_id: Text128 | None = None
    amount: Decimal = Decimal(0)
    least_amount: ClassVar[Decimal] = Decimal(0)
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.completed += 1
        facts.value += int(self.amount * 100)
        facts.remember_appointment(at)


class AppointmentMissed(Event, frozen=True, kw_only=True, tag="appointment.missed"):
    appointment_id: Text128 | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.missed += 1


class AppointmentCancelled(Event, frozen=True, kw_only=True, tag="appointment.cancelled"):
    appointment_id: Text128 | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.cancelled += 1


class PaymentAdjusted(Event, frozen=True, kw_only=True, tag="payment.adjusted"):
    amount: Decimal
    least_amount: ClassVar[Decimal] = -AMOUNT_LIMIT

    def change(self, facts: Facts, at: Micros) -> None:
        facts.value += int(self.amount * 100)


class SupportTicketOpened(Event, frozen=True, kw_only=True, tag="support_ticket.opened"):
    ticket_id: Text64
    text_fields: ClassVar[tuple[str, ...]] = ("ticket_id",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.open_ticket(self.ticket_id, at)


class SupportTicketResolved(Event, frozen=True, kw_only=True, tag="support_ticket.resolved"):
    ticket_id: Text64
    text_fields: ClassVar[tuple[str, ...]] = ("ticket_id",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.resolve_ticket(self.ticket_id, at)


class FeedbackReceived(Event, frozen=True, kw_only=True, tag="feedback.received"):
    rating: Rating
    comment: Annotated[str, Meta(max_length=4000)] | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("comment",)

    def change(self, facts: Facts, at: Micros) -> None:
        facts.rate(self.rating)


AnyEvent = (
    CallReceived
    | AppointmentRequested
    | AppointmentCompleted
    | AppointmentMissed
    | AppointmentCancelled
    | PaymentAdjusted
    | SupportTicketOpened
    | SupportTicketResolved
    | FeedbackReceived
)

EVENT_TYPES: dict[str, type[Event]] = {str(cls.__struct_config__.tag): cls for cls in Event.__subclasses__()}
_decoder = msgspec.json.Decoder(AnyEvent)
_generic = msgspec.json.Decoder()
_AT_PATH = re.compile(r" - at `\$\.?(.*)`$")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
_KEYS = re.compile(rb'"[^"\\]*"\s*:')


def parse(line: bytes | str, *, now: Micros | None = None) -> Event:
    """One event from its JSON text.

    ``now`` (µs) refuses what lies more than five minutes in its future. Raises InvalidEvent.
    """
    try:
        raw = line if isinstance(line, bytes) else line.encode()
        event: Event = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, OverflowError, RecursionError) as error:
        raise _explain(line, error) from None
    _check(event, now)
    keys = _KEYS.findall(raw)
    if len(keys) != len(set(keys)) or b"\\" in raw:
        json.loads(raw, object_pairs_hook=_refuse_twice, parse_int=str, parse_float=str)
    return event


def from_fields(fields: object, *, now: Micros | None = None) -> Event:
    """One event from an already decoded JSON object. Raises InvalidEvent."""
    try:
        event: Event = msgspec.convert(fields, AnyEvent)
    except UnicodeEncodeError as error:
        raise _explain_unicode(fields, error) from None
    except (msgspec.ValidationError, OverflowError) as error:
        raise _explain_fields(fields, str(error)) from None
    _check(event, now)
    return event


def _check(event: Event, now: Micros | None) -> None:
    """What a type cannot say: ids without control characters, two decimals, instants within reach."""
    if not _CUSTOMER_ID.fullmatch(event.customer):
        raise InvalidEvent("customer_id", event.customer_id, "1 to 64 of A-Z a-z 0-9 . _ : @ -, or an integer")
    if not event.id.isprintable():
        raise InvalidEvent("id", event.id, "1 to 128 printable characters")
    _check_reach("occurred_at", event.occurred_at)
    if now is not None and event.at > now + FUTURE_LIMIT:
        raise InvalidEvent("occurred_at", event.occurred_at.isoformat(), "at most 5 minutes in the future")
    if isinstance(event, (AppointmentCompleted, PaymentAdjusted)):
        _check_amount(event.amount, event.least_amount)
    elif isinstance(event, AppointmentRequested) and event.scheduled_for is not None:
        _check_reach("scheduled_for", event.scheduled_for)
    for name in event.text_fields:
        _check_text(name, getattr(event, name))


def _check_reach(field: str, moment: datetime) -> None:
    if not EARLIEST <= moment < LATEST:
        raise InvalidEvent(field, moment.isoformat(), f"from {EARLIEST.date()} until {LATEST.date()}")


def _check_amount(amount: Decimal, least: Decimal) -> None:
    allowed = f"a number from {least} to {AMOUNT_LIMIT} with at most two decimals"
    # quantize is exact here; a product would round away what stands in the 40th decimal
    if not amount.is_finite() or not least <= amount <= AMOUNT_LIMIT or amount.quantize(CENT) != amount:
        raise InvalidEvent("amount", str(amount), allowed)


def _check_text(field: str, text: str | None) -> None:
    if text is None or text.isprintable():
        return
    # a comment may have line breaks, an id may not; Postgres stores neither NUL nor a lone surrogate
    if field != "comment" or "\x00" in text or _LONE_SURROGATE.search(text):
        raise InvalidEvent(field, text, "printable characters")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    """JSON leaves it open which of two equal names counts, so that neither can be taken."""
    names = [name for name, _ in pairs]
    for name, value in pairs:
        if names.count(name) > 1:
            raise InvalidEvent(name, value, "stands twice")


def _explain(line: bytes | str, error: Exception) -> InvalidEvent:
    try:
        fields = _generic.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
        return InvalidEvent("(body)", text, f"JSON in UTF-8: {error}")
    return _explain_fields(fields, str(error))


def _explain_unicode(fields: object, error: UnicodeEncodeError) -> InvalidEvent:
    """Which field of an already decoded object holds the text that is no Unicode, in its name or its value."""
    for name, value in fields.items() if isinstance(fields, dict) else ():
        if error.object in (name, value):
            return InvalidEvent(str(name), value, "text in Unicode, without lone surrogates")
    return InvalidEvent("(body)", error.object, "text in Unicode, without lone surrogates")


def _explain_fields(fields: object, message: str) -> InvalidEvent:
    """Turn the library's message into field, value and what is allowed."""
    if not isinstance(fields, dict):
        return InvalidEvent("(body)", fields, "one JSON object")
    missing = re.search(r"missing required field `(\w+)`", message)
    unknown = re.search(r"unknown field `(.*)`", message)
    if missing:
        return InvalidEvent(missing[1], "nothing", "required")
    if unknown:
        cls = EVENT_TYPES[fields["type"]]
        allowed = ", ".join(["type", *cls.__struct_fields__])
        return InvalidEvent(unknown[1], fields.get(unknown[1]), f"unknown field; {fields['type']} has {allowed}")
    path = _AT_PATH.search(message)
    field = path[1] if path else "(body)"
    value: Any = fields.get(field, "nothing")
    if field == "type":
        return InvalidEvent("type", value, "one of " + ", ".join(EVENT_TYPES))
    problem = _AT_PATH.sub("", message).replace("`", "")
    return InvalidEvent(field, value, problem[0].lower() + problem[1:])


def canonical(event: Event) -> dict[str, Any]:
    """The event as plain JSON values in one normal form: UTC, two decimals, unset fields left out."""
    fields: dict[str, Any] = {"id": event.id, "type": event.type, "customer_id": event.customer}
    fields["occurred_at"] = utc_text(event.at)
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name in fields or value is None:
            continue
        if isinstance(value, Decimal):
            value = f"{value + 0:.2f}"  # + 0 turns -0 into 0
        elif isinstance(value, datetime):
            value = utc_text(to_micros(value))
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        fields[name] = value
    return fields


def content_hash(fields: dict[str, Any]) -> bytes:
    """16 bytes that are equal for equal content (of a ``canonical`` event)."""
    return hashlib.blake2b(msgspec.json.encode(fields, order="sorted"), digest_size=16).digest()
