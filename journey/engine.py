"""Decisions: from a state, events, rules and the time to a new state, its transitions and its next deadline.

Evaluations happen at moments (see `journey.time`). ``days > 90`` first holds at the moment ``2·(last + 90 days) + 1``,
whose instant is exactly 90 days after the last appointment. An appointment at that very instant is evaluated before it.

Over 300 lines, because everything that moves a journey is in this file, in the order in which it happens: passed
deadlines, facts, scores, hold, lapse, growth, return.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, cast

from msgspec import Struct

from journey.actions import RECENT, DueAction, StageEntry, due_actions
from journey.appointment_book import (
    HELD,
    AppointmentBook,
    copy_asked,
    fold_facts,
    mark_asked,
    named_events,
    shrink,
)
from journey.appointments import ADDS_VISIT, NO_EFFECT, Unanswered
from journey.contributions import Contribution
from journey.events import Event, EventRetracted
from journey.facts import Facts
from journey.rules import Rule, RuleContext
from journey.stages import Rulebook, Stage
from journey.state import SCHEMA, SCHEMA_WITH_RHYTHM, State, copy, shallow
from journey.time import DAY, Micros, Moment

_TIME_THEN_ID = itemgetter(0, 1)
#: The trigger of moves that a change of rules causes.
RULES_CHANGED = "rules_changed"
#: So many holds of a journey are remembered, for simulations of its past.
HOLDS_REMEMBERED = 20
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


class RetractionFound(Exception):
    """There is a retraction among the events; `journey.decisions` decides on those."""


class Decision(Struct, frozen=True):
    """The result of `decide`.

    Attributes:
        actions: The actions of the stages that were entered.
        unanswered: The appointments whose grace ended within the last day, without an outcome or another visit.
        answered: Appointments that were unanswered before, and have an outcome or another time now.
        contributions: What events contributed, by their ids, where that is not the usual of their types.
        undone: The growth stages whose actions must not run any more, because of a retraction.
    """

    state: State
    transitions: list[Transition]
    actions: list[DueAction] = []
    unanswered: list[Unanswered] = []
    answered: list[Unanswered] = []
    contributions: dict[str, list[Contribution]] = {}
    undone: list[str] = []


def needs_history(state: State) -> bool:
    """Whether the next decision needs all earlier events of the journey, whatever it is about."""
    if state.schema < SCHEMA_WITH_RHYTHM:
        return True
    return state.facts.far is not None and len(state.facts.unasked) < HELD


def decide(
    state: State,
    events: Iterable[Event],
    rulebook: Rulebook,
    now: Micros,
    commands: Iterable[Command] = (),
    history: Iterable[Event] | None = None,
) -> Decision:
    """Apply new events and commands to a journey, as of ``now``.

    Deadlines before an event, and those before ``now``, take effect at their own time.

    Args:
        state: The journey's state; it is not modified.
        events: Deduplicated events that the journey does not have yet, in any order.
        rulebook: The company's rules.
        now: The time of the decision.
        commands: Commands, executed after the events.
        history: All events that were applied before, to compute the facts anew; None: the facts of ``state`` count.

    Returns:
        The new state, equal to ``state`` if there are no events, commands or passed deadlines.

    Raises:
        HistoryNeeded: The events are about appointments that the state does not hold.
        RetractionFound: There is a retraction among the events.
    """
    fold = _Fold(copy(state), rulebook, Moment(2 * now))
    events = list(events)
    if history is not None:
        fold.restore_facts(history, events)
    fold.run(events, commands)
    return fold.decision()


def moves_of(events: list[Event], rulebook: Rulebook, now: Micros) -> list[Transition]:
    """Return the transitions of a whole life as of ``now``; like `decide`, without scores, deadline and reasons.

    Args:
        events: Deduplicated events until ``now``, in any order.
        rulebook: The company's rules.
        now: The end.

    Raises:
        RetractionFound: There is a retraction among the events.
    """
    fold = _BareFold(State(), rulebook, Moment(2 * now))
    fold.apply_all(events, ())
    return fold.transitions


def is_moved_by_change(state: State, rulebook: Rulebook, now: Micros) -> bool:
    """Whether an evaluation by changed rules moves a journey; like `decide`, in half the time."""
    fold = _BareFold(copy(state), rulebook, Moment(2 * now))
    fold.apply_all([], ())
    return bool(fold.transitions)


def start(state: State, event: Event, rulebook: Rulebook) -> Decision:
    """Begin a journey with an event that does not count, because it was retracted before."""
    fold = _Fold(copy(state), rulebook, Moment(2 * event.at))
    fold.state.rules_version = rulebook.version
    fold._start(fold.now, event)
    fold.run([], ())
    return fold.decision()


def move_to(
    state: State,
    facts: Facts,
    stage: Stage,
    rulebook: Rulebook,
    now: Micros,
    trigger_event: str,
    event: Event | None = None,
) -> Decision:
    """Replace the facts of a journey that was evaluated up to ``now``, and lead it to a stage, unless it is held.

    Args:
        state: The journey's state; it is not modified.
        facts: Its new facts.
        stage: Where the journey belongs; it may be below the stage in which it stands.
        rulebook: The company's rules.
        now: The time of the transition.
        trigger_event: Why it moves.
        event: The event that is the reason, if there is one.
    """
    fold = _Fold(copy(state), rulebook, Moment(2 * now))
    fold.replace_facts(facts)
    moment = max(fold.now, fold.position)
    if not state.held and state.stage != stage.key:
        fold._move(stage, moment, "automatic", trigger_event, event)
    fold._mark_evaluated(moment)
    if facts.unasked:
        fold._ask(moment)
    fold.run([], ())
    shrink(facts)
    return fold.decision()


def stage_entry(move: Transition) -> StageEntry:
    """Return a transition as far as it decides on actions."""
    return StageEntry(move.transition_number, move.to_stage, move.at, move.first_entry, move.is_growth)


def context_of(state: State, rulebook: Rulebook, moment: Moment, entered: Stage) -> RuleContext:
    """Return what the rules of the stage ``entered`` would be evaluated on at a moment without an event."""
    context = _Fold(state, rulebook, moment)._context(moment, None)
    stage = rulebook.by_key.get(state.stage or "")
    if stage is not None and stage.is_growth and entered in rulebook.lapse[:1]:
        context.days_beyond = stage.retention_days
    return context


def is_due_between(state: State, rulebook: Rulebook, begin: Micros, end: Micros) -> bool:
    """Whether time alone may have moved a journey between two instants, by its facts and holds of now, in any stage."""
    fold = _Fold(copy(state), rulebook, Moment(2 * end))
    facts = state.facts
    counted_from = {instant for instant in (facts.last_event_at, *facts.recent[-1:]) if instant is not None}
    dues = [2 * instant + offset for instant in counted_from for _, offset in rulebook.stage_steps]
    dues += [2 * until for _, _, until in state.holds if until is not None]
    dues += [*fold.rhythm_dues, *fold._grace_ends()]
    return any(2 * begin <= due <= 2 * end + 1 for due in dues)


class _Fold:
    """A decision in progress.

    Attributes:
        position: The moment up to which deadlines have been evaluated.
        book: Applies the events if appointments have to be tracked.
        interval: The usual interval, if a rule depends on it.
        rhythm_dues: The moments at which it may move the journey, unordered.
        settled_visits: The number of visits that the company's median gap in the facts was taken for.
    """

    __slots__ = (
        "book", "changed_rules", "facts", "interval", "now", "position", "rhythm_dues", "rulebook", "settled_visits",
        "state", "transitions", "unanswered",
    )  # fmt: skip

    def __init__(self, state: State, rulebook: Rulebook, now: Moment) -> None:
        self.state, self.facts, self.rulebook, self.now = state, state.facts, rulebook, now
        self.position = state.evaluated if state.evaluated is not None else _BEFORE_ALL
        self.transitions: list[Transition] = []
        self.changed_rules = False
        self.book: AppointmentBook | None = None
        self.unanswered: list[Unanswered] = []
        self.settled_visits = self.facts.completed
        self.interval: Micros | None = None
        self.rhythm_dues: Sequence[Moment] = ()
        if rulebook.rhythm_conditions:
            self._find_rhythm_dues()

    def restore_facts(self, history: Iterable[Event], events: Iterable[Event]) -> None:
        """Compute the facts anew from all events that were applied before."""
        facts, self.book = fold_facts(history, named_events(events))
        self.book.contributions.clear()
        self.replace_facts(facts)

    def replace_facts(self, facts: Facts) -> None:
        copy_asked(facts, self.facts.appointments, Micros((self.now >> 1) - self.rulebook.booking_grace))
        facts.company_median = self.facts.company_median
        if facts.visit_days != self.facts.visit_days or self.state.schema < SCHEMA_WITH_RHYTHM:
            self.settled_visits = -1
        self.facts = self.state.facts = facts
        self.state.schema = SCHEMA
        if self.rulebook.rhythm_conditions:
            self._settle_rhythm()
            self._find_rhythm_dues()

    def decision(self) -> Decision:
        moves, book, now = self.transitions, self.book, Micros(self.now >> 1)
        actions: list[DueAction] = []
        if moves and moves[-1].at >= now - RECENT:  # else none of them causes any
            acting = moves if self.rulebook.runs_actions else [m for m in moves if m.trigger_event != RULES_CHANGED]
            actions = due_actions(map(stage_entry, acting), now, self.rulebook.actions)
        if book is None:
            return Decision(self.state, moves, actions, self.unanswered)
        return Decision(self.state, moves, actions, self.unanswered, book.answered, book.contributions)

    def run(self, events: list[Event], commands: Iterable[Command]) -> None:
        """Apply events and commands, and settle the scores and the next deadline."""
        self.apply_all(events, commands)
        state, facts = self.state, self.facts
        self._settle_rhythm()
        if state.stage is not None:
            settled, scorer = max(self.now, self.position), self.rulebook.scorer
            state.risk = scorer.risk(facts, settled)
            state.engagement = scorer.engagement(facts, settled)
            self._set_deadline(settled)
        if self.unanswered:
            self._keep_unanswered()
        if self.book is not None:
            shrink(facts)

    def apply_all(self, events: list[Event], commands: Iterable[Command]) -> None:
        """Apply events and commands, each at its own time, with every deadline that passes."""
        state, facts = self.state, self.facts
        is_tracked = facts.has_named_events
        watermark = self.position
        fresh: list[tuple[Moment, str, Event | None]] = []
        late: list[Event] = []
        for event in events:
            moment = Moment(2 * event.at)
            if moment >= watermark:
                fresh.append((moment, event.id, event))
            else:
                late.append(event)
            is_tracked = is_tracked or event.is_tracked
        if is_tracked and any(type(event) is EventRetracted for event in events):
            raise RetractionFound
        if is_tracked and self.book is None:
            self.book = AppointmentBook(facts, named=named_events(events))
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
                effect = self._apply(fresh_event, Micros(moment >> 1))
                self._mark_evaluated(moment)
                if facts.unasked:
                    self._ask(moment)
                self.evaluate(moment, fresh_event, effect)
            else:
                self._mark_evaluated(moment)
                self._rules_changed(moment)
        if state.stage is not None:
            self.advance(self.now)
        if late:
            self._evaluate_late(late)
        for command in commands:
            self._execute(command)

    def _apply(self, event: Event, at: Micros) -> int:
        """Apply an event to the facts, and return what it did to its appointment."""
        facts, book = self.facts, self.book
        if book is None:
            event.change(facts, at)
            effect = event.effect
        else:
            effect = book.apply(event, at)
        latest = facts.last_event_at
        if latest is None or at > latest:
            facts.last_event_at = at
        if self.rulebook.rhythm_conditions and event.rank is not None:
            self._settle_rhythm()
        return effect

    def _settle_rhythm(self) -> None:
        """Take the company's median gap anew if visits have changed; otherwise the one of the last visit is kept."""
        book = self.book
        if self.facts.completed != self.settled_visits or (book is not None and book.has_moved_visits):
            if self.facts.earlier_days:
                self.facts.trim_earlier_days()
            self.facts.take_company_median(self.rulebook.medians)
            self.settled_visits = self.facts.completed
            if book is not None:
                book.has_moved_visits = False
            if self.rulebook.rhythm_conditions:
                self._find_rhythm_dues()

    def _find_rhythm_dues(self) -> None:
        self.interval, self.rhythm_dues = self.facts.interval, ()
        if self.interval is not None:
            last = self.facts.recent[-1]
            self.rhythm_dues = [Moment(2 * last + offset) for offset in self.rulebook.rhythm_offsets(self.interval)]

    def _mark_evaluated(self, moment: Moment) -> None:
        """Mark everything up to a moment as evaluated: no earlier deadline is evaluated again."""
        self.state.evaluated = moment
        if moment > self.position:
            self.position = moment

    def _evaluate_late(self, late: list[Event]) -> None:
        """Apply events older than what was evaluated already: their facts count now, and are evaluated now."""
        moment = max(self.now, self.position)
        late.sort(key=lambda event: (event.at, event.id))
        lapsed_at = self.state.entered_at if self._lapse_holds(moment) else None
        effects = [self._apply(event, event.at) for event in late]
        if self.facts.unasked:
            self._ask(moment)
        for event, effect in zip(late, effects, strict=True):
            self.evaluate(moment, event, effect, late=True)
        if lapsed_at is not None and late[0].at <= lapsed_at:
            self._leave_untrue_lapse(moment, late[0])
        # deadlines that the new facts move into the past must not be found by the next decision
        passed = self.position
        while (due := self._next_due(moment)) is not None:
            passed = self.position = due
        self._mark_evaluated(passed)

    def _lapse_holds(self, moment: Moment) -> bool:
        """Whether the journey is in a lapse stage because of a rule, which would hold at a moment."""
        stage = self._stage()
        if stage is None or stage.is_growth or self.state.held or self.state.trigger == "stage_set":
            return False
        return not self._is_booked(moment) and stage.holding(self._context(moment, None)) is not None

    def _leave_untrue_lapse(self, moment: Moment, event: Event) -> None:
        """Leave a lapse that would not have happened with what arrived late: a booking, a resolved ticket."""
        stage = self._stage()
        if stage is None or stage.is_growth or self.state.held or self._lapse_holds(moment):
            return
        context = self._context(moment, None)
        for growth in reversed(self.rulebook.growth):
            if rule := growth.holding(context):
                self._move(growth, moment, "automatic", "reactivated", event, rule, context)
                break
        else:
            self._move(self._highest_reached(), moment, "automatic", "reactivated", event)
        self._lapse(self._stage(), self._context(moment, None))

    def _highest_reached(self) -> Stage:
        """Return the highest remaining growth stage that the journey has ever been in."""
        reached = [stage for stage in self.rulebook.growth if stage.key in self.state.reached]
        return reached[-1] if reached else self.rulebook.growth[0]

    # -- bookings -------------------------------------------------------------------------------------------------

    def _is_booked(self, moment: Moment) -> bool:
        """Whether a booked time and its grace lie ahead, so that no rule moves the journey into a lapse stage."""
        booked = self.facts.last_booked
        return booked is not None and moment <= 2 * (booked + self.rulebook.booking_grace)

    def _grace_ends(self) -> list[Moment]:
        """Return the moments at which the latest booking and the next unasked one stop protecting the journey."""
        facts, grace = self.facts, self.rulebook.booking_grace
        booked = [
            time for time in (facts.last_booked, facts.unasked[0][0] if facts.unasked else None) if time is not None
        ]
        return [Moment(2 * (time + grace) + 1) for time in booked]

    def _ask(self, moment: Moment) -> None:
        """Notice the open appointments whose grace has ended by a moment."""
        latest = Micros(((moment - 1) >> 1) - self.rulebook.booking_grace)
        for appointment in mark_asked(self.facts, latest):
            booked = appointment.booked
            assert booked is not None
            if not self.facts.has_visit(booked - DAY, booked + DAY):
                self.unanswered.append(Unanswered(appointment.keys[0], booked))

    def _keep_unanswered(self) -> None:
        """Forget those whose grace ended more than a day ago, and those that a later event has answered."""
        earliest = (self.now >> 1) - RECENT - self.rulebook.booking_grace
        held = self.facts.appointments
        self.unanswered = [u for u in self.unanswered if u.booked >= earliest and held[u.key].awaited == u.booked]

    def _start(self, moment: Moment, event: Event | None) -> None:
        self.state.started_at = Micros(moment >> 1)
        self._move(self.rulebook.growth[0], moment, "system", "journey_started", event)

    # -- passed deadlines ---------------------------------------------------------------------------------------------

    def advance(self, moment: Moment) -> None:
        """Evaluate every deadline strictly before a moment, at its own time, in order."""
        is_booked = bool(self.facts.booked or self.facts.far)
        while (due := self._next_due(moment) if is_booked else self._next_rule_due(moment)) is not None:
            self.position = due
            if self.facts.unasked:
                self._ask(due)
            self.evaluate(due, None)

    def _next_due(self, moment: Moment) -> Moment | None:
        dues = [end for end in self._grace_ends() if self.position < end < moment]
        if (due := self._next_rule_due(moment)) is not None:
            dues.append(due)
        return min(dues, default=None)

    def _next_rule_due(self, moment: Moment) -> Moment | None:
        state, facts, rulebook = self.state, self.facts, self.rulebook
        if state.held:
            ends = None if state.hold_until is None else Moment(2 * state.hold_until)
            return ends if ends is not None and self.position < ends < moment else None
        active_at = facts.recent[-1] if facts.recent else facts.last_event_at
        if active_at is None:
            return None
        if rulebook.retains or self.rhythm_dues:
            dues = [*self._dues(rulebook.stage_steps), *self.rhythm_dues]
            return min((due for due in dues if self.position < due < moment), default=None)
        offsets = rulebook.stage_offsets
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

    def evaluate(self, moment: Moment, event: Event | None, effect: int = NO_EFFECT, late: bool = False) -> None:
        """Evaluate the rules at one moment: hold, lapse, growth, return."""
        state, facts, rulebook = self.state, self.facts, self.rulebook
        if state.held:
            if state.hold_until is None or moment < 2 * state.hold_until:
                return
            state.held, state.hold_until = False, None
            self._mark_evaluated(moment)
        stage = rulebook.by_key.get(state.stage or "")
        days_from = self._days_from() if rulebook.retains else facts.recent[-1] if facts.recent else facts.last_event_at
        context = RuleContext(facts, moment, event, rulebook.scorer, days_from, effect, self.interval)
        if stage is None or not stage.is_growth:
            if event is not None and effect == ADDS_VISIT:
                if late:
                    self._return_late(moment, event)
                else:
                    self._return(moment, event)
                    if self.facts.last_appointment_at != event.at:  # the visit of a reopened appointment is older
                        self._lapse(self._stage(), self._context(moment, event, effect))
            elif self.facts.completed or self._has_retention():
                self._lapse(stage, context)
            return
        inactive = 0 if days_from is None else moment - 2 * days_from
        if inactive >= rulebook.lapse_not_before and (facts.completed or stage.retention_days is not None):
            self._lapse(stage, context)
        if state.stage == stage.key:
            self._grow(stage, context)

    def _has_retention(self) -> bool:
        """Whether the growth stage that the journey is in, or lapsed from, has ``retention_days``."""
        stages = (self.rulebook.by_key.get(key or "") for key in (self.state.stage, self.state.previous_stage))
        return any(stage is not None and stage.retention_days is not None for stage in stages)

    def _stage(self) -> Stage | None:
        return self.rulebook.by_key.get(self.state.stage or "")

    def _context(self, moment: Moment, event: Event | None, effect: int = NO_EFFECT) -> RuleContext:
        scorer = self.rulebook.scorer
        return RuleContext(self.facts, moment, event, scorer, self._days_from(), effect, self.interval)

    def _lapse(self, stage: Stage | None, context: RuleContext) -> None:
        """Move into each worse lapse stage whose rule holds, in order, unless the customer is booked."""
        if (self.facts.booked or self.facts.far) and self._is_booked(context.moment):
            return
        retention = stage.retention_days if stage is not None and stage.is_growth else None
        for index, lapse in enumerate(self.rulebook.lapse if stage is None else self.rulebook.worse[stage.key]):
            if retention is not None:
                if index > 0 and not _beyond(context, retention):
                    continue
                context.days_beyond = retention if index == 0 else None
            if rule := lapse.holding(context):
                self._move_by_rule(lapse, context.moment, rule, context)
                retention = None
                context = self._context(context.moment, context.event, context.effect)

    def _grow(self, stage: Stage, context: RuleContext) -> None:
        """Move up the ladder, into each later stage whose rule holds."""
        context.days_beyond = None
        for higher in self.rulebook.higher[stage.key]:
            if rule := higher.holding(context):
                self._move_by_rule(higher, context.moment, rule, context)

    def _return(self, moment: Moment, event: Event) -> None:
        context = self._context(moment, event, ADDS_VISIT)
        for stage in reversed(self.rulebook.growth):
            rule = stage.holding(context)
            if rule or stage is self.rulebook.growth[0]:
                self._move(stage, moment, "automatic", "reactivated", event, rule, context)
                return

    def _return_late(self, moment: Moment, event: Event) -> None:
        """Return because of a late appointment, if the lapse no longer holds with it; a lesser lapse may still hold."""
        stage = self._stage()
        if stage is None or self._is_booked(moment) or not stage.holding(self._context(moment, event, ADDS_VISIT)):
            self._return(moment, event)
            self._lapse(self._stage(), self._context(moment, event, ADDS_VISIT))

    def _rules_changed(self, moment: Moment) -> None:
        """Evaluate a journey under changed rules, and leave a lapse that they no longer justify."""
        self.changed_rules = True
        if self.facts.unasked:
            self._ask(moment)  # with the new grace
        stage = self._stage()
        unjustified = stage is not None and not stage.is_growth and not stage.holding(self._context(moment, None))
        if not self.state.held and (stage is None or not stage.is_active or unjustified):
            self._move(self._highest_reached(), moment, "system", RULES_CHANGED, None)
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
            self._end_hold(moment)
            state.held = command.hold if until is None else 2 * until > moment
            state.hold_until = until if state.held else None
            if state.held:
                state.holds = [*state.holds, (Micros(moment >> 1), stage.key, until)][-HOLDS_REMEMBERED:]
            self._mark_evaluated(moment)
        elif command.kind == "release" and state.held:
            self._end_hold(moment)
            state.held, state.hold_until = False, None
            self._mark_evaluated(moment)
            self.evaluate(moment, None)

    def _end_hold(self, moment: Moment) -> None:
        """Remember that a hold ends before its time."""
        if self.state.held and self.state.holds:
            since, stage, _ = self.state.holds[-1]
            self.state.holds[-1] = since, stage, Micros(moment >> 1)

    # -- moving -------------------------------------------------------------------------------------------------

    def _move_by_rule(self, stage: Stage, moment: Moment, rule: Rule, context: RuleContext) -> None:
        kind, trigger = ("system", RULES_CHANGED) if self.changed_rules else ("automatic", rule.recorded_as)
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
        grace_ends = (
            [end for end in self._grace_ends() if end >= settled] if self.facts.booked or self.facts.far else []
        )
        if (
            not state.held
            and not grace_ends
            and settled > 2 * (self.facts.last_event_at or 0) + self.rulebook.last_step
            and not (self.rhythm_dues and max(self.rhythm_dues) >= settled)
        ):
            return  # no step of inactivity, and none of the rhythm, is left
        stage_steps, moments = self._coming(settled)
        stage_steps.update(self.rhythm_dues, grace_ends)
        moments.update(self.rhythm_dues, grace_ends)
        unasked = self.facts.unasked
        asked_at = 2 * (unasked[0][0] + self.rulebook.booking_grace) + 1 if unasked else None
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
                moment == asked_at
                or probe.state.stage != state.stage
                or probe.state.held != state.held
                or scorer.risk(self.facts, moment) != state.risk
                or scorer.engagement(self.facts, moment) != state.engagement
            ):
                probe.advance(Moment((moment | 1) + 1))  # the instant may have a second moment, which leads further
                state.deadline = Micros(moment >> 1)
                state.deadline_stage = None if probe.state.stage == state.stage else probe.state.stage
                return

    def _coming(self, settled: Moment) -> tuple[set[Moment], set[Moment]]:
        """Return the moments of inactivity at which the stage may change, and those at which anything may.

        Moments before ``settled`` may be missing.
        """
        facts, rulebook = self.facts, self.rulebook
        if rulebook.retains:
            return {*self._dues(rulebook.stage_steps)}, {*self._dues(rulebook.all_steps)}
        active_at = facts.recent[-1] if facts.recent else facts.last_event_at
        if active_at is None:
            return set(), set()
        begin, offsets = 2 * active_at, rulebook.all_offsets
        moments = {begin + offset for offset in offsets[bisect_left(offsets, settled - begin) :]}
        stage_steps = moments.intersection([begin + offset for offset in rulebook.stage_offsets])
        return cast("set[Moment]", stage_steps), cast("set[Moment]", moments)

    def _probe(self, moment: Moment) -> "_Fold":
        """Return a copy of the decision at a future moment, to try what would happen then."""
        state: State = copy(self.state) if self.facts.unasked else shallow(self.state)
        state.reached = state.reached.copy()
        probe = _Fold(state, self.rulebook, moment)
        probe.position = moment
        return probe


class _BareFold(_Fold):
    """A decision of which only the moves count, not the numbers that rules compared."""

    __slots__ = ()

    def _move_by_rule(self, stage: Stage, moment: Moment, rule: Rule, context: RuleContext) -> None:
        self._move(stage, moment, "automatic", rule.recorded_as, context.event)


def _beyond(context: RuleContext, days: int) -> bool:
    return context.days_from is not None and context.moment - 2 * context.days_from > 2 * days * DAY
