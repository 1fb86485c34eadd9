"""Customers who come and are lost as the BG/NBD model says, and the likelihood as its paper writes it."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

from journey.bgnbd import Model

Floats = NDArray[np.float64]
Customers = tuple[Floats, Floats, Floats]
TYPICAL = Model(r=0.6, alpha=40.0, a=0.8, b=3.0)  # alpha in days


def simulated(
    customers: int, days: int, model: Model = TYPICAL, *, seed: int, whole_days: bool = False
) -> tuple[Customers, list[Floats]]:
    """(x, t_x, age) of customers who first came at any time of the last `days`, and their visits, days after the first:
    one array for the first visits, one for the second ones and so on, nan for those who did not come so often.

    With `whole_days` several visits on a day are one, as the ledger's are counted.
    """
    chance = np.random.default_rng(seed)
    age = chance.uniform(0, days, customers)
    rate = chance.gamma(model.r, 1 / model.alpha, customers)
    loss = chance.beta(model.a, model.b, customers)
    if whole_days:
        age = np.floor(age)
    x, t_x, at = np.zeros((3, customers))
    alive, visits = np.ones(customers, bool), [at]
    while alive.any():
        at = at + chance.standard_exponential(customers) / np.maximum(rate, 1e-300)
        seen = np.floor(at) if whole_days else at
        alive &= seen <= age
        again = alive & (seen > t_x)
        x += again
        t_x = np.where(again, seen, t_x)
        visits.append(np.where(again, seen, np.nan))
        alive &= chance.random(customers) >= loss
    return (x, t_x, age), visits


def plain_log_likelihood(model: Model, x: Floats, t_x: Floats, age: Floats) -> float:
    """Equation (6) of the paper for each customer by itself, added up."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    times = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    alive = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
    again = np.maximum(x, 1)
    lost = betaln(a + 1, b + again - 1) - betaln(a, b) - (r + x) * np.log(alpha + t_x)
    return float(np.sum(times + np.logaddexp(alive, np.where(x > 0, lost, -np.inf))))
