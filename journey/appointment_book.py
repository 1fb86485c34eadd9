"""The appointments of one journey while events are applied: each contributes once to the facts, as its words say.

The book is made for one decision. Between decisions, the facts hold at most `HELD` appointments, without their words.
What they do not hold comes from the ledger: `unheld_ids` are the ids that the ledger may know, and `HistoryNeeded` says
that all events are needed. `fold_facts` computes the facts anew from all events.

Over 300 lines, because what appointments add to the facts, and what the facts keep of them, have to agree.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import msgspec
from msgspec import UNSET

from journey.appointments import (
    ADDS_VISIT,
    EVENT_PREFIX,
    NO_EFFECT,
    OPENS,
    SERVICE_IN_LEDGER,
    Appointment,
    Rank,
    Unanswered,
    Word,
    WordsNeeded,
    appointment_key,
    join,
    say,
)
from journey.contributions import Contribution, difference, of_appointment, usual
from journey.events import Event, counting
from journey.facts import Facts
from journey.time import DAY, Micros, to_micros

HELD = 50
#: Bookings that replaced each other: so many ids of one appointment are held, and the ledger has the others.
KEYS_HELD = 8


class HistoryNeeded(Exception):
    """The facts cannot be computed from what the state holds: all earlier events of the journey are needed."""


class AppointmentBook:
    """Applies events to facts, in place.

    Attributes:
        visits: The times of all visits, ascending; None if only the latest are known.
        services: The same by service; None if not all are known.
        answered: The unanswered appointments that got an outcome or another time, under each of their keys.
        contributions: What events contributed, by their ids, where that is not the usual of their types.
        has_moved_visits: Visits were added or removed, not only counted.
    """

    def __init__(self, facts: Facts, visits: list[Micros] | None = None, named: Iterable[str] = ()) -> None:
        self.facts = facts
        self.named = frozenset(named)
        if visits is None and facts.completed == len(facts.recent):
            visits = facts.recent.copy()
        self.services: dict[str, list[Micros]] | None = None if facts.completed else {}
        self.visits = visits
        self.answered: list[Unanswered] = []
        self.contributions: dict[str, list[Contribution]] = {}
        self.has_moved_visits = False

    def apply(self, event: Event, at: Micros) -> int:
        """Apply an event to the facts.

        Returns:
            Its effect: ``OPENS``, ``ADDS_VISIT`` or ``NO_EFFECT``.

        Raises:
            HistoryNeeded: What the facts hold is not enough.
        """
        if event.rank is None:
            event.change(self.facts, at)
            return NO_EFFECT
        if not event.is_tracked and not self._is_named(event.id):
            event.change(self.facts, at)
            if event.rank is Rank.COMPLETED and self.visits is not None:
                insort(self.visits, at)
                if self.services is not None and (service := getattr(event, "service", None)) is not None:
                    insort(self.services.setdefault(service, []), at)
            return event.effect
        return self._apply_word(event, event.rank, at)

    def _is_named(self, event_id: str) -> bool:
        """Whether another event refers to this event's appointment."""
        if event_id in self.named:
            return True
        return self.facts.has_named_events and appointment_key(EVENT_PREFIX + event_id) in self.facts.appointments

    def _apply_word(self, event: Any, rank: Rank, at: Micros) -> int:
        facts, ids = self.facts, references(event)
        facts.has_named_events = facts.has_named_events or any(id_.startswith(EVENT_PREFIX) for id_ in explicit(event))
        keys = [appointment_key(id_) for id_ in ids]
        earlier = list({id(found): found for key in keys if (found := facts.appointments.get(key))}.values())
        scheduled_for, amount = getattr(event, "scheduled_for", None), getattr(event, "amount", UNSET)
        word = Word(
            at,
            rank,
            event.id,
            None if scheduled_for is None else to_micros(scheduled_for),
            None if amount is UNSET else int(amount * 100),
            event.service if rank is Rank.COMPLETED else None,
        )
        joined = Appointment(tuple(sorted(set(keys))))
        try:
            for appointment in earlier:
                joined = join(joined, appointment)
            later = say(joined, word)
        except WordsNeeded:
            raise HistoryNeeded from None
        self._replace(earlier, later)
        contributed = difference(chain.from_iterable(map(of_appointment, earlier)), of_appointment(later))
        if contributed != usual(event):
            self.contributions[event.id] = contributed
        if later.is_completed and not any(appointment.is_completed for appointment in earlier):
            return ADDS_VISIT
        return OPENS if later.is_open and joined.last is None else NO_EFFECT

    def _replace(self, earlier: list[Appointment], later: Appointment) -> None:
        """Replace the contributions of some appointments by that of one."""
        for appointment in earlier:
            self.facts.release(appointment)
            self._count(appointment, -1)
            booked = appointment.awaited
            if appointment.is_asked and booked is not None and later.awaited != booked:
                self.answered += [Unanswered(key, booked) for key in appointment.keys]
        self.facts.hold(later)
        self._count(later, 1)
        visits = [a.visit_at for a in earlier if a.is_completed and a.visit_at is not None]
        if later.is_completed and later.visit_at is not None:
            if later.visit_at in visits:
                visits.remove(later.visit_at)
            else:
                self._add_visit(later.visit_at)
        for visit in visits:
            self._remove_visit(visit)
        self._move_service(earlier, later)

    def _move_service(self, earlier: list[Appointment], later: Appointment) -> None:
        """Replace the visits by service of some appointments by that of one."""
        before, after = [found for each in earlier if (found := _served(each))], _served(later)
        if after in before:
            before.remove(after)
            after = None
        if after is not None:
            self._add_service(*after)
        for service, at in before:
            if self.services is None:
                raise HistoryNeeded  # there may have been another visit on that day, and the name may be unknown
            self.services[service].remove(at)
            self.facts.set_service(service, self.services[service])

    def _add_service(self, service: str, at: Micros) -> None:
        if service == SERVICE_IN_LEDGER:
            raise HistoryNeeded
        self.facts.remember_service(service, at)
        if self.services is not None:
            insort(self.services.setdefault(service, []), at)

    def _count(self, appointment: Appointment, sign: int) -> None:
        facts = self.facts
        facts.requests += sign * appointment.is_requested
        facts.missed += sign * (appointment.outcome is Rank.MISSED)
        facts.cancelled += sign * (appointment.outcome is Rank.CANCELLED)
        if appointment.is_completed:
            facts.completed += sign
            facts.value += sign * (appointment.amount or 0)

    def _add_visit(self, at: Micros) -> None:
        if self.visits is not None:
            insort(self.visits, at)
        self.facts.remember_visit(at)

    def _remove_visit(self, at: Micros) -> None:
        self.has_moved_visits = True
        recent = self.facts.recent
        if self.visits is not None:
            del self.visits[bisect_left(self.visits, at)]
            self.facts.set_visits(self.visits)
            return
        if at // DAY in self.facts.earlier_days:
            raise HistoryNeeded  # there may have been another visit on that day
        index = bisect_left(recent, at)
        if index == len(recent) or recent[index] != at:
            return
        self.facts.trim_earlier_days()
        days = len(self.facts.visit_days)
        del recent[index]
        if self.facts.completed > len(recent) and (index == len(recent) or len(self.facts.visit_days) < days):
            raise HistoryNeeded  # the window or the rhythm begins earlier now, with visits that are not known any more


