"""The risk and engagement scores, and their factors.

Over 300 lines, because a score and its explanation have to agree, and are read together.

All arithmetic is exact, with integers: a score is 0 to 100 hundredths, a weight is in ten-thousandths.
"""

from bisect import bisect_left, bisect_right
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import msgspec
from msgspec import Struct

from journey.events import AMOUNT_LIMIT
from journey.facts import Facts
from journey.score_texts import ROUNDED, count, interaction, more_than, percent, plain, trend_limit
from journey.time import DAY, Moment

WEIGHT = 10_000
LONGEST_GRACE = 24 * 90  # hours
TREND_WINDOW = 90 * DAY
#: A risk score above this is high: by default it makes a journey at risk.
HIGH_RISK = Decimal("0.7")


class Scoring(Struct, frozen=True, forbid_unknown_fields=True):
    """A company's weights and thresholds. Days are whole numbers; weights have at most four decimals."""

    risk_inactive_days: tuple[int, int] = (60, 90)
    risk_inactive_weights: tuple[Decimal, Decimal] = (Decimal("0.3"), Decimal("0.3"))
    risk_missed_rate: Decimal = Decimal("0.2")
    risk_missed_weight: Decimal = Decimal("0.2")
    risk_trend: Decimal = Decimal("-0.3")
    risk_trend_weight: Decimal = Decimal("0.2")
    risk_open_tickets: int = 2
    risk_tickets_weight: Decimal = Decimal("0.2")
    engagement_frequency_weight: Decimal = Decimal("0.3")
    engagement_recency_weight: Decimal = Decimal("0.3")
    engagement_money_weight: Decimal = Decimal("0.2")
    engagement_interaction_weight: Decimal = Decimal("0.2")
    engagement_full_frequency: int = 6
    engagement_full_value: Decimal = Decimal(1000)
    recency_days: tuple[int, int, int, int] = (30, 60, 90, 180)
    recency_scores: tuple[Decimal, Decimal, Decimal, Decimal, Decimal] = (
        Decimal(1),
        Decimal("0.75"),
        Decimal("0.5"),
        Decimal("0.25"),
        Decimal(0),
    )
    #: risk scores above this are listed and shown as high; which stage they lead to is up to the stage's rules
    high_risk: Decimal = HIGH_RISK
    #: a customer is booked until so many hours after the booked time, unless the appointment has an outcome before
    booking_grace_hours: int = 48

    def problems(self) -> list[str]:
        """Return what is invalid in these settings, each with its field."""
        found = []
        for name in self.__struct_fields__:
            value = getattr(self, name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Decimal) and not part.is_finite():
                    found.append(f"scoring.{name}: {part} is not a finite number")
                elif name.endswith(("weight", "weights", "scores", "rate")) and not 0 <= part <= 1:
                    found.append(f"scoring.{name}: {part} is not within 0 to 1")
                elif name.endswith(("weight", "weights", "scores")) and part * WEIGHT % 1:
                    found.append(f"scoring.{name}: {part} has more than four decimals")
                elif name.endswith("days") and not 0 < part <= 10_000:
                    found.append(f"scoring.{name}: {part} is not within 1 to 10000 days")
                elif name.endswith("hours") and not 0 <= part <= LONGEST_GRACE:
                    found.append(f"scoring.{name}: {part} is not within 0 to {LONGEST_GRACE} hours")
        ascending = ("risk_inactive_days", "recency_days")
        found += [f"scoring.{name}: must ascend" for name in ascending if not _ascends(getattr(self, name))]
        weights = [getattr(self, n) for n in self.__struct_fields__ if n.startswith("engagement") and "weight" in n]
        if not found and sum(weights) != 1:
            found.append(f"scoring.engagement_*_weight: the four must sum to 1, not {sum(weights)}")
        full = self.engagement_full_value
        if not found and (not Decimal("0.01") <= full <= AMOUNT_LIMIT or full * 100 % 1):
            found.append(f"scoring.engagement_full_value: must be 0.01 to {AMOUNT_LIMIT}, with at most two decimals")
        if not found and not (0 < self.high_risk < 1 and self.high_risk * 100 % 1 == 0):
            found.append("scoring.high_risk: must be between 0 and 1, with at most two decimals")
        if self.engagement_full_frequency < 1 or self.risk_open_tickets < 1:
            found.append("scoring.engagement_full_frequency, risk_open_tickets: must be at least 1")
        return found


