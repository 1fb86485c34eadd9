"""A journey that is lived commit by commit, and what is on record of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from journey.decisions import decide
from journey.engine import Command, Transition
from journey.event_validation import from_fields
from journey.events import Event
from journey.explain import explain
from journey.past import JourneyRecord, PastEvent, explain_past
from journey.refold import ManualMove, RecordedMove, manual_moves
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State
from journey.time import DAY, Micros, utc_text
from tests.support.strategies import BASE

SHOWN = ("current_stage", "entered_at", "previous_stage", "trigger_event", "scores", "facts", "rules", "deadlines")


def changed(rulebook: Rulebook, at: Micros) -> Rulebook:
    """A later version, in force from an instant on."""
    return rulebook_from(rulebook.as_json(), version=2, changed_at=at)


def event(id_: str, day: float, type_: str = "appointment.completed", **fields: Any) -> Event:
    occurred = utc_text(Micros(BASE + int(day * DAY)))
    return from_fields({"id": id_, "type": type_, "customer_id": "c", "occurred_at": occurred, **fields})


@dataclass
class Lived:
    """A journey that is lived commit by commit, and what is on record of it."""

    rulebooks: list[Rulebook] = field(default_factory=lambda: [DEFAULT_RULEBOOK])
    state: State = field(default_factory=State)
    events: list[PastEvent] = field(default_factory=list)
    moves: list[RecordedMove] = field(default_factory=list)
    #: after each commit: the instant from which it counts, the state, the rules
    snapshots: list[tuple[Micros, State, Rulebook]] = field(default_factory=list)

    def commit(self, received: Micros, *events: Event, commands: tuple[Command, ...] = ()) -> None:
        gone = self.state.evaluated
        history, rulebook = [each.event for each in self.events], self.rulebooks[-1]
        manual = manual_moves(self.moves, self.state)
        is_in_order = len(events) == 1 and (gone is None or gone <= 2 * events[0].at)
        begin = events[0].at if is_in_order else received
        then = decide(self.state, events, rulebook, begin, commands, history, manual).state
        self.snapshots.append((begin, then, rulebook))
        decision = decide(self.state, events, rulebook, received, commands, history, manual)
        self.state = decision.state
        self.state.version += 1
        version = self.state.version
        for each in events:
            past = PastEvent(
                version=version, rules_version=rulebook.version, received_at=received, was_merged=False, event=each
            )
            self.events.append(past)
        self.moves += [self._on_record(move, version) for move in decision.transitions]

    def change_rules(self, rulebook: Rulebook) -> None:
        """Roll out a version, at the instant from which it is in force."""
        if self.state.stage is not None:
            self.commit(Micros(rulebook.changed_at - 1))
        self.rulebooks = [*self.rulebooks, rulebook]
        if self.state.stage is not None:
            self.commit(rulebook.changed_at)

    @staticmethod
    def _on_record(move: Transition, version: int) -> RecordedMove:
        return RecordedMove(
            transition_number=move.transition_number,
            from_stage=move.from_stage,
            to_stage=move.to_stage,
            at=move.at,
            trigger_event=move.trigger_event,
            event_id=move.event_id,
            version=version,
        )

    def state_at(self, at: Micros) -> tuple[State, Rulebook] | None:
        """Return the state in which the commits that counted at an instant left the journey; None: ambiguous."""
        counted = [begin <= at for begin, _, _ in self.snapshots]
        if not any(counted) or not all(counted[: sum(counted)]):
            return None
        _, state, rulebook = self.snapshots[sum(counted) - 1]
        return state, rulebook

    def record(self) -> JourneyRecord:
        manual: list[ManualMove] = manual_moves(self.moves, self.state)
        return JourneyRecord(events=self.events, moves=self.moves, manual=manual, rulebooks=self.rulebooks)

    def explained(self, day: float) -> dict[str, Any]:
        found = explain_past(self.record(), Micros(BASE + int(day * DAY)))
        assert found is not None
        return found


def shown(state: State, rulebook: Rulebook, at: Micros) -> dict[str, Any]:
    explained = explain(state, rulebook, at)
    return {name: explained[name] for name in SHOWN}
