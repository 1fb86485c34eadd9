"""Decisions: from a state, events, rules and the time to a new state, its transitions and its next deadline.

Evaluations happen at moments (see `journey.time`). ``days > 90`` first holds at the moment ``2·(last + 90 days) + 1``,
whose instant is exactly 90 days after the last appointment. An appointment at that very instant is evaluated before it.

Over 300 lines, because everything that moves a journey is in this file, in the order in which it happens: passed
deadlines, facts, scores, hold, lapse, growth, return.
"""

from bisect import bisect_right
from collections.abc import Iterable
from operator import itemgetter
from typing import Any, cast

import msgspec
from msgspec import Struct

from journey.actions import DueAction, StageEntry, due_actions
from journey.events import AppointmentCompleted, Event
from journey.rules import Rule, RuleContext
from journey.stages import Rulebook, Stage
from journey.state import State, copy
from journey.time import DAY, Micros, Moment

_TIME_THEN_ID = itemgetter(0, 1)
_BEFORE_ALL = Moment(-(1 << 62))


class Transition(Struct, frozen=True, kw_only=True, gc=False):
    """One move between stages.

    Attributes:
        transition_number: Its number in the journey, from 1.
        first_entry: The journey has never been in ``to_stage`` before.
        is_growth: ``to_stage`` is a growth stage.
        reason: The numbers that the rule compared, as `Condition.verdict` returns them.
        since: When ``from_stage`` was entered; None for the start.
    """

    from_stage: str | None
    to_stage: str
    at: Micros
    transition_number: int
    trigger_type: str
    trigger_event: str
    first_entry: bool
    is_growth: bool = True
    event_id: str | None = None
    reason: list[dict[str, Any]] = []
    performed_by: int | None = None
    notes: str | None = None
    since: Micros | None = None


class Command(Struct, frozen=True, kw_only=True):
    """A command to a journey. ``kind`` is ``set_stage``, ``release`` (end a hold) or ``evaluate``."""

    kind: str
    stage: str | None = None
    reason: str | None = None
    hold: bool = False
    hold_until: Micros | None = None
    performed_by: int | None = None


class Decision(Struct, frozen=True):
    """The result of `decide`. ``actions`` are those of the stages that were entered."""

    state: State
    transitions: list[Transition]
    actions: list[DueAction] = []


def decide(
    state: State, events: Iterable[Event], rulebook: Rulebook, now: Micros, commands: Iterable[Command] = ()
) -> Decision:
    """Apply new events and commands to a journey, as of ``now``.

    Deadlines before an event, and those before ``now``, take effect at their own time.

    Args:
        state: The journey's state; it is not modified.
        events: Deduplicated events that the journey does not have yet, in any order.
        rulebook: The company's rules.
        now: The time of the decision.
        commands: Commands, executed after the events.

    Returns:
        The new state, equal to ``state`` if there are no events, commands or passed deadlines.
    """
    fold = _Fold(copy(state), rulebook, Moment(2 * now))
    fold.run(events, commands)
    if not fold.transitions:
        return Decision(fold.state, fold.transitions)
    return Decision(fold.state, fold.transitions, due_actions(map(_moved, fold.transitions), now, rulebook.actions))


def _moved(move: Transition) -> StageEntry:
    return StageEntry(move.transition_number, move.to_stage, move.at, move.first_entry, move.is_growth)


def context_of(state: State, rulebook: Rulebook, moment: Moment, entered: Stage) -> RuleContext:
    """Return what the rules of the stage ``entered`` would be evaluated on at a moment without an event."""
    context = _Fold(state, rulebook, moment)._context(moment, None)
    stage = rulebook.by_key.get(state.stage or "")
    if stage is not None and stage.is_growth and entered in rulebook.lapse[:1]:
        context.days_beyond = stage.retention_days
    return context


