"""The condition language: rules that move a journey into a stage.

A rule is ``{"trigger": T, "conditions": {fact: "OP number", …}}``. A new trigger or fact is a row in the tables below.

Over 300 lines, because the value of a fact and the moments at which time alone changes it have to agree.
"""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct

from journey.appointments import ADDS_VISIT, NO_EFFECT, OPENS
from journey.events import AppointmentRequested, AppointmentRescheduled, CallReceived, Event
from journey.facts import Facts
from journey.scoring import Scorer
from journey.time import DAY, Micros, Moment

Number = int | float | Fraction

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
_REQUESTS = (AppointmentRequested, AppointmentRescheduled)
DIGITS = 4, 8, 12  # of numbers that are shown after the point; half a microsecond is 0.000000000006 days
NEVER = 1 << 62  # doubled µs; 73,000 years
_COMPARISON = re.compile(r"\s*(>=|<=|==|>|<)\s*(-?[0-9]{1,12}(?:\.[0-9]{1,6})?)\s*")


class InvalidRule(ValueError):
    """An invalid rule or stage. ``place`` is its path, like ``stages[2].auto_transition_rules[0]``."""

    def __init__(self, place: str, problem: str) -> None:
        self.place, self.problem = place, problem
        super().__init__(f"{place}: {problem}")


class RuleContext(Struct, gc=False):
    """The journey and moment that rules are evaluated on.

    Attributes:
        event: The event under evaluation; None at a deadline.
        days_from: The instant that ``days`` counts from.
        effect: What the event did to its appointment: ``OPENS``, ``ADDS_VISIT`` or ``NO_EFFECT``.
        interval: The usual interval between the customer's visits in µs; None if they have no rhythm.
        days_beyond: Replaces the thresholds of ``days`` if the stage has retention days.
        known_risk: The risk, once it has been computed.
    """

    facts: Facts
    moment: Moment
    event: Event | None
    scorer: Scorer
    days_from: Micros | None
    effect: int = NO_EFFECT
    interval: Micros | None = None
    days_beyond: int | None = None
    known_risk: int | None = None

    @property
    def risk(self) -> int:
        if self.known_risk is None:
            self.known_risk = self.scorer.risk(self.facts, self.moment)
        return self.known_risk


def _call_duration(context: RuleContext) -> Number | None:
    if isinstance(context.event, CallReceived):
        return context.event.duration_seconds
    if isinstance(context.event, AppointmentRequested):
        return context.event.call_duration_seconds
    return None


def _missed_rate(context: RuleContext) -> Number:
    held = context.facts.missed + context.facts.completed
    return Fraction(context.facts.missed, held) if held else 0


def _days(context: RuleContext) -> Number | None:
    return None if context.days_from is None else context.moment - 2 * context.days_from


def _since_visit(context: RuleContext) -> int:
    """Return the doubled µs since the last visit of a customer with a rhythm; 0 if it is a few minutes ahead."""
    return max(0, context.moment - 2 * context.facts.recent[-1])


def _overdue(context: RuleContext) -> Number | None:
    return None if context.interval is None else max(0, _since_visit(context) - 2 * context.interval)


def _overdue_ratio(context: RuleContext) -> Number | None:
    return None if context.interval is None else Fraction(_since_visit(context), 2 * context.interval)


class Fact:
    """A number that conditions compare.

    Attributes:
        read: Returns it in its internal unit, or None if it is unknown.
        scale: The number of internal units in the unit of rules.
        steps: Returns the days of inactivity at which it may change without an event.
        always_known: ``read`` never returns None.
        needs_rhythm: It depends on the usual interval.
    """

    def __init__(
        self,
        read: Callable[[RuleContext], Number | None],
        scale: int = 1,
        steps: Callable[[Scorer], Iterable[int]] = lambda scorer: (),
        always_known: bool = True,
        needs_rhythm: bool = False,
    ) -> None:
        self.read, self.scale, self.steps, self.always_known = read, scale, steps, always_known
        self.needs_rhythm = needs_rhythm


FACTS: dict[str, Fact] = {
    "call_duration": Fact(_call_duration, always_known=False),
    "count": Fact(operator.attrgetter("facts.completed")),
    "value": Fact(operator.attrgetter("facts.value"), scale=100),
    "days": Fact(_days, scale=2 * DAY, always_known=False),
    "risk": Fact(operator.attrgetter("risk"), scale=100, steps=lambda scorer: scorer.risk_steps),
    "engagement": Fact(
        lambda context: context.scorer.engagement(context.facts, context.moment),
        scale=100,
        steps=lambda scorer: scorer.engagement_steps,
    ),
    "missed_rate": Fact(_missed_rate),
    "open_tickets": Fact(lambda context: context.facts.open_tickets),
    "overdue_days": Fact(_overdue, scale=2 * DAY, always_known=False, needs_rhythm=True),
    "overdue_ratio": Fact(_overdue_ratio, always_known=False, needs_rhythm=True),
    "has_rhythm": Fact(lambda context: int(context.interval is not None), needs_rhythm=True),
}


