"""Predictions of the BG/NBD model: whether customers will return, and how often.

Source: Fader, Hardie and Lee, "'Counting Your Customers' the Easy Way: An Alternative to the Pareto/NBD Model",
Marketing Science 24 (2005) 275–284. While active, a customer comes at random, at an individual rate (gamma distributed
over all customers, with parameters `r` and `alpha`). After each visit the customer may become inactive permanently,
with an individual probability (beta distributed, with parameters `a` and `b`).

A customer is described by three numbers, with times in days (the unit of `alpha`):

- `x`: repeat days, which are days with an appointment after the first such day
- `t_x`: time from the first to the last day with an appointment; 0 if `x` is 0
- `age`: time from the first day with an appointment until now

Models are fitted in `bgnbd_fit.py`. This module needs no numerical library, so predictions do not load one.
"""

import math
from dataclasses import dataclass

METHOD = "BG/NBD"
LEAST_CUSTOMERS, LEAST_RETURNED, LEAST_DAYS = 100, 30, 90  # below these no model is fitted
PRECISION = 1e-12  # relative, of an expectation


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model. All parameters are positive; `alpha` has the unit of the times the model was fitted on."""

    r: float
    alpha: float
    a: float
    b: float


class NoModel(Exception):
    """No model can be fitted to the history; the message says why."""


def check_history(customers: int, returned: int, days: int) -> None:
    """Check that there is enough history to fit a model.

    Args:
        customers: Customers with an appointment.
        returned: Those of them with appointments on at least two days.
        days: Days since the company's first appointment.

    Raises:
        NoModel: There is not.
    """
    if customers < LEAST_CUSTOMERS:
        raise NoModel(
            f"too little history: {customers} customers with an appointment, at least {LEAST_CUSTOMERS} needed"
        )
    if returned < LEAST_RETURNED:
        raise NoModel(f"too little history: {returned} customers came back, at least {LEAST_RETURNED} needed")
    if days < LEAST_DAYS:
        raise NoModel(f"too little history: {days} days since the first appointment, at least {LEAST_DAYS} needed")


def probability_alive(model: Model, x: int, t_x: float, age: float) -> float:
    """Return the probability that the customer is still active.

    Source: Fader, Hardie and Lee, "Computing P(alive) Using the BG/NBD Model" (2008). The result is 1 for customers
    without a repeat, because in this model only a repeat can be followed by inactivity. It therefore does not rank
    customers; `probability_of_return` does.
    """
    if x == 0:
        return 1.0
    lost = math.log(model.a / (model.b + x - 1)) + (model.r + x) * math.log((model.alpha + age) / (model.alpha + t_x))
    return 1 / (1 + math.exp(min(lost, 700.0)))


def probability_of_return(model: Model, x: int, t_x: float, age: float, days: float) -> float:
    """Return the probability of at least one appointment in the next `days`.

    It is P(alive) × (1 − probability that an active customer makes no visit in that time).
    """
    away = (model.r + x) * math.log1p(-_share(model, age, days))
    return probability_alive(model, x, t_x, age) * -math.expm1(away)


def expected_appointments(model: Model, x: int, t_x: float, age: float, days: float) -> float:
    """Return the expected number of days with an appointment in the next `days`: equation (10) of the paper.

    The paper's closed form uses a hypergeometric function with a factor 1 / (a − 1), which is undefined at a = 1 and
    imprecise near it. Instead, this evaluates the sum behind it: n visits if the customer never became inactive
    (negative binomial), of which the j-th happens unless one of the j − 1 before was the last. All terms are positive;
    about 30 / (1 − share) of them matter.
    """
    share, shape = _share(model, age, days), model.r + x
    if share <= 0:
        return 0.0
    log_share = math.log(share)
    log_chance = shape * math.log1p(-share)  # of n = 0
    expected, still_active = 0.0, 1.0  # visits expected of n; probability of being active after the n-th
    n, total = 0, 0.0
    while True:
        n += 1
        expected += still_active
        still_active *= (model.b + x + n - 1) / (model.a + model.b + x + n - 1)
        log_chance += math.log((shape + n - 1) / n) + log_share
        term = expected * math.exp(log_chance)
        total += term
        ratio = share * (shape + n) / n  # bounds the ratio of each later term to the one before it
        if ratio < 1 and term * ratio / (1 - ratio) <= PRECISION * total:
            return probability_alive(model, x, t_x, age) * total


def appointments_quantile(model: Model, x: int, t_x: float, age: float, days: float, share: float) -> int:
    """Return the least number that the days with an appointment in the next `days` do not exceed with chance `share`.

    The n-th visit happens if the customer's process has at least n arrivals (negative binomial) and none of the n − 1
    before was the last.
    """
    alive, part, shape = probability_alive(model, x, t_x, age), _share(model, age, days), model.r + x
    if part <= 0:
        return 0
    log_chance = shape * math.log1p(-part)  # of no arrival
    more = -math.expm1(log_chance)  # chance of more than n arrivals
    n, still_active = 0, 1.0
    while alive * still_active * more > 1 - share:
        n += 1
        log_chance += math.log((shape + n - 1) / n) + math.log(part)
        more -= math.exp(log_chance)
        still_active *= (model.b + x + n - 1) / (model.a + model.b + x + n - 1)
    return n


def _share(model: Model, age: float, days: float) -> float:
    """Return the share of the next days in all time that informs the customer's rate."""
    return days / (model.alpha + age + days)