class _Fold:
    """A decision in progress. ``position`` is the moment up to which deadlines have been evaluated."""

    __slots__ = ("changed_rules", "facts", "now", "position", "rulebook", "state", "transitions")

    def __init__(self, state: State, rulebook: Rulebook, now: Moment) -> None:
        self.state, self.facts, self.rulebook, self.now = state, state.facts, rulebook, now
        self.position = state.evaluated if state.evaluated is not None else _BEFORE_ALL
        self.transitions: list[Transition] = []
        self.changed_rules = False

    def run(self, events: Iterable[Event], commands: Iterable[Command]) -> None:
        state, facts = self.state, self.facts
        watermark = self.position
        fresh: list[tuple[Moment, str, Event | None]] = []
        late: list[Event] = []
        for event in events:
            moment = Moment(2 * event.at)
            if moment >= watermark:
                fresh.append((moment, event.id, event))
            else:
                late.append(event)
        if state.stage is not None and state.rules_version != self.rulebook.version:
            changed = max(min(Moment(2 * self.rulebook.changed_at), self.now), watermark)
            # The old rules had nothing due before the deadline, so the new rules must not find anything there either.
            self.position = changed
            if state.deadline is not None:
                self.position = max(watermark, min(changed, Moment(2 * state.deadline - 1)))
            fresh.append((changed, "", None))
        state.rules_version = self.rulebook.version
        fresh.sort(key=_TIME_THEN_ID)
        for moment, _, fresh_event in fresh:
            if state.stage is None:
                self._start(moment, fresh_event)
            self.advance(moment)
            if fresh_event is not None:
                self._apply(fresh_event, Micros(moment >> 1))
                self._mark_evaluated(moment)
                self.evaluate(moment, fresh_event)
            else:
                self._mark_evaluated(moment)
                self._rules_changed(moment)
        if state.stage is not None:
            self.advance(self.now)
        if late:
            self._evaluate_late(late)
        for command in commands:
            self._execute(command)
        if state.stage is not None:
            settled = max(self.now, self.position)
            state.risk = self.rulebook.scorer.risk(facts, settled)
            state.engagement = self.rulebook.scorer.engagement(facts, settled)
            self._set_deadline(settled)

    def _apply(self, event: Event, at: Micros) -> None:
        facts = self.facts
        event.change(facts, at)
        if facts.last_event_at is None or at > facts.last_event_at:
            facts.last_event_at = at

    def _mark_evaluated(self, moment: Moment) -> None:
        """Mark everything up to a moment as evaluated: no earlier deadline is evaluated again."""
        self.state.evaluated = moment
        if moment > self.position:
            self.position = moment

    def _evaluate_late(self, late: list[Event]) -> None:
        """Apply events older than what was evaluated already: their facts count now, and are evaluated now."""
        moment = max(self.now, self.position)
        late.sort(key=lambda event: (event.at, event.id))
        for event in late:
            self._apply(event, event.at)
        for event in late:
            self.evaluate(moment, event, late=True)
        # deadlines that the new facts move into the past must not be found by the next decision
        passed = self.position
        while (due := self._next_due(moment)) is not None:
            passed = self.position = due
        self._mark_evaluated(passed)

    def _start(self, moment: Moment, event: Event | None) -> None:
        self.state.started_at = Micros(moment >> 1)
        self._move(self.rulebook.growth[0], moment, "system", "journey_started", event)

    # -- passed deadlines ---------------------------------------------------------------------------------------------

    def advance(self, moment: Moment) -> None:
        """Evaluate every deadline strictly before a moment, at its own time, in order."""
        while (due := self._next_due(moment)) is not None:
            self.position = due
            self.evaluate(due, None)

    def _next_due(self, moment: Moment) -> Moment | None:
        state, facts = self.state, self.facts
        if state.held:
            ends = None if state.hold_until is None else Moment(2 * state.hold_until)
            return ends if ends is not None and self.position < ends < moment else None
        active_at = facts.recent[-1] if facts.recent else facts.last_event_at
        if active_at is None:
            return None
        if self.rulebook.retains:
            return min(
                (due for due in self._dues(self.rulebook.stage_steps) if self.position < due < moment), default=None
            )
        offsets = self.rulebook.stage_offsets
        index = bisect_right(offsets, self.position - 2 * active_at)
        if index < len(offsets) and (due := 2 * active_at + offsets[index]) < moment:
            return Moment(due)
        return None

    def _dues(self, steps: list[tuple[str, int]]) -> list[Moment]:
        """Return the moments of these steps of inactivity, unordered."""
        active_at, days_from = self.facts.active_at, self._days_from()
        if active_at is None or days_from is None:
            return []
        dues = [2 * (days_from if counted == "days" else active_at) + offset for counted, offset in steps]
        return cast("list[Moment]", dues)  # one call for all of them: this is hot

    def _days_from(self) -> Micros | None:
        """Return the instant that ``days`` counts from.

        This is the last completed appointment, or the last event of any kind: before the first appointment, in a stage
        with ``retention_days``, and in a lapse stage entered from such a stage.
        """
        facts, state, by_key = self.facts, self.state, self.rulebook.by_key
        if not facts.recent:
            return facts.last_event_at
        if not self.rulebook.retains:
            return facts.recent[-1]
        stage = by_key.get(state.stage or "")
        if stage is not None and not stage.is_growth:
            stage = by_key.get(state.previous_stage or "")
        if stage is not None and stage.retention_days is not None:
            return facts.last_event_at
        return facts.recent[-1]

    # -- one evaluation -----------------------------------------------------------------------------------------

    def evaluate(self, moment: Moment, event: Event | None, late: bool = False) -> None:
        """Evaluate the rules at one moment: hold, lapse, growth, return."""
        state = self.state
        if state.held:
            if state.hold_until is None or moment < 2 * state.hold_until:
                return
            state.held, state.hold_until = False, None
            self._mark_evaluated(moment)
        stage = self.rulebook.by_key.get(state.stage or "")
        days_from = self._days_from()
        context = RuleContext(self.facts, moment, event, self.rulebook.scorer, days_from)
        if stage is None or not stage.is_growth:
            if late and isinstance(event, AppointmentCompleted):
                self._return_late(moment, event)
            elif isinstance(event, AppointmentCompleted):
                self._return(moment, event)
            else:
                self._lapse(stage, context)
            return
        inactive = 0 if days_from is None else moment - 2 * days_from
        if inactive >= self.rulebook.lapse_not_before and (self.facts.completed or stage.retention_days is not None):
            self._lapse(stage, context)
        if state.stage == stage.key:
            self._grow(stage, context)

    def _stage(self) -> Stage | None:
        return self.rulebook.by_key.get(self.state.stage or "")

    def _context(self, moment: Moment, event: Event | None) -> RuleContext:
        return RuleContext(self.facts, moment, event, self.rulebook.scorer, self._days_from())

    def _lapse(self, stage: Stage | None, context: RuleContext) -> None:
        """Move into each worse lapse stage whose rule holds, in order."""
        retention = stage.retention_days if stage is not None and stage.is_growth else None
        for index, lapse in enumerate(self.rulebook.lapse if stage is None else self.rulebook.worse[stage.key]):
            if retention is not None:
                if index > 0 and not _beyond(context, retention):
                    continue
                context.days_beyond = retention if index == 0 else None
            if rule := lapse.holding(context):
                self._move_by_rule(lapse, context.moment, rule, context)
                retention = None
                context = self._context(context.moment, context.event)

    def _grow(self, stage: Stage, context: RuleContext) -> None:
        """Move up the ladder, into each later stage whose rule holds."""
        context.days_beyond = None
        for higher in self.rulebook.higher[stage.key]:
            if rule := higher.holding(context):
                self._move_by_rule(higher, context.moment, rule, context)

    def _return(self, moment: Moment, event: Event) -> None:
        context = self._context(moment, event)
        for stage in reversed(self.rulebook.growth):
            rule = stage.holding(context)
            if rule or stage is self.rulebook.growth[0]:
                self._move(stage, moment, "automatic", "reactivated", event, rule, context)
                return

    def _return_late(self, moment: Moment, event: Event) -> None:
        """Return because of a late appointment, if the lapse no longer holds with it; a lesser lapse may still hold."""
        stage = self._stage()
        if stage is None or not stage.holding(self._context(moment, event)):
            self._return(moment, event)
            self._lapse(self._stage(), self._context(moment, event))

    def _rules_changed(self, moment: Moment) -> None:
        """Evaluate a journey under changed rules, and leave a lapse that they no longer justify."""
        self.changed_rules = True
        stage = self._stage()
        unjustified = stage is not None and not stage.is_growth and not stage.holding(self._context(moment, None))
        if not self.state.held and (stage is None or not stage.is_active or unjustified):
            reached = [key for key in self.state.reached if key in self.rulebook.by_key]
            grown = [s for s in self.rulebook.growth if s.key in reached] or self.rulebook.growth[:1]
            self._move(grown[-1], moment, "system", "rules_changed", None)
        self.evaluate(moment, None)
        self.changed_rules = False

    # -- commands ----------------------------------------------------------------------------------------

    def _execute(self, command: Command) -> None:
        state, moment = self.state, max(self.now, self.position)
        if command.kind == "set_stage":
            stage = self.rulebook.by_key[command.stage or ""]
            if state.stage is None:
                self._start(moment, None)
            if state.stage != stage.key:
                self._move(stage, moment, "manual", "stage_set", None, command=command)
            until = command.hold_until
            state.held = command.hold if until is None else 2 * until > moment
            state.hold_until = until if state.held else None
            self._mark_evaluated(moment)
        elif command.kind == "release" and state.held:
            state.held, state.hold_until = False, None
            self._mark_evaluated(moment)
            self.evaluate(moment, None)

    # -- moving -------------------------------------------------------------------------------------------------

    def _move_by_rule(self, stage: Stage, moment: Moment, rule: Rule, context: RuleContext) -> None:
        kind, trigger = ("system", "rules_changed") if self.changed_rules else ("automatic", rule.recorded_as)
        self._move(stage, moment, kind, trigger, context.event, rule, context)

    def _move(
        self,
        stage: Stage,
        moment: Moment,
        trigger_type: str,
        trigger_event: str,
        event: Event | None,
        rule: Rule | None = None,
        context: RuleContext | None = None,
        command: Command | None = None,
    ) -> None:
        state, at = self.state, Micros(moment >> 1)
        state.transition_number += 1
        first_entry = stage.key not in state.reached
        self.transitions.append(
            Transition(
                from_stage=state.stage,
                to_stage=stage.key,
                at=at,
                transition_number=state.transition_number,
                trigger_type=trigger_type,
                trigger_event=trigger_event,
                first_entry=first_entry,
                is_growth=stage.is_growth,
                event_id=None if event is None else event.id,
                reason=[c.verdict(context) for c in rule.conditions] if rule and context else [],
                performed_by=None if command is None else command.performed_by,
                notes=None if command is None else command.reason,
                since=None if state.stage is None else state.entered_at,
            )
        )
        state.previous_stage, state.stage = state.stage, stage.key
        state.entered_at, state.trigger = at, trigger_event
        self._mark_evaluated(moment)
        if first_entry:
            state.reached.append(stage.key)

    # -- the next deadline -----------------------------------------------------------------------------------------

    def _set_deadline(self, settled: Moment) -> None:
        """Set the deadline: the first moment from ``settled`` on at which a score, the stage or the hold changes."""
        state, scorer = self.state, self.rulebook.scorer
        state.deadline = state.deadline_stage = None
        if not state.held and settled > 2 * (self.facts.last_event_at or 0) + self.rulebook.last_step:
            return  # no step of inactivity is left
        stage_steps = set(self._dues(self.rulebook.stage_steps))
        moments = {*stage_steps, *self._dues(self.rulebook.all_steps)}
        if state.held and state.hold_until is not None:
            ends = Moment(2 * state.hold_until)
            stage_steps.add(ends)
            moments.add(ends)
        for moment in sorted(moments):
            if moment <= self.position or moment < settled:
                continue  # a moment equal to `settled` is still to come: that is when ">= N days" begins to hold
            probe = self._probe(moment)
            if moment in stage_steps:
                probe.evaluate(moment, None)
            if (
                probe.state.stage != state.stage
                or probe.state.held != state.held
                or scorer.risk(self.facts, moment) != state.risk
                or scorer.engagement(self.facts, moment) != state.engagement
            ):
                probe.advance(Moment((moment | 1) + 1))  # the instant may have a second moment, which leads further
                state.deadline = Micros(moment >> 1)
                state.deadline_stage = None if probe.state.stage == state.stage else probe.state.stage
                return

    def _probe(self, moment: Moment) -> "_Fold":
        """Return a copy of the decision at a future moment, to try what would happen then."""
        probe = _Fold(msgspec.structs.replace(self.state, reached=list(self.state.reached)), self.rulebook, moment)
        probe.position = moment
        return probe


def _beyond(context: RuleContext, days: int) -> bool:
    return context.days_from is not None and context.moment - 2 * context.days_from > 2 * days * DAY
