"""BG/NBD: how often a customer will come, and whether he will come at all, from how often and how recently he came.

The model of Fader, Hardie and Lee, "'Counting Your Customers' the Easy Way: An Alternative to the Pareto/NBD Model",
Marketing Science 24 (2005) 275–284: while alive a customer comes at random with a rate of his own (over all customers
gamma distributed: `r`, `alpha`), and each time he comes he may be lost for good, with a probability of his own (beta
distributed: `a`, `b`).

A customer is three numbers: `x` repeat days (days with an appointment, less the first), `t_x` from the first to the
last of them (0 where x is 0), `age` from the first until now; in the unit of time that `alpha` has, here days. How a
model is found stands in `bgnbd_fit.py`; this file needs no library, so that whoever predicts loads none.
"""

import math
from dataclasses import dataclass

METHOD = "BG/NBD"
LEAST_CUSTOMERS, LEAST_RETURNED, LEAST_DAYS = 100, 30, 90  # fewer tell no model
PRECISION = 1e-12  # of an expectation, relative


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model. `alpha` has the unit of the times that it was fitted on; all four are positive."""

    r: float
    alpha: float
    a: float
    b: float


class NoModel(Exception):
    """A history that tells no model; the text says why, in words."""


def check_history(customers: int, returned: int, days: int) -> None:
    """Raises NoModel for too little: customers with an appointment, of them with a second day, days since the first."""
    if customers < LEAST_CUSTOMERS:
        raise NoModel(
            f"too little history: {customers} customers with an appointment, at least {LEAST_CUSTOMERS} needed"
        )
    if returned < LEAST_RETURNED:
        raise NoModel(f"too little history: {returned} customers came back, at least {LEAST_RETURNED} needed")
    if days < LEAST_DAYS:
        raise NoModel(f"too little history: {days} days since the first appointment, at least {LEAST_DAYS} needed")


def probability_alive(model: Model, x: int, t_x: float, age: float) -> float:
    """That the customer is not lost yet (Fader, Hardie and Lee 2008, "Computing P(alive)").

    1 without a repeat, for only a customer who came again can have been lost after it: no ranking, see
    `probability_of_return`.
    """
    if x == 0:
        return 1.0
    lost = math.log(model.a / (model.b + x - 1)) + (model.r + x) * math.log((model.alpha + age) / (model.alpha + t_x))
    return 1 / (1 + math.exp(min(lost, 700.0)))


def probability_of_return(model: Model, x: int, t_x: float, age: float, days: float) -> float:
    """That the customer comes at least once in the coming `days`: he is alive, and does not stay away so long."""
    away = (model.r + x) * math.log1p(-_share(model, age, days))
    return probability_alive(model, x, t_x, age) * -math.expm1(away)


def expected_appointments(model: Model, x: int, t_x: float, age: float, days: float) -> float:
    """The days with an appointment to expect in the coming `days`: equation (10) of the paper.

    Not by its hypergeometric function, whose factor 1 / (a − 1) has no value at a = 1 and few digits near it, but by
    what it sums up: n times he would come were he never lost (negative binomial), of which he comes to the j-th unless
    he was lost after one of the j − 1 before. All terms are positive, about 30 / (1 − share) of them count.
    """
    share, shape = _share(model, age, days), model.r + x
    if share <= 0:
        return 0.0
    log_share = math.log(share)
    log_chance = shape * math.log1p(-share)  # of n = 0
    comes, still = 0.0, 1.0  # times that he comes of n; chance that he is not lost after the n-th
    n, total = 0, 0.0
    while True:
        n += 1
        comes += still
        still *= (model.b + x + n - 1) / (model.a + model.b + x + n - 1)
        log_chance += math.log((shape + n - 1) / n) + log_share
        term = comes * math.exp(log_chance)
        total += term
        ratio = share * (shape + n) / n  # no later term is more than this times the one before
        if ratio < 1 and term * ratio / (1 - ratio) <= PRECISION * total:
            return probability_alive(model, x, t_x, age) * total


def _share(model: Model, age: float, days: float) -> float:
    """The coming days' share of all the time that speaks of the customer's rate."""
    return days / (model.alpha + age + days)
