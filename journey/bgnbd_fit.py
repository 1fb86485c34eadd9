"""Fit a BG/NBD model (`bgnbd.py`) to a company's customers by maximum likelihood.

The only module of the project that loads numpy and scipy (about 75 MB and up to a few seconds): import it only where a
fit begins. Equation numbers refer to Fader, Hardie and Lee (2005), cited in `bgnbd.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize

from journey.bgnbd import Model, NoModel

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]

#: Limits of the search for each parameter (alpha in mean ages). A result within the margin of a limit is no maximum.
LEAST, MOST, MARGIN = 1e-3, 1e3, 1.05
#: Starting points: the likelihood usually has a single maximum, but may have a flat ridge next to it.
STARTS = ((1.0, 1.0, 1.0, 1.0), (0.25, 0.2, 0.8, 2.5), (3.0, 1.0, 0.2, 4.0))
STEEP = 1e-4  # slope of the mean log-likelihood by the log of a parameter; a steeper one means no maximum was found
SEARCH: Any = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-8, "maxcor": 20}


@dataclass(frozen=True, slots=True)
class Fit:
    """A model and the log-likelihood of the customers it was fitted on (a density in their unit of time)."""

    model: Model
    log_likelihood: float


def fit(
    x: ArrayLike, t_x: ArrayLike, age: ArrayLike, counts: ArrayLike | None = None, *, allow_limits: bool = False
) -> Fit:
    """Return the model with the maximum likelihood.

    Args:
        x: Repeat days of each customer, as in `bgnbd.py`; likewise `t_x` and `age`. All have the shape (n,).
        counts: The number of customers that each triple represents, shape (n,); by default 1. Equal triples are
            merged.
        allow_limits: Whether to accept a parameter at the limit of the search. Regular customers of a short history
            give a → 0 (nobody becomes inactive). Predictions at the limit can still be good: compare them with
            later visits.

    Raises:
        ValueError: The numbers do not describe customers.
        NoModel: The likelihood has no maximum (unless limits are allowed), or none was found.
    """
    history = _History.of(x, t_x, age, counts)
    limits = [(np.log(LEAST), np.log(MOST))] * 4
    found = [
        minimize(history.loss, np.log(start), jac=True, method="L-BFGS-B", bounds=limits, options=SEARCH)
        for start in STARTS
    ]
    best = min(found, key=lambda result: float(result.fun))
    _check(best.x, best.jac, str(best.message), allow_limits)
    r, alpha, a, b = map(float, np.exp(best.x))
    return Fit(Model(r, alpha * history.unit, a, b), history.log_likelihood(best.x))


def _check(logs: Floats, slopes: Floats, message: str, allow_limits: bool) -> None:
    """Raise NoModel if the search ended on a slope, or at a limit where that is not allowed."""
    for name, value, slope in zip(("r", "alpha", "a", "b"), np.exp(logs), slopes, strict=True):
        if not LEAST * MARGIN < value < MOST / MARGIN:
            if allow_limits:
                continue
            direction = "decreases" if value < 1 else "increases"
            behaviour = "become inactive" if name in ("a", "b") else "return"
            raise NoModel(
                f"the likelihood has no maximum (it keeps improving as {name} {direction}):"
                f" the history does not show how customers {behaviour}; a longer one may"
            )
        if not abs(slope) < STEEP:
            raise NoModel(f"the fit did not converge: {message.strip().lower()}")


def log_likelihood(
    model: Model, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, counts: ArrayLike | None = None
) -> float:
    """Return the log-likelihood of these customers under the model: the sum of equation (6)."""
    history = _History.of(x, t_x, age, counts)
    return history.log_likelihood(np.log([model.r, model.alpha / history.unit, model.a, model.b]))


@dataclass(frozen=True, slots=True)
class _History:
    """The distinct customers of a history.

    Attributes:
        x: Repeat days, shape (n,).
        last: `t_x` in units of `unit`, shape (n,); `age` likewise.
        of_each: The number of customers like each, shape (n,).
        by_x: The number of customers by x, shape (max x + 1,).
        unit: The mean age, in the unit of the input.
    """

    x: Counts
    last: Floats
    age: Floats
    of_each: Floats
    by_x: Floats
    unit: float

    @classmethod
    def of(cls, x: ArrayLike, t_x: ArrayLike, age: ArrayLike, counts: ArrayLike | None) -> "_History":
        triples = np.column_stack([np.asarray(column, dtype=np.float64) for column in (x, t_x, age)])
        each = np.ones(len(triples)) if counts is None else np.asarray(counts, dtype=np.float64)
        if not _are_customers(triples, each):
            raise ValueError("customers need whole x >= 0, 0 <= t_x <= age (t_x is 0 exactly where x is), counts > 0")
        triples, place = np.unique(triples, axis=0, return_inverse=True)
        each = np.bincount(place.ravel(), weights=each).astype(np.float64)
        repeats = triples[:, 0].astype(np.int64)
        unit = float(np.average(triples[:, 2], weights=each)) or 1.0
        by_x = np.bincount(repeats, weights=each).astype(np.float64)
        return cls(repeats, triples[:, 1] / unit, triples[:, 2] / unit, each, by_x, unit)

    def loss(self, logs: Floats) -> tuple[float, Floats]:
        """Return the mean negative log-likelihood, equation (6), at the logs of (r, alpha, a, b), and its gradient.

        Gamma functions appear only as ratios over whole steps, Γ(r + k) / Γ(r) = r (r + 1) … (r + k − 1). They are
        computed as sums of logarithms up to the largest x, because differences of large log-gammas lose precision.
        """
        r, alpha, a, b = parameters = np.exp(logs)
        steps = np.arange(len(self.by_x) - 1)
        total = self.by_x @ (_sums(np.log(r + steps)) + _sums(np.log((b + steps) / (a + b + steps))))
        total += self.by_x.sum() * r * np.log(alpha)
        slopes = np.array(
            [
                self.by_x @ _sums(1 / (r + steps)) + self.by_x.sum() * np.log(alpha),
                self.by_x.sum() * r / alpha,
                self.by_x @ -_sums(1 / (a + b + steps)),
                self.by_x @ (_sums(1 / (b + steps)) - _sums(1 / (a + b + steps))),
            ]
        )
        # Active at the end, or (after a repeat) inactive since the last visit: a sum of two terms, kept as logarithms.
        shape, until_end, until_last = r + self.x, alpha + self.age, alpha + self.last
        log_end, log_last = np.log(until_end), np.log(until_last)
        again = self.x > 0
        rest = np.where(again, b + self.x - 1, 1.0)
        alive = -shape * log_end
        lost = np.where(again, np.log(a / rest) - shape * log_last, -np.inf)
        both = np.logaddexp(alive, lost)
        total += self.of_each @ both
        gone = self.of_each * np.exp(lost - both)
        here = self.of_each - gone
        slopes += [
            -(here @ log_end) - gone @ log_last,
            -((here * shape) @ (1 / until_end)) - (gone * shape) @ (1 / until_last),
            gone.sum() / a,
            -(gone @ (1 / rest)),
        ]
        customers = self.by_x.sum()
        return -float(total / customers), -slopes * parameters / customers

    def log_likelihood(self, logs: Sequence[float] | Floats) -> float:
        """Return the log-likelihood in the unit of the input: a density of as many times as there are repeats."""
        repeats = float(self.by_x @ np.arange(len(self.by_x)))
        return -self.loss(np.asarray(logs))[0] * float(self.by_x.sum()) - repeats * float(np.log(self.unit))


def _are_customers(triples: Floats, each: Floats) -> bool:
    x, t_x, age = triples.T
    return bool(
        len(triples)
        and len(each) == len(triples)
        and np.isfinite(triples).all()
        and ((x >= 0) & (x == np.floor(x)) & (t_x >= 0) & (t_x <= age) & ((x == 0) == (t_x == 0))).all()
        and (each > 0).all()
    )


def _sums(terms: Floats) -> Floats:
    """Return the partial sums [0, t₀, t₀ + t₁, …]."""
    return np.concatenate(([0.0], np.cumsum(terms)))
