"""The booked appointments of one customer, computed from all of their events: rows of the table ``appointments``."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from journey.appointment_book import fold_facts, references
from journey.appointments import Appointment, Rank, appointment_key
from journey.events import Event
from journey.time import Micros

OUTCOMES = {
    Rank.REQUESTED: "open",
    Rank.COMPLETED: "completed",
    Rank.MISSED: "missed",
    Rank.CANCELLED: "cancelled",
}


class Booking(Struct, frozen=True):
    """One appointment with a booked time, as of its latest event.

    Attributes:
        key: The short hash of its first id.
        appointment_id: An id by which events can refer to it.
        booked_at: The time of the first event with this booked time.
        last_event_at: The time of its latest event.
        outcome: A value of `OUTCOMES`.
        service: That of its latest event that names one.
        amount: Of its latest completed event that has one, in hundredths.
    """

    key: str
    appointment_id: str
    scheduled_for: Micros
    booked_at: Micros
    last_event_at: Micros
    outcome: str
    service: str | None
    amount: int | None


def bookings(events: Iterable[Event]) -> list[Booking]:
    """Return the booked appointments of a customer, cancelled and past ones too, by booked time.

    Args:
        events: All events of the customer about appointments, and all retractions, in any order. Others are ignored.
    """
    listed = list(events)
    facts, _ = fold_facts(listed)
    by_id = {event.id: event for event in listed}
    found = [
        _booking(appointment, by_id)
        for key, appointment in facts.appointments.items()
        if key == appointment.keys[0] and appointment.booked is not None
    ]
    return sorted(found, key=lambda booking: (booking.scheduled_for, booking.key))


def _booking(appointment: Appointment, events: dict[str, Event]) -> Booking:
    words = appointment.words
    assert words
    assert appointment.booked is not None
    assert appointment.outcome is not None
    said: list[Any] = [events[word.event_id] for word in words]
    ids = {appointment_key(id_): id_ for event in said for id_ in references(event)}
    services = [service for event in said if (service := getattr(event, "service", None)) is not None]
    key = appointment.keys[0]
    return Booking(
        key,
        ids[key],
        appointment.booked,
        min(word.at for word in words if word.scheduled_for == appointment.booked),
        words[-1].at,
        OUTCOMES[appointment.outcome],
        services[-1] if services else None,
        appointment.amount if appointment.is_completed else None,
    )
