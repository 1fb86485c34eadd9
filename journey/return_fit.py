"""Choose and fit a company's return model (`return_forecast.py`) on the visits of its customers.

Every method is fitted on the first half of the history and compared with the second half. The one that predicts best
there is fitted again on all of it.

The logistic part is trained on earlier days of the history ("cuts"): features are what was known at the cut, and the
outcome is whether the customer came within the horizon after it. Recent cuts have shorter horizons; BG/NBD's log-odds,
which are the offset, depend on the horizon, so that all cuts train one function.

Like `bgnbd_fit.py`, this module loads numpy and scipy: import it only where a fit begins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from journey import bgnbd, bgnbd_fit
from journey.return_evaluation import Evaluation, evaluate
from journey.return_forecast import (
    BGNBD,
    CORRECTED,
    HORIZON,
    RECENCY,
    Amounts,
    Logistic,
    Method,
    ReturnModel,
    bgnbd_log_odds,
    features,
    recency_features,
)
from journey.rhythm import company_medians
from journey.visits import Visits

Floats: TypeAlias = NDArray[np.float64]

FIRST_CUT, SHORTEST_HORIZON = 0.4, 0.2  # as shares of the history, and of the horizon (at most half the history)
CUTS = 4
RIDGE = 30.0  # penalty on the squared weights of standardized features, in customers
MOST_TRAINED = 50_000  # customers that a logistic regression is trained on; more are sampled
MOST_WEIGHT = 100.0  # of the company's mean amount, in visits; reached where customers hardly differ
LEAST_COMPARED = 50  # customers with a visit in the first half, below which nothing is compared


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted return model.

    Attributes:
        model: The model, fitted on the whole history.
        log_likelihood: BG/NBD's, of all customers; None where BG/NBD could not be fitted.
        no_bgnbd: Why BG/NBD could not be fitted.
        compared: How each method predicted the second half of the history from the first; empty if the history is
            too short.
    """

    model: ReturnModel
    log_likelihood: float | None
    no_bgnbd: str | None
    compared: dict[Method, Evaluation]


def fit_return_model(history: Sequence[Visits], today: int) -> FittedModel:
    """Choose and fit a model on what was known at the end of `today`; later visits are ignored.

    Raises:
        NoModel: No customer came back, or a method that the history needs did not converge.
    """
    known = _known(history, today)
    if not known:
        raise bgnbd.NoModel("no customer has had an appointment")
    if not any(len(visits.days) > 1 for visits in known):
        raise bgnbd.NoModel("no customer came back")
    since = min(visits.days[0] for visits in known)
    compared = _compare(known, since, today)
    found, likelihood, reason = _fit_bgnbd(known, today)
    method = _best(compared, has_bgnbd=found is not None)
    try:
        model = _fit_method(method, known, since, today, found)
    except bgnbd.NoModel:  # everybody came back, or nobody did
        if found is None:
            raise
        model = _fit_method(BGNBD, known, since, today, found)
    return FittedModel(model, likelihood, reason, compared)


def _compare(known: Sequence[Visits], since: int, today: int) -> dict[Method, Evaluation]:
    """Fit every method on the first half of the history and evaluate it on the second."""
    middle = since + (today - since) // 2
    horizon = min(HORIZON, today - middle)
    first_half = _known(known, middle)
    sample = _sample(first_half)
    came = np.array([v.comes_within(middle, horizon) for v in _sample([v for v in known if v.days[0] <= middle])])
    if len(first_half) < LEAST_COMPARED or not 0 < came.sum() < len(came):
        return {}
    found, _, _ = _fit_bgnbd(first_half, middle)
    methods: tuple[Method, ...] = (RECENCY,) if found is None else (CORRECTED, BGNBD, RECENCY)
    compared: dict[Method, Evaluation] = {}
    for method in methods:
        try:
            model = _fit_method(method, first_half, since, middle, found)
        except bgnbd.NoModel:
            continue
        forecasts = np.array([model.probability_of_return(visits, middle, horizon) for visits in sample])
        compared[method] = evaluate(forecasts, came, horizon)
    return compared


def _best(compared: dict[Method, Evaluation], has_bgnbd: bool) -> Method:
    """Return the method to use: of those with a smaller squared error than recency alone, the one that ranks best."""
    if not has_bgnbd:
        return RECENCY
    if not compared:
        return CORRECTED
    most = compared[RECENCY].brier if RECENCY in compared else math.inf
    better = [method for method, result in compared.items() if method != RECENCY and result.brier < most]
    return max(better, key=lambda method: compared[method].auc, default=RECENCY)


