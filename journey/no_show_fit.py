"""Choose and fit a company's model of no-shows (`no_shows.py`) on the outcomes of its booked appointments.

Every method is fitted on the earlier three quarters of the outcomes and compared on the latest quarter. The one with
the smallest squared error there is fitted again on all of them; if nothing beats the company's rate, that is used.

Like `return_fit.py`, this module loads numpy and scipy: import it only where a fit begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from journey.no_shows import (
    COMPANY_RATE,
    LEAD_TIME,
    OWN_RATE,
    Method,
    NoShowModel,
    features,
    too_few,
)
from journey.return_evaluation import area_under_curve, calibration_error
from journey.return_fit import regress

HELD_BACK = 0.25  # of the outcomes, the latest ones
STRENGTHS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 200.0)


class TooFew(Exception):
    """There are too few outcomes for a model; the text says how many are needed."""


class Outcome(NamedTuple):
    """What became of one booked appointment: the customer came, or missed it. Times in days."""

    customer: int
    scheduled_for: float
    booked_at: float
    missed: bool


class Known(NamedTuple):
    """What was known of a customer the day before their appointment, and whether they missed it."""

    missed_before: int
    outcomes_before: int
    lead_days: float
    missed: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """How a method predicted the outcomes that were held back."""

    auc: float
    brier: float
    calibration_error: float

    def to_json(self) -> dict[str, float]:
        """Return the figures, rounded."""
        return {name: round(getattr(self, name), 4) for name in ("auc", "brier", "calibration_error")}


@dataclass(frozen=True, slots=True)
class FittedNoShows:
    """A fitted model, and how each method predicted what was held back (empty if that had no miss, or only misses)."""

    model: NoShowModel
    compared: dict[Method, Compared]
    held_back: int


def fit_no_shows(outcomes: Sequence[Outcome]) -> FittedNoShows:
    """Choose and fit a model.

    Args:
        outcomes: All outcomes, in any order.

    Raises:
        TooFew: There are too few outcomes or misses.
    """
    if text := too_few(len(outcomes), sum(outcome.missed for outcome in outcomes)):
        raise TooFew(text)
    known = what_was_known(outcomes)
    first, last = known[: round(len(known) * (1 - HELD_BACK))], known[round(len(known) * (1 - HELD_BACK)) :]
    missed = np.array([one.missed for one in last])
    compared: dict[Method, Compared] = {}
    if 0 < missed.sum() < len(missed) and any(one.missed for one in first):
        for method in (COMPANY_RATE, OWN_RATE, LEAD_TIME):
            model = _fit(method, first)
            forecasts = np.array([model.probability(*one[:3]) for one in last])
            compared[method] = Compared(
                area_under_curve(forecasts, missed),
                float(np.mean((forecasts - missed) ** 2)),
                calibration_error(forecasts, missed),
            )
    best = min(compared, key=lambda method: compared[method].brier, default=COMPANY_RATE)
    return FittedNoShows(_fit(best, known), compared, len(last))


def what_was_known(outcomes: Sequence[Outcome]) -> list[Known]:
    """Return, in the order of the booked times, what was known the day before each appointment."""
    ordered = sorted(outcomes, key=lambda one: one.scheduled_for)
    times: defaultdict[int, list[float]] = defaultdict(list)
    misses: defaultdict[int, list[int]] = defaultdict(lambda: [0])  # before each of the times, and after the last one
    known = []
    for customer, scheduled_for, booked_at, missed in ordered:
        before = bisect_left(times[customer], scheduled_for - 1)
        known.append(Known(misses[customer][before], before, max(scheduled_for - booked_at, 0.0), missed))
        times[customer].append(scheduled_for)
        misses[customer].append(misses[customer][-1] + missed)
    return known


def _fit(method: Method, known: Sequence[Known]) -> NoShowModel:
    rate = sum(one.missed for one in known) / len(known)
    if method == COMPANY_RATE:
        return NoShowModel(method, rate)
    missed = np.array([one.missed for one in known])

    def loss(strength: float) -> float:
        model = NoShowModel(OWN_RATE, rate, strength)
        forecasts = np.array([model.probability(*one[:3]) for one in known])
        return -float(np.log(np.where(missed, forecasts, 1 - forecasts)).sum())

    own = NoShowModel(OWN_RATE, rate, min(STRENGTHS, key=loss))
    if method == OWN_RATE:
        return own
    inputs = np.array([features(own.own_rate(*one[:2]), one.lead_days) for one in known])
    weights = np.ones(len(known))
    logistic = regress(inputs, np.zeros(len(known)), missed.astype(np.float64), weights)
    return NoShowModel(LEAD_TIME, rate, own.strength, logistic)