def _served(appointment: Appointment) -> tuple[str, Micros] | None:
    """Return the service and the time of an appointment's visit, if it has both."""
    if not appointment.is_completed or appointment.service is None or appointment.visit_at is None:
        return None
    return appointment.service, appointment.visit_at


def mark_asked(facts: Facts, latest: Micros) -> list[Appointment]:
    """Mark the open appointments with a booked time up to ``latest`` as asked, and return them."""
    marked = []
    while facts.unasked and facts.unasked[0][0] <= latest:
        appointment = facts.appointments[facts.unasked[0][1]]
        facts.release(appointment)
        asked = msgspec.structs.replace(appointment, is_asked=True)
        facts.hold(asked)
        marked.append(asked)
    return marked


def explicit(event: Any) -> list[str]:
    """Return the appointment ids that an event about an appointment names."""
    ids = (getattr(event, "appointment_id", None), getattr(event, "replaces", None))
    return [id_ for id_ in ids if id_ is not None]


def references(event: Event) -> list[str]:
    """Return the ids of the appointment that an event is about."""
    ids = explicit(event)
    return ids if getattr(event, "appointment_id", None) else [EVENT_PREFIX + event.id, *ids]


def named_events(events: Iterable[Event]) -> set[str]:
    """Return the ids of events to whose appointments these events refer."""
    named = set()
    for event in events:
        if event.rank is not None and event.is_tracked:
            named |= {id_[len(EVENT_PREFIX) :] for id_ in explicit(event) if id_.startswith(EVENT_PREFIX)}
    return named