def _fit_method(
    method: Method, known: Sequence[Visits], since: int, today: int, found: bgnbd.Model | None
) -> ReturnModel:
    logistic = None if method == BGNBD else _fit_logistic(method, known, since, today)
    return ReturnModel(method, _median_gap(known), _fit_amounts(known), found, logistic)


def _fit_logistic(method: Method, known: Sequence[Visits], since: int, today: int) -> Logistic:
    inputs: list[tuple[float, ...]] = []
    offsets: list[float] = []
    outcomes: list[bool] = []
    weights: list[float] = []
    sample = _sample(known)
    for cut in _cuts(since, today):
        horizon = min(HORIZON, today - cut)
        model, interval = None, None
        if method == CORRECTED:
            then = _known(known, cut)
            if not any(len(visits.days) > 1 for visits in then):
                continue  # nobody had come back, so there was no rhythm yet
            model, interval = _fit_bgnbd(then, cut)[0], _median_gap(then)
            if model is None:
                continue
        for visits in sample:
            if visits.days[0] > cut:
                continue
            before = visits.until(cut)
            if model is None:
                inputs.append(recency_features(before, cut, horizon))
                offsets.append(0.0)
            else:
                inputs.append(features(before, cut, interval))
                offsets.append(bgnbd_log_odds(model, before, cut, horizon))
            outcomes.append(visits.comes_within(cut, horizon))
            weights.append(1 / CUTS)
    if not inputs or all(outcomes) or not any(outcomes):
        raise bgnbd.NoModel("the history has no earlier day with customers who came back and others who did not")
    return regress(np.array(inputs), np.array(offsets), np.array(outcomes, dtype=np.float64), np.array(weights))


def regress(inputs: Floats, offsets: Floats, outcomes: Floats, weights: Floats) -> Logistic:
    """Fit a ridge logistic regression with an unpenalized intercept and an offset by maximum likelihood."""
    means, spreads = inputs.mean(axis=0), inputs.std(axis=0)
    spreads = np.where(spreads > 1e-9, spreads, 1.0)
    design = np.column_stack([np.ones(len(inputs)), (inputs - means) / spreads])
    penalty = np.r_[0.0, np.full(inputs.shape[1], RIDGE)]

    def loss(coefficients: Floats) -> tuple[float, Floats]:
        log_odds = offsets + design @ coefficients
        total = weights @ (np.logaddexp(0, log_odds) - outcomes * log_odds) + penalty @ coefficients**2 / 2
        errors = weights * (1 / (1 + np.exp(-np.clip(log_odds, -700, 700))) - outcomes)
        return float(total), design.T @ errors + penalty * coefficients

    found = minimize(loss, np.zeros(design.shape[1]), jac=True, method="L-BFGS-B")
    intercept, *rest = map(float, found.x)
    return Logistic(intercept, tuple(rest), tuple(map(float, means)), tuple(map(float, spreads)))


def _fit_bgnbd(known: Sequence[Visits], today: int) -> tuple[bgnbd.Model | None, float | None, str | None]:
    """Return the BG/NBD model and its log-likelihood, or the reason why there is none."""
    history = [(visits.x, visits.t_x, visits.age(today)) for visits in known]
    try:
        found = bgnbd_fit.fit(*zip(*history, strict=True), allow_limits=True)
    except bgnbd.NoModel as reason:
        return None, None, str(reason)
    return found.model, found.log_likelihood, None


def _fit_amounts(known: Sequence[Visits]) -> Amounts:
    """Return the company's mean amount, and how much of a customer's own amounts is chance (one-way ANOVA)."""
    means = np.array([sum(visits.amounts) / len(visits.amounts) for visits in known])
    within = [float(np.var(visits.amounts, ddof=1)) for visits in known if len(visits.amounts) > 1]
    counts = np.array([len(visits.amounts) for visits in known])
    noise = float(np.mean(within)) if within else 0.0
    between = float(np.var(means)) - noise * float(np.mean(1 / counts))
    return Amounts(float(means.mean()), noise / between if between > noise / MOST_WEIGHT else MOST_WEIGHT)


def _cuts(since: int, today: int) -> list[int]:
    days = today - since
    first = since + days * FIRST_CUT
    last = today - max(7.0, SHORTEST_HORIZON * min(HORIZON, days / 2))
    return sorted({int(cut) for cut in np.linspace(first, last, CUTS)}) if last > first else []


def _median_gap(known: Sequence[Visits]) -> float:
    found = company_medians((visits.days, {}) for visits in known).overall
    assert found is not None  # somebody came back
    return found


def _known(history: Sequence[Visits], day: int) -> list[Visits]:
    return [visits.until(day) for visits in history if visits.days and visits.days[0] <= day]


def _sample(known: Sequence[Visits]) -> Sequence[Visits]:
    step = math.ceil(len(known) / MOST_TRAINED)
    return known[::step]
