"""Simulation of an event log with the core alone, as ``journey simulate`` prints it and an import will produce it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from journey.appointment_book import fold_facts
from journey.decisions import decide
from journey.events import Event, canonical, content_hash
from journey.rhythm import CompanyMedians, MedianRecords, company_medians
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros, to_datetime, to_micros, utc_text

#: What every journey begins with; decisions do not modify it.
_NEW = State()


class Simulation:
    """The outcome of a log under one rulebook, as of one instant."""

    def __init__(self, rulebook: Rulebook, as_of: Micros) -> None:
        self.rulebook, self.as_of, self._as_of = rulebook, as_of, to_datetime(as_of)
        self.stages: Counter[str] = Counter()
        self.transitions: Counter[tuple[str | None, str]] = Counter()

    def add(self, events: list[Event]) -> State:
        """Add one customer's journey until ``as_of``; later events are left out. Returns its state."""
        decision = decide(
            _NEW, [event for event in events if event.occurred_at <= self._as_of], self.rulebook, self.as_of
        )
        if decision.state.stage is not None:
            self.stages[decision.state.stage] += 1
        for move in decision.transitions:
            self.transitions[move.from_stage, move.to_stage] += 1
        return decision.state

    def as_json(self) -> dict[str, Any]:
        """Return ``{"as_of", "stages": {stage: n}, "transitions": [{"from", "to", "count"}]}``, with every stage."""
        ordered = sorted(
            self.transitions.items(), key=lambda item: (item[0][0] is not None, item[0][0] or "", item[0][1])
        )
        return {
            "as_of": utc_text(self.as_of),
            "stages": {stage.key: self.stages[stage.key] for stage in self.rulebook.all_stages},
            "transitions": [{"from": f, "to": t, "count": n} for (f, t), n in ordered],
        }


class Log:
    """The events of a log by customer.

    An event whose id came before is a duplicate, or a conflict if its content differs. Neither is added.
    """

    def __init__(self) -> None:
        self.customers: dict[str, list[Event]] = {}
        self.duplicates = self.events = 0
        self.conflicts: list[str] = []
        self._seen: dict[str, Event] = {}
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, event: Event) -> bool:
        """Add an event. Returns False if its id came before."""
        first = self._seen.get(event.id)
        if first is not None:
            if first == event or content_hash(canonical(first)) == content_hash(canonical(event)):
                self.duplicates += 1
            else:
                self.conflicts.append(event.id)
            return False
        self._seen[event.id] = event
        at = event.occurred_at
        self.events += 1
        customer = event.customer
        if (events := self.customers.get(customer)) is None:
            self.customers[customer] = [event]
        else:
            events.append(event)
        if self._first is None or at < self._first:
            self._first = at
        if self._last is None or at > self._last:
            self._last = at
        return True

    @property
    def first_at(self) -> Micros | None:
        """The time of the earliest event; None for an empty log."""
        return None if self._first is None else to_micros(self._first)

    @property
    def last_at(self) -> Micros | None:
        """The time of the latest event; None for an empty log."""
        return None if self._last is None else to_micros(self._last)


def medians_of_log(customers: Iterable[list[Event]], as_of: Micros) -> CompanyMedians:
    """Return the median gaps between the visits of customers until an instant."""
    facts = (fold_facts(event for event in events if event.at <= as_of)[0] for events in customers)
    return company_medians((each.visit_days, each.services) for each in facts)


def simulate(customers: Iterable[list[Event]], rulebook: Rulebook, as_of: Micros) -> Simulation:
    """Simulate every customer's journey up to one instant.

    Rules on customers' rhythms use the median gaps of the log until that instant, unless the rulebook has others.
    """
    customers = list(customers)
    if rulebook.rhythm_conditions and not rulebook.medians.version:
        rulebook = rulebook.with_medians(MedianRecords([medians_of_log(customers, as_of)]))
    simulation = Simulation(rulebook, as_of)
    for events in customers:
        simulation.add(events)
    return simulation
