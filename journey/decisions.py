"""Decisions on everything that reaches a journey, retractions included: what commits, imports and simulations call.

`journey.engine` decides on events that count. A retraction changes which of them do: at its own time, the facts are
folded anew without the event that it names, and the journey moves where it then belongs (`journey.refold.correct`). An
event that is retracted before it arrives, or before it occurred, never counts.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec
from msgspec import Struct, field

from journey import engine
from journey.actions import RECENT, due_actions
from journey.appointment_book import HistoryNeeded
from journey.appointments import Unanswered
from journey.contributions import Contribution, difference
from journey.engine import Command, Decision, Transition, stage_entry
from journey.events import Event, EventRetracted, counting
from journey.refold import ManualMove, contributions, correct, is_above_all
from journey.stages import Rulebook
from journey.state import State
from journey.time import Micros, Moment

RETRACTED = "event_retracted"
_IN_ORDER = attrgetter("at", "id")


def decide(
    state: State,
    events: Iterable[Event],
    rulebook: Rulebook,
    now: Micros,
    commands: Iterable[Command] = (),
    history: Iterable[Event] | None = None,
    manual: Iterable[ManualMove] = (),
) -> Decision:
    """Apply new events, retractions among them, and commands to a journey, as of ``now``.

    Args:
        state: As in `journey.engine.decide`.
        events: As there, and retractions. A retraction of an event that is unknown, or a retraction, changes nothing.
        rulebook: The company's rules.
        now: The time of the decision.
        commands: Commands, executed after the events.
        history: All events that were applied before, retractions and retracted ones too; None: the facts of ``state``
            count.
        manual: The manual moves that a retraction has to take into account.

    Raises:
        HistoryNeeded: The facts of ``state`` are not enough; ``history`` and ``manual`` are needed.
    """
    listed, orders = list(events), list(commands)
    if history is None:
        try:
            return engine.decide(state, listed, rulebook, now, orders)
        except engine.RetractionFound:
            if state.stage is not None:
                raise HistoryNeeded from None
    earlier = list(history or ())
    if not any(type(event) is EventRetracted for event in (*earlier, *listed)):
        return engine.decide(state, listed, rulebook, now, orders, earlier)
    return _Course(state, rulebook, now, earlier, list(manual)).decide(listed, orders)


class _Course(Struct):
    """A decision in several steps: up to each retraction, and from it on.

    Attributes:
        applied: All events so far, in the order in which they were applied.
        silent: The numbers of transitions that run no actions of their stage.
    """

    state: State
    rulebook: Rulebook
    now: Micros
    applied: list[Event]
    manual: Sequence[ManualMove]
    transitions: list[Transition] = field(default_factory=list)
    unanswered: list[Unanswered] = field(default_factory=list)
    answered: list[Unanswered] = field(default_factory=list)
    contributions: dict[str, list[Contribution]] = field(default_factory=dict)
    silent: set[int] = field(default_factory=set)
    undone: list[str] = field(default_factory=list)

    def decide(self, events: list[Event], commands: Iterable[Command]) -> Decision:
        fresh: list[Event] = []
        late: list[Event] = []
        evaluated = self.state.evaluated
        for event in sorted(events, key=_IN_ORDER):
            (late if evaluated is not None and Moment(2 * event.at) < evaluated else fresh).append(event)
        self._leave_out(fresh, late)
        due: list[Event] = []
        for event in fresh:
            if type(event) is EventRetracted:
                self._apply(due, event.at)
                self._retract([event], event.at)
                due = []
            else:
                due.append(event)
        retractions = [event for event in late if type(event) is EventRetracted]
        due += [event for event in late if type(event) is not EventRetracted]
        if retractions:
            self._apply(due, self.now)
            self._retract(retractions, self.now)
            due = []
        self._apply(due, self.now, commands)
        return self._decision()

    def _leave_out(self, fresh: list[Event], late: list[Event]) -> None:
        """Take out the events that were retracted before they arrived or occurred; they only begin a journey."""
        retracted = {event.retracts for event in (*self.applied, *late) if type(event) is EventRetracted}
        named = retracted | {event.retracts for event in fresh if type(event) is EventRetracted}
        never = [event for event in late if event.id in named]
        for event in fresh:
            if type(event) is EventRetracted:
                retracted.add(event.retracts)
            elif event.id in retracted:
                never.append(event)
        never = [event for event in never if type(event) is not EventRetracted]
        if not never:
            return
        left_out = {event.id for event in never}
        for events in (fresh, late):
            events[:] = [event for event in events if event.id not in left_out]
        self.contributions = {id_: [] for id_ in left_out}
        first = min(never, key=_IN_ORDER)
        others = [event for event in fresh if type(event) is not EventRetracted]
        if self.state.stage is None and (not others or _IN_ORDER(first) < _IN_ORDER(others[0])):
            self._add(engine.start(self.state, first, self.rulebook))
            self.silent.add(self.state.transition_number)

    def _apply(self, events: list[Event], now: Micros, commands: Iterable[Command] = ()) -> None:
        """Decide on events that count so far."""
        self._add(engine.decide(self.state, events, self.rulebook, now, commands, counting(self.applied)))
        self.applied += events

    def _retract(self, retractions: list[EventRetracted], now: Micros) -> None:
        """Take back what the events that these retractions name contributed."""
        effective: EventRetracted | None = None
        for retraction in retractions:
            before = contributions(self.applied)
            is_effective = any(event.id == retraction.retracts for event in counting(self.applied))
            self.applied.append(retraction)
            if is_effective:
                effective = effective or retraction
                self.contributions[retraction.id] = difference(before, contributions(self.applied))
        if effective is None:
            return
        before_state = self.state
        decision = correct(self.state, self.applied, self.manual, self.rulebook, now, RETRACTED, effective)
        self.silent |= {move.transition_number for move in self.transitions if move.to_stage in decision.undone}
        self._add(decision)
        self.silent |= {
            move.transition_number
            for move in decision.transitions
            if move.is_growth and not is_above_all(move, before_state, self.rulebook)
        }

    def _add(self, decision: Decision) -> None:
        self.state = decision.state
        self.transitions += decision.transitions
        self.unanswered += decision.unanswered
        self.answered += decision.answered
        self.contributions |= decision.contributions
        self.undone += decision.undone

    def _decision(self) -> Decision:
        entries = [
            msgspec.structs.replace(entry, first_entry=entry.first_entry and entry.transition_number not in self.silent)
            for entry in map(stage_entry, self.transitions)
        ]
        actions = due_actions(entries, self.now, self.rulebook.actions)
        earliest = self.now - RECENT - self.rulebook.booking_grace
        unanswered = [each for each in self.unanswered if each.booked >= earliest and self._is_awaited(each)]
        made = (self.state, self.transitions, actions, unanswered, self.answered, self.contributions, self.undone)
        return Decision(*made)

    def _is_awaited(self, unanswered: Unanswered) -> bool:
        appointment = self.state.facts.appointments.get(unanswered.key)
        return appointment is not None and appointment.awaited == unanswered.booked
