"""Fourteen months of a demo salon as events of its customers. Pure: the same seed and day give the same events.

Each customer follows one of a few patterns, so that every stage has customers and every transition has happened: people
come once, lapse and return, stay loyal for years, or only ever call.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.demo.people import TIME_ZONE, Person

MONTHS = 14
DAYS = MONTHS * 30
MOVED_EVERY = 9  # every so often an appointment is moved by a day
_ZONE = ZoneInfo(TIME_ZONE)
_OPEN = range(9 * 4, 18 * 4)  # quarters of an hour
_CLOSED = (6, 0)  # Sundays and Mondays
COMMENTS = {
    5: ("Lovely as always!", "Best colour I ever had.", "Friendly and on time."),
    4: ("Good, only a little late.", "Nice cut.", ""),
    3: ("All right.", "I had to wait for twenty minutes.", ""),
    2: ("Not what I had asked for.", "Too expensive for what it was."),
    1: ("The colour was wrong, and nobody cared.",),
}

Event = dict[str, Any]


@dataclass
class Life:
    """The events of one customer, generated up to `end` (midnight of the demo's day)."""

    person: Person
    end: datetime
    chance: random.Random
    events: list[Event] = field(default_factory=list)

    def at(self, days_ago: float) -> datetime:
        """A time in opening hours, `days_ago` days before the end or shortly earlier."""
        day = (self.end - timedelta(days=max(1.0, days_ago))).astimezone(_ZONE).date()
        while day.weekday() in _CLOSED:
            day -= timedelta(days=1)
        quarter = self.chance.choice(_OPEN)
        return datetime.combine(day, time(quarter // 4, quarter % 4 * 15), _ZONE)

    def add(self, kind: str, at: datetime, **fields: Any) -> None:
        if at < self.end:
            number = len(self.events) + 1
            head = {"id": f"demo-{self.person.id}-{number}", "type": kind, "customer_id": self.person.id}
            self.events.append({**head, "occurred_at": at.isoformat(), **fields})

    def call(self, days_ago: float, seconds: int | None = None) -> None:
        duration = seconds if seconds is not None else self.chance.randint(65, 480)
        self.add("call.received", self.at(days_ago), duration_seconds=duration, direction="inbound")

    def visit(self, days_ago: float, amount: tuple[int, int]) -> None:
        """Add an appointment: requested, mostly kept, sometimes missed or cancelled, now and then with feedback."""
        at, chance = self.at(days_ago), self.chance
        appointment = f"a-{self.person.id}-{len(self.events) + 1}"
        requested_at = at - timedelta(days=chance.randint(2, 12), hours=chance.randint(0, 6))
        if chance.random() < 0.7:
            is_moved = len(self.events) % MOVED_EVERY == 0
            first = at - timedelta(days=1) if is_moved else at
            self.add("appointment.requested", requested_at, appointment_id=appointment, scheduled_for=first.isoformat())
            if is_moved:
                moved_at = requested_at + timedelta(hours=20)
                self.add("appointment.rescheduled", moved_at, appointment_id=appointment, scheduled_for=at.isoformat())
        outcome = chance.random()
        if outcome < 0.05:
            self.add("appointment.missed", at, appointment_id=appointment)
        elif outcome < 0.09:
            self.add("appointment.cancelled", at - timedelta(hours=5), appointment_id=appointment)
        else:
            paid = f"{chance.randint(*amount)}.{chance.choice(('00', '00', '50', '90'))}"
            self.add("appointment.completed", at + timedelta(hours=1), appointment_id=appointment, amount=paid)
            if chance.random() < 0.25:
                self.feedback(at + timedelta(hours=chance.randint(4, 60)))

    def feedback(self, at: datetime, *, among: tuple[int, ...] = (5, 5, 5, 4, 4, 3, 2)) -> None:
        rating = self.chance.choice(among)
        comment = self.chance.choice(COMMENTS[rating])
        self.add("feedback.received", at, rating=rating, **({"comment": comment} if comment else {}))

    def visits(self, first: float, last: float, every: tuple[int, int], amount: tuple[int, int]) -> None:
        """Add visits from `first` to `last` days ago, with `every` (shortest, longest) days between them."""
        days = first
        while days >= max(last, 1.0):
            self.visit(days, amount)
            days -= self.chance.randint(*every)

    def complaint(self, days_ago: float, *, solved: bool) -> None:
        ticket, at = f"t-{self.person.id}-{len(self.events) + 1}", self.at(days_ago)
        self.add("support_ticket.opened", at, ticket_id=ticket)
        if solved:
            self.add("support_ticket.resolved", at + timedelta(days=self.chance.randint(1, 6)), ticket_id=ticket)


def _began(life: Life, latest: int = 60) -> float:
    """How many days ago a customer first called; more recent ones are more likely, as the salon became known."""
    chance = life.chance
    return latest + (DAYS - 10 - latest) * (1.0 - float(chance.random() ** 0.7))


def loyal(life: Life) -> None:
    first = _began(life)
    life.call(first + 6)
    life.visits(first, life.chance.randint(1, 40), (24, 50), (38, 95))
    if life.chance.random() < 0.1:
        life.complaint(first / 2, solved=True)


def devoted(life: Life) -> None:
    first = _began(life, latest=240)
    life.call(first + 4)
    life.visits(first, life.chance.randint(1, 20), (14, 28), (80, 190))


def returning(life: Life) -> None:
    """Visits, stays away until at risk or lost, and comes back, possibly several times."""
    days = float(life.chance.randint(300, DAYS - 10))
    life.call(days + 5)
    while days > 20:
        for _ in range(life.chance.randint(1, 4)):
            life.visit(days, (35, 110))
            days -= life.chance.randint(20, 45)
        days -= life.chance.choice((70, 80, 90, 160))
    if life.chance.random() < 0.6:
        life.visit(float(life.chance.randint(1, 30)), (35, 110))


def fading(life: Life) -> None:
    """Was a regular and has not visited for three to six months."""
    last = life.chance.randint(93, 172)
    life.call(last + 190)
    if life.chance.random() < 0.2:  # some were among the best customers
        life.visits(min(DAYS - 15, last + 220), last, (20, 32), (150, 260))
    else:
        life.visits(min(DAYS - 15, last + life.chance.randint(60, 180)), last, (28, 45), (40, 120))
    if life.chance.random() < 0.35:
        life.feedback(life.at(last - 2), among=(3, 2, 2, 1))
    if life.chance.random() < 0.3:  # unresolved problems: these appear in the call list
        life.complaint(last - 3, solved=False)
        life.complaint(last - 5, solved=False)
        for days in (last + 6, last + 14, last + 40):
            life.add("appointment.missed", life.at(days))


def lost(life: Life) -> None:
    last = life.chance.randint(185, DAYS - 60)
    life.call(last + 40)
    life.visits(last + life.chance.choice((1, 30, 70)), last, (20, 35), (35, 80))


def new(life: Life) -> None:
    first = life.chance.randint(2, 45)
    life.call(first + 4)
    life.visits(first, 1, (18, 30), (38, 110))


def interested(life: Life) -> None:
    """A lead: a long call or a request, and no visit yet."""
    days = life.chance.randint(2, 120)
    life.call(days)
    if life.chance.random() < 0.4:
        at = life.at(days - 2)
        life.add("appointment.requested", at, scheduled_for=(at + timedelta(days=9)).isoformat())
    if life.chance.random() < 0.2:
        life.add("appointment.missed", life.at(max(1, days - 14)))


def curious(life: Life) -> None:
    """A prospect: called for half a minute."""
    life.call(life.chance.randint(1, 200), seconds=life.chance.randint(8, 55))


#: pattern → customers per hundred
KINDS: dict[Callable[[Life], None], int] = {
    loyal: 30,
    devoted: 9,
    returning: 17,
    fading: 12,
    lost: 10,
    new: 9,
    interested: 8,
    curious: 5,
}


def lives(seed: int, end: datetime, customers: list[Person]) -> dict[str, list[Event]]:
    """Each customer's events before `end`, by customer id, in order of time."""
    histories: dict[str, list[Event]] = {}
    for person in customers:
        chance = random.Random(f"life {seed} {person.id}")
        (kind,) = chance.choices(list(KINDS), weights=list(KINDS.values()))
        life = Life(person, end, chance)
        kind(life)
        if not life.events:
            life.call(1.0, seconds=20)
        histories[person.id] = sorted(life.events, key=lambda event: datetime.fromisoformat(event["occurred_at"]))
    return histories
