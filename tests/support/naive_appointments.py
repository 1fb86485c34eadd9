"""Appointments and journeys of the default stages, computed again by their definitions, from all events each time."""

from collections.abc import Iterable
from typing import Any

from journey.events import (
    AppointmentCancelled,
    AppointmentCompleted,
    AppointmentMissed,
    AppointmentRequested,
    AppointmentRescheduled,
    CallReceived,
    Event,
    EventRetracted,
    PaymentAdjusted,
    canonical,
)
from journey.time import DAY, HOUR, to_micros

ORDER = [
    AppointmentRequested,
    AppointmentRescheduled,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentCompleted,
]
Words = list[Any]


def appointments(events: Iterable[Event]) -> list[Words]:
    """The events of each appointment, in the order in which they count."""
    groups: list[tuple[set[str], Words]] = []
    for event in events:
        if type(event) not in ORDER:
            continue
        own = getattr(event, "appointment_id", None) or f"event:{event.id}"
        ids, words = {own}, [event]
        if getattr(event, "replaces", None):
            ids.add(event.replaces)  # type: ignore[attr-defined]
        for group in [group for group in groups if group[0] & ids]:
            groups.remove(group)
            ids, words = ids | group[0], words + group[1]
        groups.append((ids, words))
    return [sorted(words, key=_order) for _, words in groups]


def _order(event: Event) -> tuple[int, int, str]:
    return event.at, ORDER.index(type(event)), event.id


def _books(event: Event) -> bool:
    return isinstance(event, AppointmentRequested | AppointmentRescheduled)


def outcome(words: Words) -> str:
    """``open``, ``completed``, ``missed`` or ``cancelled``, as the latest event says, with the exception."""
    latest = words[-1]
    if not _books(latest):
        return str(latest.type.removeprefix("appointment."))
    before = outcome(words[:-1]) if words[:-1] else "open"
    if before in ("completed", "missed"):
        settled = [word for word in words if isinstance(word, AppointmentCompleted | AppointmentMissed)][-1]
        return "open" if latest.scheduled_for is not None and latest.scheduled_for > settled.occurred_at else before
    return "open"


def visit_at(words: Words) -> int:
    undone = [n for n, word in enumerate(words) if isinstance(word, AppointmentCancelled | AppointmentMissed)]
    rest = words[undone[-1] + 1 :] if undone else words
    return int(next(word for word in rest if isinstance(word, AppointmentCompleted)).at)


def amount(words: Words) -> int:
    carried = [canonical(word)["amount"] for word in words if "amount" in canonical(word)]
    return int(carried[-1].replace(".", "")) if carried else 0


def booked_for(words: Words) -> int | None:
    times = [word.scheduled_for for word in words if _books(word) and word.scheduled_for is not None]
    return to_micros(times[-1]) if times else None


class Sums:
    """The facts of some events that depend on appointments, and the numbers that the default rules compare."""

    def __init__(self, events: list[Event]) -> None:
        found = appointments(events)
        came = [words for words in found if outcome(words) == "completed"]
        self.visits = sorted(visit_at(words) for words in came)
        adjusted = sum(int(event.amount * 100) for event in events if isinstance(event, PaymentAdjusted))
        self.value = sum(amount(words) for words in came) + adjusted
        self.missed = sum(outcome(words) == "missed" for words in found)
        self.cancelled = sum(outcome(words) == "cancelled" for words in found)
        self.requests = sum(
            any(isinstance(word, AppointmentRequested) for word in words)
            or isinstance(words[0], AppointmentRescheduled)
            for words in found
        )
        awaited = [booked_for(words) for words in found if outcome(words) == "open"]
        self.booked = sorted(time for time in awaited if time is not None)

    def risk(self, moment: int) -> int:
        """Hundredths, by the definition of the default scores."""
        if not self.visits:
            return 0
        last = self.visits[-1]
        total = 30 * (moment - 2 * last > 2 * 60 * DAY) + 30 * (moment - 2 * last > 2 * 90 * DAY)
        total += 20 * (5 * self.missed > self.missed + len(self.visits))
        recent = sum(last - 90 * DAY < visit for visit in self.visits)
        before = sum(last - 180 * DAY < visit <= last - 90 * DAY for visit in self.visits)
        total += 20 * (before > 0 and 10 * (recent - before) < -3 * before)
        return min(total, 100)

    def lapses(self, moment: int, grace_hours: int) -> list[str]:
        if not self.visits or (self.booked and moment <= 2 * (self.booked[-1] + grace_hours * HOUR)):
            return []
        days = moment - 2 * self.visits[-1]
        held = {"at_risk": days > 2 * 90 * DAY or self.risk(moment) > 70, "churned": days > 2 * 180 * DAY}
        return [stage for stage, holds in held.items() if holds]


