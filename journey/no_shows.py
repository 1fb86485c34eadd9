"""How likely a booked customer is to miss their appointment.

A model (`NoShowModel`) has one of three methods, chosen for each company by how well it predicted the company's own
latest outcomes (`no_show_fit.py`). Predictions load no numerical library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from journey.return_forecast import Logistic

Method = Literal["company rate", "own rate", "own rate and lead time"]
COMPANY_RATE: Method = "company rate"
OWN_RATE: Method = "own rate"
LEAD_TIME: Method = "own rate and lead time"

LEAST_OUTCOMES, LEAST_MISSES = 200, 20  # of a company, below which nothing is fitted
STRENGTH = 10.0  # appointments that the company's rate counts for in a customer's own rate, where nothing is fitted
LIMITS = 0.005, 0.95  # of a probability: nobody is certain to come, or to stay away


@dataclass(frozen=True, slots=True)
class NoShowModel:
    """A model of no-shows.

    Attributes:
        rate: The share of the company's booked appointments that were missed.
        strength: How many appointments that rate counts for in a customer's own rate.
        logistic: Of the method `LEAD_TIME`: on the `features`.
    """

    method: Method
    rate: float
    strength: float = STRENGTH
    logistic: Logistic | None = None

    def own_rate(self, missed: int, outcomes: int) -> float:
        """Return the share of a customer's appointments that they miss, shrunk to the company's rate."""
        return (missed + self.strength * self.rate) / (outcomes + self.strength)

    def probability(self, missed: int, outcomes: int, lead_days: float) -> float:
        """Return the probability that a customer misses an appointment.

        Args:
            missed: How many of their earlier booked appointments they missed.
            outcomes: How many of those they came to or missed.
            lead_days: How long before its time the appointment was booked.
        """
        if self.method == COMPANY_RATE:
            value = self.rate
        elif self.logistic is None:
            value = self.own_rate(missed, outcomes)
        else:
            value = _logistic(self.logistic.log_odds(features(self.own_rate(missed, outcomes), lead_days), 0.0))
        return min(max(value, LIMITS[0]), LIMITS[1])

    def to_json(self) -> dict[str, Any]:
        """Return the model for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        logistic = value["logistic"]
        return cls(value["method"], value["rate"], value["strength"], logistic and Logistic.from_json(logistic))


def too_few(outcomes: int, misses: int) -> str | None:
    """Return why a company has too few outcomes for a model; None if it has enough."""
    if outcomes >= LEAST_OUTCOMES and misses >= LEAST_MISSES:
        return None
    return (
        f"{outcomes} booked appointments with an outcome, {misses} of them missed; a model needs {LEAST_OUTCOMES} with"
        f" {LEAST_MISSES} misses"
    )


def features(own_rate: float, lead_days: float) -> tuple[float, float]:
    """Return what the logistic regression of the method `LEAD_TIME` sees."""
    rate = min(max(own_rate, LIMITS[0]), LIMITS[1])
    return math.log(rate / (1 - rate)), math.log1p(max(lead_days, 0.0))


def by_rates(misses: int, outcomes: int) -> NoShowModel | None:
    """Return the model of a company with too few outcomes to fit one; None if there are none at all."""
    return NoShowModel(OWN_RATE, misses / outcomes) if outcomes else None


def reason(missed: int, outcomes: int, lead_days: float) -> str:
    """Return in words what the probability was computed from: "missed 2 of 9, booked 3 weeks ahead"."""
    history = "no earlier booked appointments" if outcomes == 0 else f"missed {missed} of {outcomes}"
    return f"{history}, booked {_lead(lead_days)}"


def _lead(days: float) -> str:
    whole = int(days)
    if days < 1:
        return "within a day"
    number, unit = (whole, "day") if whole < 14 else (whole // 7, "week") if whole < 63 else (whole // 30, "month")
    return f"{number} {unit}{'' if number == 1 else 's'} ahead"


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-min(max(log_odds, -700.0), 700.0)))
