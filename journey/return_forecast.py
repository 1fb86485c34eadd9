"""Forecasts of a fitted return model: whether customers come back, how often, and what they will spend.

A model (`ReturnModel`) has one of three methods, chosen for each company by how well it predicted the company's own
later visits (`return_fit.py`):

- `corrected BG/NBD`: the log-odds of BG/NBD (`bgnbd.py`) plus a linear function of the features below
- `BG/NBD`: without that correction
- `recency`: a logistic regression on the time since the last visit alone

Predictions load no numerical library.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

from journey import bgnbd
from journey.rhythm import overdue_ratio, usual_interval
from journey.visits import LATEST_AMOUNTS, Visits

Method: TypeAlias = Literal["corrected BG/NBD", "BG/NBD", "recency"]
CORRECTED: Method = "corrected BG/NBD"
BGNBD: Method = "BG/NBD"
RECENCY: Method = "recency"

HORIZON = 90  # days; the length of a forecast of return
YEAR = 365  # days; the length of a forecast of value
LEAST_PROBABILITY = 1e-4  # BG/NBD's probabilities are kept from 0 and 1 by this much, because log-odds are not finite
MOST_SCALE = 5.0  # a correction changes the expected number of appointments at most by this factor
LIKELY = 0.1, 0.9  # quantiles of the interval around a forecast of value


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression: log-odds = offset + intercept + Σ weight × (feature − mean) / spread."""

    intercept: float
    weights: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `asdict` wrote."""
        return cls(value["intercept"], tuple(value["weights"]), tuple(value["means"]), tuple(value["spreads"]))

    def log_odds(self, features: tuple[float, ...], offset: float) -> float:
        terms = zip(self.weights, features, self.means, self.spreads, strict=True)
        return offset + self.intercept + sum(w * (value - mean) / spread for w, value, mean, spread in terms)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the company's customers spend at a visit.

    Attributes:
        mean: The mean over customers of their mean amounts.
        weight: The number of a customer's own visits that weigh as much as `mean` (variance within customers ÷
            variance between them).
    """

    mean: float
    weight: float

    def expected(self, visits: Visits) -> float:
        """Return the customer's expected amount of a visit: their own mean, drawn towards the company's."""
        count = min(len(visits.amounts), LATEST_AMOUNTS)
        return (self.weight * self.mean + count * visits.mean_amount) / (self.weight + count)


@dataclass(frozen=True, slots=True)
class YearValue:
    """What a customer is expected to spend in the next 365 days, and the interval that holds it with 80 %.

    The interval reflects the uncertain number of visits, not that of their amounts.
    """

    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecasts of one customer.

    Attributes:
        return_probability: The probability of a visit in the next 90 days.
        appointments: The expected number of days with an appointment in the next 90 days: BG/NBD's, scaled by as much
            as the correction changes the rate at which the customer returns; None without BG/NBD.
        year_value: None without BG/NBD, or in models that were fitted without amounts.
    """

    return_probability: float
    appointments: float | None
    year_value: YearValue | None


@dataclass(frozen=True, slots=True)
class ReturnModel:
    """A fitted model of a company.

    Attributes:
        method: How `probability_of_return` is computed.
        company_interval: The median days between visits of all customers; None in models without a correction.
        amounts: What a visit brings; None in models that were fitted without it.
        bgnbd: The BG/NBD model with times in days; None if none could be fitted (then the method is `recency`).
        logistic: The correction of BG/NBD, or the regression on recency. None for the method `BG/NBD`.
    """

    method: Method
    company_interval: float | None = None
    amounts: Amounts | None = None
    bgnbd: bgnbd.Model | None = None
    logistic: Logistic | None = None

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        logistic, model = value["logistic"], value["bgnbd"]
        return cls(
            method=value["method"],
            company_interval=value["company_interval"],
            amounts=None if value["amounts"] is None else Amounts(**value["amounts"]),
            bgnbd=None if model is None else bgnbd.Model(**model),
            logistic=None if logistic is None else Logistic.from_json(logistic),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def probability_of_return(self, visits: Visits, today: int, horizon: int = HORIZON) -> float:
        """Return the probability of a visit in the `horizon` days after `today`, for a customer with a visit."""
        if self.method == RECENCY:
            assert self.logistic is not None
            return _logistic(self.logistic.log_odds(recency_features(visits, today, horizon), 0.0))
        assert self.bgnbd is not None
        offset = bgnbd_log_odds(self.bgnbd, visits, today, horizon)
        if self.logistic is None:
            return _logistic(offset)
        return _logistic(self.logistic.log_odds(features(visits, today, self.company_interval), offset))

    def forecast(self, visits: Visits, today: int) -> Forecast:
        """Return everything that is forecast of a customer with a visit."""
        probability = self.probability_of_return(visits, today)
        if self.bgnbd is None:
            return Forecast(probability, None, None)
        history = visits.x, visits.t_x, visits.age(today)
        scale = self._scale(probability, visits, today)
        soon, in_a_year = (scale * bgnbd.expected_appointments(self.bgnbd, *history, days) for days in (HORIZON, YEAR))
        if self.amounts is None:
            return Forecast(probability, soon, None)
        low, high = (bgnbd.appointments_quantile(self.bgnbd, *history, YEAR * scale, share) for share in LIKELY)
        amount = self.amounts.expected(visits)
        value = YearValue(in_a_year * amount, min(low, in_a_year) * amount, max(high, in_a_year) * amount)
        return Forecast(probability, soon, value)

    def _scale(self, probability: float, visits: Visits, today: int) -> float:
        """Return the rate at which the customer returns as a multiple of the rate that BG/NBD gives alone."""
        if self.method != CORRECTED or self.bgnbd is None:
            return 1.0
        alone = _logistic(bgnbd_log_odds(self.bgnbd, visits, today, HORIZON))
        scale = math.log1p(-min(probability, 1 - LEAST_PROBABILITY)) / math.log1p(-alone)
        return min(max(scale, 1 / MOST_SCALE), MOST_SCALE)


def features(visits: Visits, today: int, company_interval: float | None) -> tuple[float, ...]:
    """Return the logarithms that correct BG/NBD: recency, frequency, age, rhythm, overdue ratio, misses, amount."""
    recency = max(today - visits.days[-1], 0)
    interval = usual_interval(visits.days, company_interval) or 1.0
    return (
        math.log1p(recency),
        math.log1p(len(visits.days)),
        math.log1p(visits.age(today)),
        math.log(interval),
        math.log1p(overdue_ratio(recency, interval) or 0.0),
        math.log1p(len(visits.missed)),
        math.log1p(max(visits.mean_amount, 0.0)),
    )


def recency_features(visits: Visits, today: int, horizon: int) -> tuple[float, ...]:
    """Return the inputs of a regression on recency, for horizons of any length."""
    return math.log1p(max(today - visits.days[-1], 0)), math.log(horizon / HORIZON)


def bgnbd_log_odds(model: bgnbd.Model, visits: Visits, today: int, horizon: int) -> float:
    """Return the log-odds of a return within `horizon` days by BG/NBD alone."""
    probability = bgnbd.probability_of_return(model, visits.x, visits.t_x, visits.age(today), horizon)
    probability = min(max(probability, LEAST_PROBABILITY), 1 - LEAST_PROBABILITY)
    return math.log(probability / (1 - probability))


def _logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -700 else 0.0