LADDER = ["prospect", "lead", "customer", "regular", "vip", "at_risk", "churned"]


def journey(events: list[Event], end: int, grace_hours: int = 48) -> list[tuple[str, int]]:
    """The stages entered and when, under the default rules, of events that came in the order of their time."""
    ordered = sorted(events, key=lambda event: (event.at, event.id))
    retracted: set[str] = set()
    times = {2 * event.at for event in ordered}
    for event in ordered:
        if isinstance(event, AppointmentCompleted):
            times |= {2 * (event.at + days * DAY) + 1 for days in (60, 90, 180)}
        elif _books(event) and event.scheduled_for is not None:  # type: ignore[attr-defined]
            times.add(2 * (to_micros(event.scheduled_for) + grace_hours * HOUR) + 1)  # type: ignore[attr-defined]
    moves: list[tuple[str, int]] = []
    known: list[Event] = []
    for moment in sorted(time for time in times if ordered and 2 * ordered[0].at <= time <= 2 * end):
        now: list[Event | None] = [event for event in ordered if 2 * event.at == moment]
        for at_moment in now or ([None] if moves else []):
            if isinstance(at_moment, EventRetracted) or (at_moment is not None and at_moment.id in retracted):
                moves += [("prospect", moment // 2)] if not moves and not isinstance(at_moment, EventRetracted) else []
                if isinstance(at_moment, EventRetracted):
                    retracted.add(at_moment.retracts)
                    moves += _retract(moves, known, at_moment, moment, grace_hours)
                continue
            before = len(Sums(known).visits), len(appointments(known))
            if at_moment is not None:
                known.append(at_moment)
            moves += _evaluate(moves, known, at_moment, moment, before, grace_hours)
    return moves


def _retract(
    moves: list[tuple[str, int]], known: list[Event], retraction: EventRetracted, moment: int, grace_hours: int
) -> list[tuple[str, int]]:
    """Forget the event, and return the move to the stage in which the journey of all others ends."""
    rest = [event for event in known if event.id != retraction.retracts]
    if rest == known:
        return []
    known[:] = rest
    stage = journey(rest, moment // 2, grace_hours)[-1][0] if rest else "prospect"
    return [(stage, moment // 2)] if stage != moves[-1][0] else []


def _evaluate(
    moves: list[tuple[str, int]],
    known: list[Event],
    event: Event | None,
    moment: int,
    before: tuple[int, int],
    grace_hours: int,
) -> list[tuple[str, int]]:
    sums, found = Sums(known), appointments(known)
    stage, path = (moves[-1][0] if moves else "prospect"), [] if moves else ["prospect"]
    mine = [words for words in found if event in words]
    added = isinstance(event, AppointmentCompleted) and len(sums.visits) > before[0]
    opened = _books(event) and len(mine[0]) == 1 and len(found) > before[1]  # type: ignore[arg-type]
    call = getattr(event, "call_duration_seconds", None)
    holds = {
        "prospect": False,
        "lead": (isinstance(event, CallReceived) and event.duration_seconds > 60)
        or (opened and (call is None or call > 60)),
        "customer": added,
        "regular": len(sums.visits) >= 3,
        "vip": sums.value >= 100_000,
    }
    growth = LADDER[:5]
    if stage in growth:
        path += sums.lapses(moment, grace_hours)
        if not path or path == ["prospect"]:
            path += [s for s in growth[growth.index(stage) + 1 :] if holds[s]]
    elif added:
        path.append(next((s for s in reversed(growth) if holds[s]), "prospect"))
        if event is not None and sums.visits[-1] != event.at:
            path += sums.lapses(moment, grace_hours)
    else:
        path += [s for s in sums.lapses(moment, grace_hours) if LADDER.index(s) > LADDER.index(stage)]
    return [(stage, moment // 2) for stage in path]