class Factor(Struct, frozen=True):
    """A summand of a score. ``contribution`` is a decimal string; the contributions add up to the score exactly."""

    name: str
    contribution: str
    because: str


class Scorer:
    """Computes scores with one company's settings."""

    def __init__(self, scoring: Scoring) -> None:
        self.scoring = scoring
        first, second = scoring.risk_inactive_days
        w1, w2 = scoring.risk_inactive_weights
        self._inactive = ((2 * first * DAY, _weight(w1)), (2 * second * DAY, _weight(w2)))
        self._missed = _ratio(scoring.risk_missed_rate)
        self._missed_weight = _weight(scoring.risk_missed_weight)
        self._trend = _ratio(scoring.risk_trend)
        self._trend_weight = _weight(scoring.risk_trend_weight)
        self._tickets_weight = _weight(scoring.risk_tickets_weight)
        self._recency_limits = [2 * days * DAY for days in scoring.recency_days]
        self._full_value = int(scoring.engagement_full_value * 100)
        self._frequency_weight = _weight(scoring.engagement_frequency_weight)
        self._recency_weight = _weight(scoring.engagement_recency_weight)
        self._money_weight = _weight(scoring.engagement_money_weight)
        self._interaction_weight = _weight(scoring.engagement_interaction_weight)
        self._recency_scores = [_weight(score) for score in scoring.recency_scores]
        #: days of inactivity at which a score can change
        self.risk_steps = scoring.risk_inactive_days
        self.engagement_steps = scoring.recency_days

    def risk(self, facts: Facts, moment: Moment) -> int:
        """Return the risk at a moment, in hundredths (0 to 100)."""
        total = 0
        recent = facts.recent
        active_at = recent[-1] if recent else facts.last_event_at
        if active_at is not None:
            elapsed = moment - 2 * active_at
            for limit, weight in self._inactive:
                if elapsed > limit:
                    total += weight
        if facts.missed and self._missed_too_often(facts):
            total += self._missed_weight
        if recent and recent[0] <= recent[-1] - TREND_WINDOW and self._declining(facts):
            total += self._trend_weight
        if facts.tickets and facts.open_tickets >= self.scoring.risk_open_tickets:
            total += self._tickets_weight
        return _hundredths(min(total, WEIGHT)) if total else 0

    def most_risk(self) -> list[tuple[int, int]]:
        """Return the highest possible risk, in hundredths, from each (doubled µs of) inactivity on, ascending."""
        total = self._missed_weight + self._trend_weight + self._tickets_weight
        steps = [(0, total)]
        for limit, weight in self._inactive:
            total += weight
            steps.append((limit + 1, total))
        return [(after, _hundredths(min(most, WEIGHT))) for after, most in steps]

    def engagement(self, facts: Facts, moment: Moment) -> int:
        """Return the engagement at a moment, in hundredths (0 to 100), rounded half away from zero."""
        numerator, denominator = 0, 1
        for weight, part, whole in self._engagement_parts(facts, moment):
            numerator = numerator * whole + weight * part * denominator
            denominator *= whole
        return (2 * 100 * numerator + denominator * WEIGHT) // (2 * denominator * WEIGHT)

    def _engagement_parts(self, facts: Facts, moment: Moment) -> tuple[tuple[int, int, int], ...]:
        """Return (weight, part, whole) of frequency, recency, money and interaction."""
        full_frequency = self.scoring.engagement_full_frequency
        active_at = facts.active_at
        # a limit has to be exceeded: exactly 30 days still count as within 30
        passed = 0 if active_at is None else bisect_left(self._recency_limits, moment - 2 * active_at)
        if facts.ratings:
            part, whole = facts.rating_sum - facts.ratings, 4 * facts.ratings
        elif facts.calls:
            part, whole = facts.qualified_calls, facts.calls
        else:
            part, whole = 1, 2
        return (
            (self._frequency_weight, min(len(facts.recent), full_frequency), full_frequency),
            (self._recency_weight, self._recency_scores[passed], WEIGHT),
            (self._money_weight, min(max(facts.value, 0), self._full_value), self._full_value),
            (self._interaction_weight, part, whole),
        )

    def _missed_too_often(self, facts: Facts) -> bool:
        numerator, denominator = self._missed
        return facts.missed * denominator > numerator * (facts.missed + facts.completed)

    def _declining(self, facts: Facts) -> bool:
        recent, before = trend_counts(facts)
        numerator, denominator = self._trend
        return before > 0 and (recent - before) * denominator < numerator * before

    def explain_risk(self, facts: Facts, moment: Moment) -> list[Factor]:
        """Return the factors of the risk. They add up to it exactly: the cap at 1 and rounding are factors, too."""
        s, factors, total = self.scoring, [], Decimal(0)
        elapsed = moment - 2 * facts.active_at if facts.active_at is not None else 0
        days = _whole_days(elapsed)
        since = "the last completed appointment" if facts.recent else "the last event"
        parts = [
            (
                "inactivity",
                weight,
                elapsed > 2 * limit * DAY,
                f"{more_than(elapsed, limit)}{count(days, 'day')} since {since}; counts above {limit} days",
            )
            for limit, weight in zip(s.risk_inactive_days, s.risk_inactive_weights, strict=True)
        ]
        held = facts.missed + facts.completed
        parts.append(
            (
                "missed_appointments",
                s.risk_missed_weight,
                self._missed_too_often(facts),
                f"{facts.missed} of {count(held, 'appointment')} missed; counts above {percent(s.risk_missed_rate)}",
            )
        )
        recent, before = trend_counts(facts)
        parts.append(
            (
                "declining_frequency",
                s.risk_trend_weight,
                self._declining(facts),
                (
                    f"{count(recent, 'appointment')} in the last 90 days of visits, {before} in the 90 before;"
                    f" {trend_limit(s.risk_trend)}"
                ),
            )
        )
        tickets = facts.open_tickets
        parts.append(
            (
                "open_tickets",
                s.risk_tickets_weight,
                tickets >= s.risk_open_tickets,
                f"{count(tickets, 'open ticket')}; counts from {s.risk_open_tickets}",
            )
        )
        for name, weight, counts, because in parts:
            contribution = weight if counts else Decimal(0)
            total += contribution
            factors.append(Factor(name, plain(contribution), because))
        because = "a score is at most 100%" if total > 1 else ROUNDED
        return factors + _remainder(Decimal(self.risk(facts, moment)) / 100 - total, because)

    def explain_engagement(self, facts: Facts, moment: Moment) -> list[Factor]:
        """Return the factors of the engagement. They add up to it exactly, because rounding is a factor too."""
        s = self.scoring
        elapsed = moment - 2 * facts.active_at if facts.active_at is not None else 0
        just_passed = next(filter(None, (more_than(elapsed, limit) for limit in s.recency_days)), "")
        texts = (
            (
                f"{count(len(facts.recent), 'appointment')} in the 180 days up to the last one;"
                f" full at {s.engagement_full_frequency}"
            ),
            f"{just_passed}{count(_whole_days(elapsed), 'day')} inactive",
            f"lifetime value {plain(Decimal(facts.value) / 100, 2)}; full at {s.engagement_full_value}",
            interaction(facts),
        )
        names = ("frequency", "recency", "money", "interaction")
        factors, total = [], Decimal(0)
        for name, (weight, part, whole), because in zip(
            names, self._engagement_parts(facts, moment), texts, strict=True
        ):
            exact = Fraction(weight * part, WEIGHT * whole)
            shown = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.0001"), ROUND_HALF_UP)
            total += shown
            factors.append(Factor(name, plain(shown), because))
        return factors + _remainder(Decimal(self.engagement(facts, moment)) / 100 - total, ROUNDED)


def trend_counts(facts: Facts) -> tuple[int, int]:
    """Count the completed appointments in the 90 days up to and including the last one, and in the 90 days before."""
    recent = facts.recent
    if not recent:
        return 0, 0
    before = bisect_right(recent, recent[-1] - TREND_WINDOW)
    return len(recent) - before, before


def _whole_days(elapsed: int) -> int:
    """Return the whole days of a difference of moments; 0 for an event that is a few minutes ahead."""
    return max(elapsed // (2 * DAY), 0)


def _ascends(numbers: tuple[int, ...]) -> bool:
    return list(numbers) == sorted(numbers)


def _remainder(amount: Decimal, because: str) -> list[Factor]:
    return [Factor("rounding", plain(amount), because)] if amount else []


def _weight(weight: Decimal) -> int:
    return int(weight * WEIGHT)


def _ratio(number: Decimal) -> tuple[int, int]:
    return number.as_integer_ratio()


def _hundredths(weight: int) -> int:
    return (weight * 2 * 100 + WEIGHT) // (2 * WEIGHT)


def settings_from(fields: dict[str, Any]) -> Scoring:
    """Parse scoring settings; missing ones have their defaults. Raises msgspec.ValidationError."""
    return msgspec.convert(fields, Scoring)
