"""The facts of a journey: what all of its events add up to."""

from bisect import bisect_left, bisect_right, insort

from msgspec import Struct, field

from journey.appointments import Appointment
from journey.rhythm import LATEST_VISITS, TRUSTED_GAPS, MedianRecords, expected_gap, usual_interval
from journey.time import DAY, Micros

WINDOW = 180 * DAY  # visits older than this before the last one change no score
TICKETS_REMEMBERED = 50
SERVICES_REMEMBERED = 8


class Facts(Struct, omit_defaults=True):
    """Sums over all events of a journey. None depends on the order in which the events arrived.

    Attributes:
        requests: The number of appointments that were requested.
        completed: The number of visits, which are appointments that count as completed.
        value: The lifetime value in hundredths.
        recent: The times of completed appointments in the 180 days up to and including the last one, ascending.
        earlier_days: The days (since 1970, UTC) of earlier visits that belong to the rhythm: with those of ``recent``,
            the latest `LATEST_VISITS` distinct ones.
        services: By service, the latest distinct days with a visit, at most `LATEST_VISITS`, ascending; of the
            `SERVICES_REMEMBERED` services of the latest visits.
        company_median: What the usual interval was computed with at the last visit: the company's median gap in days.
        tickets: Maps an open ticket to 0, and a ticket whose resolution arrived before its opening to the time of the
            resolution.
        appointments: The appointments that are held, by each of their keys.
        has_forgotten: Some appointments are not held; the ledger has them.
        has_named_events: An event referred to another one's appointment by ``event:`` and its id.
        far: The earliest and the latest booked time of open appointments that are not held.
        booked: The booked times of open appointments, ascending.
        unasked: The same, with keys, of those whose grace has not ended yet.
    """

    calls: int = field(default=0, name="c")
    qualified_calls: int = field(default=0, name="q")
    ratings: int = field(default=0, name="rn")
    rating_sum: int = field(default=0, name="rs")
    requests: int = field(default=0, name="r")
    completed: int = field(default=0, name="a")
    value: int = field(default=0, name="v")
    missed: int = field(default=0, name="m")
    cancelled: int = field(default=0, name="x")
    last_event_at: Micros | None = field(default=None, name="e")
    recent: list[Micros] = field(default=[], name="ap")
    earlier_days: list[int] = field(default=[], name="rd")
    services: dict[str, list[int]] = field(default={}, name="sv")
    company_median: float | None = field(default=None, name="rm")
    tickets: dict[str, int] = field(default={}, name="t")
    appointments: dict[str, Appointment] = field(default={}, name="ad")
    has_forgotten: bool = field(default=False, name="af")
    has_named_events: bool = field(default=False, name="an")
    far: tuple[Micros, Micros] | None = field(default=None, name="al")
    booked: list[Micros] = field(default=[], name="_bt")
    unasked: list[tuple[Micros, str]] = field(default=[], name="_bu")

    @property
    def last_appointment_at(self) -> Micros | None:
        return self.recent[-1] if self.recent else None

    @property
    def active_at(self) -> Micros | None:
        """When inactivity begins: at the last completed appointment, or before the first one at the last event."""
        return self.recent[-1] if self.recent else self.last_event_at

    @property
    def visit_days(self) -> list[int]:
        """The latest distinct days (since 1970, UTC) with a visit, at most `LATEST_VISITS`, ascending."""
        return [*self.earlier_days, *_distinct_days(self.recent)][-LATEST_VISITS:]

    @property
    def interval(self) -> Micros | None:
        """The usual interval between visits in µs; None without a visit, or without a gap of anyone's."""
        if not self.recent:
            return None
        days = usual_interval(self.visit_days, self.company_median)
        return None if days is None else Micros(round(days * DAY))

    @property
    def overdue_from(self) -> Micros | None:
        """The last visit and the usual interval after it; None without a rhythm."""
        interval = self.interval
        return None if interval is None else Micros(self.recent[-1] + interval)

    @property
    def expected_at(self) -> Micros | None:
        """When the next visit is expected; None without a rhythm."""
        if not self.recent:
            return None
        gap = expected_gap(self.visit_days, self.company_median)
        return None if gap is None else Micros(self.recent[-1] + round(gap * DAY))

    def take_company_median(self, records: MedianRecords) -> None:
        """Take the company's median gap that is in force at the last visit, as far as the rhythm depends on it."""
        self.company_median = None
        if records.version and self.recent and len(self.visit_days) <= TRUSTED_GAPS:
            record = records.in_force(self.recent[-1])
            self.company_median = None if record is None else record.overall

    @property
    def open_tickets(self) -> int:
        return sum(1 for resolved in self.tickets.values() if not resolved)

    @property
    def last_booked(self) -> Micros | None:
        """The latest booked time of any open appointment, passed or not."""
        if self.far is None:
            return self.booked[-1] if self.booked else None
        return max([*self.booked[-1:], self.far[1]])

    @property
    def booked_times(self) -> list[Micros]:
        """The booked times of open appointments, ascending; of those that are not held, the earliest and the latest."""
        return sorted({*self.booked, *(self.far or ())})

    def next_booked(self, now: Micros) -> Micros | None:
        """Return the earliest booked time after ``now``."""
        return next((booked for booked in self.booked_times if booked > now), None)

    def has_visit(self, earliest: int, latest: int) -> bool:
        """Whether there is a recent visit between two instants, both included."""
        index = bisect_left(self.recent, earliest)
        return index < len(self.recent) and self.recent[index] <= latest

    def hold(self, appointment: Appointment) -> None:
        """Keep an appointment under each of its keys."""
        for key in appointment.keys:
            self.appointments[key] = appointment
        booked = appointment.awaited
        if booked is not None:
            insort(self.booked, booked)
            if not appointment.is_asked:
                insort(self.unasked, (booked, appointment.keys[0]))

    def release(self, appointment: Appointment) -> None:
        """Undo `hold`."""
        for key in appointment.keys:
            del self.appointments[key]
        booked = appointment.awaited
        if booked is not None:
            del self.booked[bisect_left(self.booked, booked)]
            if not appointment.is_asked:
                self.unasked.remove((booked, appointment.keys[0]))

    def rate(self, rating: int) -> None:
        self.ratings += 1
        self.rating_sum += rating

    def remember_visit(self, at: Micros) -> None:
        """Count a visit. After the last one, `trim_earlier_days` is due."""
        recent = self.recent
        if not recent or at >= recent[-1]:
            recent.append(at)
            if recent[0] <= at - WINDOW:
                leaving = bisect_right(recent, at - WINDOW)
                self.earlier_days += [time // DAY for time in recent[:leaving]]
                del recent[:leaving]
        elif at > recent[-1] - WINDOW:
            insort(recent, at)
        else:
            self.earlier_days.append(at // DAY)

    def set_visits(self, visits: list[Micros]) -> None:
        """Keep of all visits, ascending, those that count for scores and for the rhythm."""
        first = bisect_right(visits, visits[-1] - WINDOW) if visits else 0
        self.recent = visits[first:]
        self.earlier_days = [time // DAY for time in visits[:first]]
        self.trim_earlier_days()

    def trim_earlier_days(self) -> None:
        """Put the earlier days in order, and forget those that `visit_days` does not need."""
        if not self.earlier_days:
            return
        room = LATEST_VISITS - len({time // DAY for time in self.recent})
        if room <= 0:
            self.earlier_days = []
            return
        days = {*self.earlier_days}
        if self.recent:
            days.discard(self.recent[0] // DAY)
        self.earlier_days = sorted(days)[-room:]

    def remember_service(self, service: str, at: Micros) -> None:
        """Keep the day of a visit with a service."""
        days = self.services.get(service, [])
        self._keep_service(service, sorted({*days, at // DAY}))

    def set_service(self, service: str, visits: list[Micros]) -> None:
        """Keep of all visits with a service, ascending, those that count for its rhythm."""
        if service in self.services:
            self._keep_service(service, _distinct_days(visits))

    def _keep_service(self, service: str, days: list[int]) -> None:
        services = {**self.services, service: days[-LATEST_VISITS:]}
        if not days:
            del services[service]
        if len(services) > SERVICES_REMEMBERED:
            del services[min(services, key=lambda name: (services[name][-1], name))]
        self.services = services

    def open_ticket(self, ticket: str, at: Micros) -> None:
        resolved = self.tickets.get(ticket)
        if resolved and resolved >= at:
            del self.tickets[ticket]  # the ticket was resolved after this opening, which arrived late
        else:
            self._remember_ticket(ticket, 0)

    def resolve_ticket(self, ticket: str, at: Micros) -> None:
        if self.tickets.get(ticket) == 0:
            del self.tickets[ticket]
        else:
            self._remember_ticket(ticket, at or 1)

    def _remember_ticket(self, ticket: str, resolved: int) -> None:
        self.tickets[ticket] = resolved
        if len(self.tickets) > TICKETS_REMEMBERED:
            del self.tickets[next(iter(self.tickets))]


def _distinct_days(visits: list[Micros]) -> list[int]:
    return list(dict.fromkeys(time // DAY for time in visits))
