"""The events that move a journey, and the facts that each of them changes.

An event type is one class here: its fields, which msgspec checks (unknown fields are refused), ``change``, which
applies the event to the facts, an example, and whether it has an amount. Everything else is derived from the classes:
the decoder, the checks in `journey.event_validation`, the API description, and the event types that SQL sums.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from journey.appointments import ADDS_VISIT, OPENS, Rank
from journey.facts import Facts
from journey.time import EPOCH, MICROSECOND, Micros, Timestamp, to_micros, utc_text

AMOUNT_LIMIT = Decimal("99999999.99")
QUALIFIED_CALL_SECONDS = 60

Text128 = Annotated[str, Meta(min_length=1, max_length=128)]
Text64 = Annotated[str, Meta(min_length=1, max_length=64)]
Seconds = Annotated[int, Meta(ge=0, le=10_000_000)] | Annotated[float, Meta(ge=0, le=10_000_000)]
Rating = Annotated[int, Meta(ge=1, le=5)]


# gc=False: the garbage collector need not search a log of a million events for cycles, because there are none
class Event(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, tag_field="type"):
    """The fields of every event. ``id`` is unique within its company.

    Attributes:
        text_fields: The names of the fields with free text.
        least_amount: The least value of the field ``amount``, which counts towards the lifetime value; None for types
            without an amount.
        example: The type's own fields of an example event, as JSON.
        rank: Of types that say what became of an appointment: their order among events of the same instant.
        effect: What such an event does if it is the only one about its appointment.
        is_tracked: Whether other events may be about the same appointment, or a booked time is known; a property of
            types with an appointment.
    """

    id: Text128
    customer_id: Annotated[str, Meta(min_length=1, max_length=64)] | int
    occurred_at: Timestamp
    text_fields: ClassVar[tuple[str, ...]] = ()
    least_amount: ClassVar[Decimal | None] = None
    example: ClassVar[dict[str, Any]] = {}
    rank: ClassVar[Rank | None] = None
    effect: ClassVar[int] = 0
    is_tracked: ClassVar[Any] = False

    @property
    def customer(self) -> str:
        """The customer's id as text; a JSON integer becomes its decimal text."""
        return str(self.customer_id)

    @property
    def at(self) -> Micros:
        """When it occurred."""
        return Micros((self.occurred_at - EPOCH) // MICROSECOND)  # `to_micros` without its call: this is hot

    @property
    def type(self) -> str:
        return str(self.__struct_config__.tag)

    def change(self, facts: Facts, at: Micros) -> None:
        """Apply the event, which occurred at ``at``, to the facts, in place."""


class CallReceived(Event, frozen=True, kw_only=True, tag="call.received"):
    duration_seconds: Seconds
    direction: Literal["inbound", "outbound"] | None = None
    rating: Rating | None = None
    example: ClassVar[dict[str, Any]] = {"duration_seconds": 187, "direction": "inbound"}

    def change(self, facts: Facts, at: Micros) -> None:
        facts.calls += 1
        facts.qualified_calls += self.duration_seconds > QUALIFIED_CALL_SECONDS
        if self.rating is not None:
            facts.rate(self.rating)


class AppointmentRequested(Event, frozen=True, kw_only=True, tag="appointment.requested"):
    appointment_id: Text128 | None = None
    call_duration_seconds: Seconds | None = None
    scheduled_for: Timestamp | None = None
    service: Text64 | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id", "service")
    rank: ClassVar[Rank | None] = Rank.REQUESTED
    effect: ClassVar[int] = OPENS
    example: ClassVar[dict[str, Any]] = {
        "appointment_id": "a-17",
        "scheduled_for": "2026-03-12T09:00:00+01:00",
        "service": "colour",
    }

    @property
    def is_tracked(self) -> bool:
        return self.appointment_id is not None or self.scheduled_for is not None

    def change(self, facts: Facts, at: Micros) -> None:
        facts.requests += 1


class AppointmentRescheduled(Event, frozen=True, kw_only=True, tag="appointment.rescheduled"):
    appointment_id: Text128
    scheduled_for: Timestamp
    replaces: Text128 | None = None
    service: Text64 | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id", "replaces", "service")
    rank: ClassVar[Rank | None] = Rank.RESCHEDULED
    example: ClassVar[dict[str, Any]] = {"appointment_id": "a-17", "scheduled_for": "2026-03-14T11:30:00+01:00"}

    @property
    def is_tracked(self) -> bool:
        return True


class AppointmentCompleted(Event, frozen=True, kw_only=True, tag="appointment.completed"):
    appointment_id: Text128 | None = None
    amount: Decimal | UnsetType = UNSET
    service: Text64 | None = None
    least_amount: ClassVar[Decimal | None] = Decimal(0)
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id", "service")
    rank: ClassVar[Rank | None] = Rank.COMPLETED
    effect: ClassVar[int] = ADDS_VISIT
    example: ClassVar[dict[str, Any]] = {"appointment_id": "a-17", "amount": "129.50", "service": "colour"}

    @property
    def is_tracked(self) -> bool:
        return self.appointment_id is not None

    def change(self, facts: Facts, at: Micros) -> None:
        facts.completed += 1
        if self.amount is not UNSET:
            facts.value += int(self.amount * 100)
        facts.remember_visit(at)
        if self.service is not None:
            facts.remember_service(self.service, at)


class AppointmentMissed(Event, frozen=True, kw_only=True, tag="appointment.missed"):
    appointment_id: Text128 | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)
    rank: ClassVar[Rank | None] = Rank.MISSED
    example: ClassVar[dict[str, Any]] = {"appointment_id": "a-18"}

    @property
    def is_tracked(self) -> bool:
        return self.appointment_id is not None

    def change(self, facts: Facts, at: Micros) -> None:
        facts.missed += 1


