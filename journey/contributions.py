"""What events contribute to a customer's figures, by the instant of the visit: for analytics and return models.

Nearly every event contributes what its type says (`usual`), so the ledger records only what differs: of an event that
corrects its appointment, and of a retraction. The contributions of all events of a journey add up to its facts.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import UNSET

from journey.appointments import Appointment, Rank
from journey.events import AppointmentCompleted, Event, PaymentAdjusted
from journey.time import Micros


class Contribution(NamedTuple):
    """What is added to a customer's figures; negative numbers take away what was added before.

    Attributes:
        at: The instant of the visit, of the missed or cancelled appointment, or of the payment.
        visits: The number of visits.
        earned: The amounts of visits, in hundredths.
        adjusted: The amounts of payment adjustments, in hundredths.
        missed: The number of missed and cancelled appointments.
    """

    at: Micros
    visits: int = 0
    earned: int = 0
    adjusted: int = 0
    missed: int = 0


def usual(event: Event) -> list[Contribution]:
    """Return what an event contributes if no other event is about its appointment."""
    if type(event) is AppointmentCompleted:
        return [Contribution(event.at, visits=1, earned=0 if event.amount is UNSET else int(event.amount * 100))]
    if type(event) is PaymentAdjusted:
        return [Contribution(event.at, adjusted=int(event.amount * 100))] if event.amount else []
    if event.rank is Rank.MISSED or event.rank is Rank.CANCELLED:
        return [Contribution(event.at, missed=1)]
    return []


def of_appointment(appointment: Appointment) -> list[Contribution]:
    """Return what an appointment contributes as of its latest word."""
    if appointment.is_completed and appointment.visit_at is not None:
        return [Contribution(appointment.visit_at, visits=1, earned=appointment.amount or 0)]
    if appointment.outcome in (Rank.MISSED, Rank.CANCELLED) and appointment.outcome_at is not None:
        return [Contribution(appointment.outcome_at, missed=1)]
    return []


def difference(before: Iterable[Contribution], after: Iterable[Contribution]) -> list[Contribution]:
    """Return what leads from some contributions to others, by instant; empty if they add up to the same."""
    sums: dict[Micros, Counter[str]] = {}
    for sign, contributions in ((-1, before), (1, after)):
        for contribution in contributions:
            of_instant = sums.setdefault(contribution.at, Counter())
            for name, number in zip(Contribution._fields[1:], contribution[1:], strict=True):
                of_instant[name] += sign * number
    return [Contribution(at, **numbers) for at, numbers in sorted(sums.items()) if any(numbers.values())]
