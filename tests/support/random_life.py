"""One journey told day by day: short names for events, and a life that decides step by step."""

from dataclasses import dataclass, field
from typing import Any

from journey.engine import Command, Transition, decide
from journey.event_validation import from_fields
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State
from journey.time import DAY, Micros, to_datetime

START = Micros(1_700_000_000_000_000)  # day 0


def at(day: float) -> Micros:
    """The instant so many days after START."""
    return Micros(START + round(day * DAY))


def event(type_: str, day: float, id_: str | None = None, **fields: Any) -> Event:
    """An event at so many days after START."""
    head = {"id": id_ or f"{type_}-{day}", "type": type_, "customer_id": 1, "occurred_at": to_datetime(at(day))}
    return from_fields({**head, **fields})


def visit(day: float, amount: str = "0") -> Event:
    return event("appointment.completed", day, amount=amount)


def about(what: str, day: float, id_: str | None = "a", scheduled: float | None = None, **fields: Any) -> Event:
    name = f"{what}-{day}-{id_}-{scheduled}-{fields.get('replaces')}"
    if id_ is not None:
        fields["appointment_id"] = id_
    if scheduled is not None:
        fields["scheduled_for"] = to_datetime(at(scheduled))
    return event(f"appointment.{what}", day, name, **fields)


def call(day: float, seconds: float = 90) -> Event:
    return event("call.received", day, duration_seconds=seconds)


@dataclass
class Life:
    """One journey; every step is one decision at that day."""

    rulebook: Rulebook = DEFAULT_RULEBOOK
    state: State = field(default_factory=State)
    moves: list[Transition] = field(default_factory=list)

    def on(self, day: float, *events: Event, command: Command | None = None) -> list[tuple[str | None, str, float]]:
        """Decide, with what came; the transitions as (from, to, day)."""
        decision = decide(self.state, events, self.rulebook, at(day), [command] if command else [])
        self.state = decision.state
        self.moves += decision.transitions
        return [(move.from_stage, move.to_stage, (move.at - START) / DAY) for move in decision.transitions]

    @property
    def path(self) -> list[str]:
        return [move.to_stage for move in self.moves]

    @property
    def triggers(self) -> list[str]:
        return [move.trigger_event for move in self.moves]


def lived(day: float, *events: Event, rulebook: Rulebook = DEFAULT_RULEBOOK) -> Life:
    life = Life(rulebook)
    life.on(day, *events)
    return life


def set_stage(stage: str, hold: bool = False, until: float | None = None) -> Command:
    hold_until = None if until is None else at(until)
    return Command(kind="set_stage", stage=stage, reason="asked for", hold=hold, hold_until=hold_until, performed_by=7)


def book(at_risk: int, version: int = 1, changed: float = 0, **more: Any) -> Rulebook:
    rule = {"trigger": "days_since_last_appointment", "conditions": {"days": f">{at_risk}"}}
    customer = {"trigger": "appointment_completed", "conditions": {}}
    stages = [
        {"stage_key": "prospect", "kind": "growth"},
        {"stage_key": "customer", "auto_transition_rules": customer, **more},
        {"stage_key": "at_risk", "auto_transition_rules": rule},
    ]
    return rulebook_from(stages, version=version, changed_at=at(changed))