def unheld_ids(facts: Facts, events: Iterable[Event]) -> list[str]:
    """Return the ids of appointments of these events that the facts do not hold, but the ledger may have."""
    found: dict[str, None] = {}
    for event in events:
        if event.rank is None:
            continue
        if event.is_tracked:
            ids = [
                i
                for i in references(event)
                if facts.has_forgotten or (i.startswith(EVENT_PREFIX) and i in explicit(event))
            ]
        elif facts.has_named_events and facts.has_forgotten:
            ids = references(event)
        else:
            continue
        found.update((id_, None) for id_ in ids if appointment_key(id_) not in facts.appointments)
    return list(found)


def fold_facts(events: Iterable[Event], named: Iterable[str] = ()) -> tuple[Facts, AppointmentBook]:
    """Compute the facts anew from all events of a journey. They hold every appointment.

    Args:
        events: The events, each once, in any order; only tickets that were opened again depend on it. Retracted ones
            do not count.
        named: Ids of events to whose appointments later events refer.
    """
    listed = counting(events)
    facts = Facts()
    book = AppointmentBook(facts, [], named_events(listed) | set(named))
    for event in listed:
        at = event.at
        book.apply(event, at)
        if facts.last_event_at is None or at > facts.last_event_at:
            facts.last_event_at = at
    facts.trim_earlier_days()
    return facts, book


def copy_asked(facts: Facts, earlier: Mapping[str, Appointment], latest: Micros) -> None:
    """Mark appointments of facts that were computed anew as asked, as they were before.

    Args:
        facts: The new facts.
        earlier: The appointments that were held before.
        latest: Those that were not held count as asked if their booked time is at most this.
    """
    for booked, key in list(facts.unasked):
        appointment = facts.appointments[key]
        before = next((earlier[k] for k in appointment.keys if k in earlier), None)
        is_asked = booked <= latest if before is None else before.is_asked and before.booked == booked
        if is_asked:
            facts.release(appointment)
            facts.hold(msgspec.structs.replace(appointment, is_asked=True))


def shrink(facts: Facts) -> None:
    """Let the facts hold at most `HELD` appointments, without their words.

    Those with an outcome leave first, the oldest before the others; then those whose grace has ended, and those without
    a booked time; then those that are booked for the latest times, of which `Facts.far` remains.
    """
    appointments = [a for key, a in facts.appointments.items() if key == a.keys[0]]
    leaving: set[str] = set()
    if len(appointments) > HELD:
        appointments.sort(key=_staying)
        leaving = {a.keys[0] for a in appointments[HELD:]}
        facts.has_forgotten = True
    for appointment in appointments:
        if appointment.keys[0] in leaving:
            facts.release(appointment)
            booked = appointment.awaited
            if booked is not None and not appointment.is_asked:
                first, last = facts.far or (booked, booked)
                facts.far = min(first, booked), max(last, booked)
        elif appointment.words is not None or len(appointment.keys) > KEYS_HELD:
            facts.release(appointment)
            if len(appointment.keys) > KEYS_HELD:
                facts.has_forgotten = True
            facts.hold(msgspec.structs.replace(appointment, words=None, keys=appointment.keys[:KEYS_HELD]))


def _staying(appointment: Appointment) -> tuple[int, Micros, str]:
    """Return the sort key of the appointments that stay first."""
    assert appointment.last is not None
    booked, key = appointment.awaited, appointment.keys[0]
    if booked is not None and not appointment.is_asked:
        return 0, booked, key
    return (1 if appointment.is_open else 2), Micros(-appointment.last[0]), key
