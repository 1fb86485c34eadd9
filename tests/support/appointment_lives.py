"""Random lives with appointments, and a journey that decides as a commit does: with the ledger where it is needed."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from journey.appointment_book import HistoryNeeded, references, unheld_ids
from journey.contributions import Contribution, usual
from journey.decisions import decide
from journey.engine import Decision, Transition, needs_history
from journey.event_validation import from_fields
from journey.events import Event, EventRetracted
from journey.retractions import Named, sort_out
from journey.stages import DEFAULT_RULEBOOK, Rulebook
from journey.state import State, pack, unpack
from journey.time import DAY, HOUR, Micros, to_datetime
from tests.support.strategies import BASE

AMOUNTS = ["0.01", "49.99", "333.33", "400.00", "1200.00"]
IDS = ["p", "q", "r", "event:x0", "event:y1", "event:z2"]
_times = st.integers(0, 300).map(lambda days: Micros(BASE + days * DAY)) | st.sampled_from(
    [Micros(BASE + days * DAY + more) for days in (0, 10, 90, 100, 180) for more in (0, 1, -1, 48 * HOUR, DAY // 2)]
)
_ids = st.sampled_from(IDS)
SHAPES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "call.received": st.fixed_dictionaries({"duration_seconds": st.sampled_from([30, 61])}),
    "appointment.requested": st.fixed_dictionaries(
        {},
        optional={
            "appointment_id": _ids,
            "scheduled_for": _times.map(to_datetime),
            "call_duration_seconds": st.sampled_from([10, 61]),
        },
    ),
    "appointment.rescheduled": st.fixed_dictionaries(
        {"appointment_id": _ids, "scheduled_for": _times.map(to_datetime)}, optional={"replaces": _ids}
    ),
    "appointment.completed": st.fixed_dictionaries(
        {}, optional={"appointment_id": _ids, "amount": st.sampled_from(AMOUNTS)}
    ),
    "appointment.missed": st.fixed_dictionaries({}, optional={"appointment_id": _ids}),
    "appointment.cancelled": st.fixed_dictionaries({}, optional={"appointment_id": _ids}),
    "payment.adjusted": st.fixed_dictionaries(
        {"amount": st.sampled_from(["-333.33", "500"])}, optional={"appointment_id": _ids}
    ),
}
TYPES = st.sampled_from([*SHAPES, "appointment.completed", "appointment.completed", "appointment.rescheduled"])


@st.composite
def booked_events(draw: st.DrawFn, max_size: int = 12) -> list[Event]:
    """Events about a few appointments, with ids of their own, in any order."""
    made = []
    for number in range(draw(st.integers(1, max_size))):
        type_ = draw(TYPES)
        head = {"id": f"{draw(st.sampled_from('xyz'))}{number}", "type": type_, "customer_id": "c"}
        made.append(from_fields({**head, "occurred_at": to_datetime(draw(_times)), **draw(SHAPES[type_])}))
    return made


@st.composite
def corrected_events(draw: st.DrawFn, max_size: int = 12) -> list[Event]:
    """The same with retractions among them, which also name unknown events, other retractions, and an event twice."""
    made = draw(booked_events(max_size))
    ids = [event.id for event in made]
    for number in range(draw(st.integers(1, 4))):
        id_ = f"{draw(st.sampled_from('wxyz'))}-r{number}"
        named = draw(st.sampled_from([*ids, *ids, *ids, "unknown"]))
        head = {"id": id_, "type": "event.retracted", "customer_id": "c", "retracts": named}
        made.append(from_fields({**head, "occurred_at": to_datetime(draw(_times))}))
        ids.append(id_)
    return made


@dataclass
class Journey:
    """One journey with its ledger; its state is packed between decisions, as a workflow carries it."""

    rulebook: Rulebook = DEFAULT_RULEBOOK
    state: State = field(default_factory=State)
    moves: list[Transition] = field(default_factory=list)
    ledger: list[Event] = field(default_factory=list)
    ledger_reads: int = 0
    waiting: list[EventRetracted] = field(default_factory=list)
    contributed: list[Contribution] = field(default_factory=list)

    def commit(self, events: list[Event], now: Micros) -> Decision:
        sorted_out = sort_out(events, {event.id: Named(event.type, True) for event in self.ledger}, self.waiting)
        effective = {event.id for event in sorted_out.effective}
        self.waiting = [
            event
            for event in (*self.waiting, *events)
            if isinstance(event, EventRetracted) and event.id not in effective
        ]
        events = sorted_out.effective
        state = unpack(pack(self.state))
        unheld = set(unheld_ids(state.facts, events))
        known = {id_ for event in self.ledger if event.rank is not None for id_ in references(event)}
        history = self.ledger if needs_history(state) or unheld & known else None
        try:
            decision = decide(state, events, self.rulebook, now, history=history)
        except HistoryNeeded:
            history = self.ledger
            decision = decide(state, events, self.rulebook, now, history=history)
        self.ledger_reads += history is not None
        self.state = decision.state
        self.ledger = self.ledger + events
        self.moves += decision.transitions
        for event in events:
            self.contributed += decision.contributions.get(event.id, usual(event))
        return decision

    def live(self, events: Iterable[Event], end: Micros) -> None:
        """Commit every event as it occurs, and every deadline as it passes."""
        for event in sorted(events, key=lambda event: (event.at, event.id)):
            self.pass_deadlines(event.at)
            self.commit([event], event.at)
        self.pass_deadlines(end)
        self.commit([], end)

    def pass_deadlines(self, instant: Micros) -> None:
        while self.state.deadline is not None and self.state.deadline < instant:
            before = pack(self.state)
            self.commit([], Micros(self.state.deadline + 1))
            assert pack(self.state) != before, "a deadline that changes nothing would fire forever"


def generated_life(seed: int) -> list[Event]:
    """A plausible customer of a salon for a year: books, moves, misses, cancels, comes, and is corrected."""
    chance = random.Random(seed)
    made: list[dict[str, Any]] = []

    def add(type_: str, day: float, **fields: Any) -> None:
        at = to_datetime(Micros(BASE + round(day * DAY)))
        made.append(
            {"id": f"e{len(made)}", "type": f"appointment.{type_}", "customer_id": "c", "occurred_at": at} | fields
        )

    def on(day: float) -> Any:
        return to_datetime(Micros(BASE + round(day * DAY)))

    day, number = 0.0, 0
    while day < 360:
        number += 1
        id_, lead = f"a{number}", chance.choice([0.5, 3, 14, 60, 120, 200])
        if chance.random() < 0.15:
            add("completed", day, amount="30")  # a walk-in
        else:
            add("requested", day, appointment_id=id_, scheduled_for=on(day + lead))
            if chance.random() < 0.3:
                moved = lead + chance.choice([-0.25, 7, 30])
                new = f"{id_}b" if chance.random() < 0.4 else id_
                replaced = {"replaces": id_} if new != id_ else {}
                add("rescheduled", day + lead / 2, appointment_id=new, scheduled_for=on(day + moved), **replaced)
                id_, lead = new, moved
            happened = chance.choice(["completed", "completed", "completed", "missed", "cancelled", None])
            for _ in range(chance.choice([1, 1, 1, 3]) if happened else 0):
                when = day + lead * (chance.uniform(0.5, 1) if happened == "cancelled" else 1)
                amount = {"amount": chance.choice(AMOUNTS)} if happened == "completed" else {}
                add(str(happened), when + chance.uniform(0, 0.1), appointment_id=id_, **amount)
            if happened and chance.random() < 0.1:
                add(chance.choice(["completed", "cancelled"]), day + lead + 1, appointment_id=id_)
        day += chance.choice([1, 20, 35, 50, 100])
    return [from_fields(fields) for fields in made]