class Trigger:
    """The occasion of a rule.

    Attributes:
        recorded_as: The ``trigger_event`` of its transitions.
        event: The rule holds only in the evaluation of an event of this type.
        effect: The rule holds only in the evaluation of an event with this effect on its appointment.
    """

    def __init__(self, recorded_as: str, event: type[Event] | None = None, effect: int = NO_EFFECT) -> None:
        self.recorded_as, self.event, self.effect = recorded_as, event, effect

    @property
    def needs_event(self) -> bool:
        return self.event is not None or self.effect != NO_EFFECT


TRIGGERS: dict[str, Trigger] = {
    "call_received": Trigger("qualified_call_received", CallReceived),
    "appointment_requested": Trigger("appointment_requested", effect=OPENS),
    "appointment_completed": Trigger("appointment_completed", effect=ADDS_VISIT),
    "appointment_count": Trigger("appointment_count"),
    "lifetime_value": Trigger("lifetime_value"),
    "days_since_last_appointment": Trigger("days_since_last_appointment"),
    "risk_score": Trigger("high_risk_score"),
    "overdue_days": Trigger("overdue_days"),
    "overdue_ratio": Trigger("overdue_ratio"),
}


class Condition:
    """``fact OP number``, compared exactly."""

    def __init__(self, name: str, comparison: object, place: str) -> None:
        if name not in FACTS:
            raise InvalidRule(place, f"unknown fact {name!r}; allowed: {', '.join(FACTS)}")
        match = _COMPARISON.fullmatch(comparison) if isinstance(comparison, str) else None
        if not match:
            raise InvalidRule(f"{place}.{name}", f'{comparison!r} is not "OP number" with OP one of > >= < <= ==')
        self.name, self.sign, self.number = name, match[1], Decimal(match[2])
        self.fact, self._compare = FACTS[name], OPERATORS[match[1]]
        exact = Fraction(self.number) * self.fact.scale
        self.threshold: Number = exact.numerator if exact.denominator == 1 else exact
        self._must_be, self._limit = f"{self.sign} {self.number}", float(self.number)
        self._is_count = self.fact.scale <= 100  # or hundredths: short as it is
        #: whether the condition holds in a context
        self.holds = self._compiled()

    def _compiled(self) -> Callable[[RuleContext], bool]:
        """Compile the comparison to one function, because rules are evaluated several times per event."""
        read, compare, threshold, scale = self.fact.read, self._compare, self.threshold, self.fact.scale
        if self.fact.always_known:
            if self.sign == ">":
                return lambda context: read(context) > threshold  # type: ignore[operator]
            if self.sign == ">=":
                return lambda context: read(context) >= threshold  # type: ignore[operator]
            return lambda context: compare(read(context), threshold)

        def of_call(context: RuleContext) -> bool:
            number = read(context)
            # if the call duration is unknown, an appointment request satisfies the condition
            return isinstance(context.event, _REQUESTS) if number is None else compare(number, threshold)

        def of_days(context: RuleContext) -> bool:
            if context.days_from is None:
                return False
            beyond = threshold if context.days_beyond is None else context.days_beyond * scale
            return compare(context.moment - 2 * context.days_from, beyond)

        def of_days_either_way(context: RuleContext) -> bool:
            return context.days_from is not None and compare(context.moment - 2 * context.days_from, threshold)

        def of_rhythm(context: RuleContext) -> bool:
            number = read(context)
            return number is not None and compare(number, threshold)

        if self.fact.needs_rhythm:
            return of_rhythm
        if self.name == "days":
            return of_days if self.sign in (">", ">=") else of_days_either_way
        return of_call

    def moments(self, scorer: Scorer) -> list[tuple[str, int]]:
        """Return when time alone may change whether it holds, as (what it counts from, doubled µs after that)."""
        if self.name == "days":
            return [("days", offset) for offset in self._flips(int(self.threshold))]
        return [("inactive", 2 * days * DAY + 1) for days in self.fact.steps(scorer)]

    def rhythm_moments(self, interval: Micros) -> list[int]:
        """Return when time alone may change whether it holds, in doubled µs after the last visit.

        Args:
            interval: The usual interval between visits in µs.
        """
        if self.name == "overdue_days" and self.threshold >= 0:
            return self._flips(2 * interval + int(self.threshold))
        if self.name == "overdue_ratio" and self.threshold >= 0:
            return self._flips(self.threshold * 2 * interval)
        return []

    def _flips(self, elapsed: Number) -> list[int]:
        """Return the first whole doubled µs at which a comparison with an elapsed time has another result."""
        exactly, after = math.ceil(elapsed), math.floor(elapsed) + 1
        return {">": [after], "<=": [after], ">=": [exactly], "<": [exactly], "==": [exactly, after]}[self.sign]

    def not_before(self, scorer: Scorer) -> int:
        """Return the doubled µs of inactivity before which it cannot hold, whatever the facts; 0 if unknown."""
        if self.sign in (">", ">=", "=="):
            if self.name in ("days", "overdue_days"):
                return max(0, int(self.threshold) + (self.sign == ">"))
            if self.name == "risk":
                reachable = (after for after, most in scorer.most_risk() if most >= self.threshold)
                return next(reachable, NEVER)
        return 0

    def verdict(self, context: RuleContext) -> dict[str, Any]:
        """Return the comparison with its numbers, for people."""
        number = self.fact.read(context)
        shown, must_be = None, self._must_be
        if self._is_count and type(number) is int:
            shown = number / self.fact.scale
        elif context.days_beyond is not None and self.name == "days" and self.sign in (">", ">="):
            must_be = f"{self.sign} {context.days_beyond}"
            if number is not None:
                shown = self._rounded(number, context.days_beyond * self.fact.scale, context.days_beyond)
        elif number is not None:
            shown = self._rounded(number, self.threshold, self._limit)
        return {"fact": self.name, "is": shown, "must_be": must_be, "holds": self.holds(context)}

    def _rounded(self, number: Number, threshold: Number, limit: float) -> float:
        """Round a number, but not so far that it would compare with the limit in another way.

        At the instant after day 90, 90.000000000006 days have passed: 90.0 would not be more than 90. Floats are exact
        enough for what is shown: of two decimal numbers, the nearest floats compare in the same way.

        Args:
            number: In the fact's internal unit.
            threshold: The limit in the same unit.
            limit: The limit in the unit of rules.
        """
        scale = self.fact.scale
        compare, exact = self._compare, float(number / scale)
        if scale > 100 and -1 <= number - threshold <= 1:  # half a microsecond
            return round(exact, DIGITS[-1])
        holds = compare(number, threshold)
        for digits in DIGITS:
            rounded = round(exact, digits)
            if compare(rounded, limit) == holds:
                return rounded
        return exact