class AppointmentCancelled(Event, frozen=True, kw_only=True, tag="appointment.cancelled"):
    appointment_id: Text128 | None = None
    by: Literal["customer", "company"] | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)
    rank: ClassVar[Rank | None] = Rank.CANCELLED
    example: ClassVar[dict[str, Any]] = {"appointment_id": "a-19", "by": "customer"}

    @property
    def is_tracked(self) -> bool:
        return self.appointment_id is not None

    def change(self, facts: Facts, at: Micros) -> None:
        facts.cancelled += 1


class PaymentAdjusted(Event, frozen=True, kw_only=True, tag="payment.adjusted"):
    amount: Decimal
    appointment_id: Text128 | None = None
    least_amount: ClassVar[Decimal | None] = -AMOUNT_LIMIT
    text_fields: ClassVar[tuple[str, ...]] = ("appointment_id",)
    example: ClassVar[dict[str, Any]] = {"amount": "-20.00"}

    def change(self, facts: Facts, at: Micros) -> None:
        facts.value += int(self.amount * 100)


class SupportTicketOpened(Event, frozen=True, kw_only=True, tag="support_ticket.opened"):
    ticket_id: Text64
    text_fields: ClassVar[tuple[str, ...]] = ("ticket_id",)
    example: ClassVar[dict[str, Any]] = {"ticket_id": "t-4"}

    def change(self, facts: Facts, at: Micros) -> None:
        facts.open_ticket(self.ticket_id, at)


class SupportTicketResolved(Event, frozen=True, kw_only=True, tag="support_ticket.resolved"):
    ticket_id: Text64
    text_fields: ClassVar[tuple[str, ...]] = ("ticket_id",)
    example: ClassVar[dict[str, Any]] = {"ticket_id": "t-4"}

    def change(self, facts: Facts, at: Micros) -> None:
        facts.resolve_ticket(self.ticket_id, at)


class FeedbackReceived(Event, frozen=True, kw_only=True, tag="feedback.received"):
    rating: Rating
    comment: Annotated[str, Meta(max_length=4000)] | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("comment",)
    example: ClassVar[dict[str, Any]] = {"rating": 5, "comment": "Friendly and on time."}

    def change(self, facts: Facts, at: Micros) -> None:
        facts.rate(self.rating)


class EventRetracted(Event, frozen=True, kw_only=True, tag="event.retracted"):
    retracts: Text128
    reason: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None
    text_fields: ClassVar[tuple[str, ...]] = ("retracts", "reason")
    is_tracked: ClassVar[Any] = True
    example: ClassVar[dict[str, Any]] = {"retracts": "e-17", "reason": "entered for the wrong customer"}

    def change(self, facts: Facts, at: Micros) -> None:
        raise TypeError("facts cannot be changed by a retraction, only folded anew (journey/decisions.py)")


EVENT_TYPES: dict[str, type[Event]] = {str(cls.__struct_config__.tag): cls for cls in Event.__subclasses__()}

#: The types of events whose amounts count towards the lifetime value.
AMOUNT_TYPES = tuple(name for name, cls in EVENT_TYPES.items() if cls.least_amount is not None)

#: The union of all event types, for msgspec; ``Any``, because type checkers cannot evaluate it.
AnyEvent: Any = reduce(or_, EVENT_TYPES.values())


def counting(events: Iterable[Event]) -> list[Event]:
    """Return the events of one customer that count: all but retractions and the events that they name, in order."""
    listed = list(events)
    retracted = {event.retracts for event in listed if type(event) is EventRetracted}
    if not retracted:
        return listed
    return [event for event in listed if event.id not in retracted and type(event) is not EventRetracted]


def from_canonical(fields: Mapping[str, Any]) -> Event:
    """Convert what `canonical` returned, as the ledger has it, whatever else events must fulfil by now."""
    event: Event = msgspec.convert(dict(fields), AnyEvent)
    return event


def canonical(event: Event) -> dict[str, Any]:
    """Return the event as JSON values in a normal form: times in UTC, amounts with two decimals, no unset fields."""
    fields: dict[str, Any] = {"id": event.id, "type": event.type, "customer_id": event.customer}
    fields["occurred_at"] = utc_text(event.at)
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if name in fields or value is None or value is UNSET:
            continue
        if isinstance(value, Decimal):
            value = f"{value + 0:.2f}"  # + 0 turns -0 into 0
        elif isinstance(value, datetime):
            value = utc_text(to_micros(value))
        elif isinstance(value, float) and value.is_integer():
            value = int(value)
        fields[name] = value
    return fields


def quarantine_hash(name: str, raw: str) -> bytes:
    """Return the hash of a message that cannot be applied; it depends on the message's text alone."""
    return content_hash({"name": name, "raw": raw})


def quarantine_id(fingerprint: bytes) -> str:
    """Return the id of a quarantined message's row in the ledger."""
    return f"quarantined:{fingerprint.hex()}"


def content_hash(fields: dict[str, Any]) -> bytes:
    """Return 16 bytes that are equal for equal content.

    Args:
        fields: The event as `canonical` returns it.
    """
    if fields.get("type") == "appointment.completed":
        fields = {"amount": "0.00", **fields}  # hashes were first computed with this default
    return hashlib.blake2b(msgspec.json.encode(fields, order="sorted"), digest_size=16).digest()