class Rule:
    """One trigger and its conditions, all of which must hold."""

    def __init__(self, trigger: str, conditions: list[Condition]) -> None:
        self.trigger, self.conditions = trigger, conditions
        occasion = TRIGGERS[trigger]
        self.recorded_as, self._event, self._effect = occasion.recorded_as, occasion.event, occasion.effect

        #: whether the trigger and all conditions hold in a context
        self.holds: Callable[[RuleContext], bool] = self._holds
        if not occasion.needs_event and len(conditions) == 1:
            self.holds = conditions[0].holds  # the most common and most frequently evaluated kind of rule

    def _holds(self, context: RuleContext) -> bool:
        if self._effect:
            if context.effect != self._effect:
                return False
        elif self._event is not None and not isinstance(context.event, self._event):
            return False
        for condition in self.conditions:  # noqa: SIM110 - all() over a generator takes three times as long
            if not condition.holds(context):
                return False
        return True

    def not_before(self, scorer: Scorer) -> int:
        """Return the doubled µs of inactivity before which the rule cannot hold."""
        return max((condition.not_before(scorer) for condition in self.conditions), default=0)

    def verdict(self, context: RuleContext) -> dict[str, Any]:
        """Return whether the rule holds, with the numbers it compares."""
        comparisons = [condition.verdict(context) for condition in self.conditions]
        return {"trigger": self.trigger, "holds": self.holds(context), "conditions": comparisons}

    def as_json(self) -> dict[str, Any]:
        return {"trigger": self.trigger, "conditions": {c.name: f"{c.sign}{c.number}" for c in self.conditions}}


def parse_rules(rules: object, place: str) -> list[Rule]:
    """Parse a stage's ``auto_transition_rules``: null, one rule or a list of rules. Raises InvalidRule."""
    if rules is None:
        return []
    if isinstance(rules, list):
        return [_parse_rule(rule, f"{place}[{index}]") for index, rule in enumerate(rules)]
    return [_parse_rule(rules, place)]


def _parse_rule(rule: object, place: str) -> Rule:
    if not isinstance(rule, Mapping):
        raise InvalidRule(place, f'{rule!r} is not {{"trigger": …, "conditions": {{…}}}}')
    if unknown := sorted(set(rule) - {"trigger", "conditions"}):
        raise InvalidRule(place, f"unknown field {unknown[0]!r}; allowed: trigger, conditions")
    trigger, conditions = rule.get("trigger"), rule.get("conditions", {})
    if not isinstance(trigger, str) or trigger not in TRIGGERS:
        raise InvalidRule(f"{place}.trigger", f"{trigger!r} is not one of {', '.join(TRIGGERS)}")
    if conditions == []:
        conditions = {}  # how PHP writes an empty object
    if not isinstance(conditions, Mapping):
        raise InvalidRule(f"{place}.conditions", f'{conditions!r} is not {{fact: "OP number"}}')
    if not conditions and not TRIGGERS[trigger].needs_event:
        raise InvalidRule(f"{place}.conditions", f"{trigger} requires a condition; without one it would always hold")
    return Rule(trigger, [Condition(name, text, f"{place}.conditions") for name, text in conditions.items()])
