"""BG/NBD: what it predicts, and what is fitted, against the paper's own formulas and against customers made by it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import hyp2f1

from journey.bgnbd import (
    Model,
    NoModel,
    check_history,
    expected_appointments,
    probability_alive,
    probability_of_return,
)
from journey.bgnbd_fit import fit, log_likelihood
from tests.support.customers import plain_log_likelihood, simulated

positive = st.floats(0.05, 20)
models = st.builds(Model, r=positive, alpha=st.floats(0.5, 300), a=positive, b=positive)
horizons = st.floats(0.01, 400)


@st.composite
def customers(draw: st.DrawFn) -> tuple[int, float, float]:
    """(x, t_x, age) in days: at most one appointment a day, as the ledger's are counted."""
    age = draw(st.integers(0, 2000))
    x = draw(st.integers(0, min(age, 200)))
    return x, float(draw(st.integers(x, age)) if x else 0), float(age)


def plain_expectation(model: Model, x: int, t_x: float, age: float, days: float) -> float:
    """Equation (10) of the paper as it stands there; it has no value at a = 1 and loses digits around it."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    z = days / (alpha + age + days)
    series = hyp2f1(r + x, b + x, a + b + x - 1, z) * (1 - z) ** (r + x)
    above = (a + b + x - 1) / (a - 1) * (1 - series)
    lost = a / (b + x - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x else 0
    return float(above / (1 + lost))


@given(models, customers(), horizons)
def test_probabilities_are_probabilities_and_an_expectation_is_no_less(
    model: Model, customer: tuple[int, float, float], days: float
) -> None:
    alive = probability_alive(model, *customer)
    comes = probability_of_return(model, *customer, days)
    expected = expected_appointments(model, *customer, days)
    x, _, age = customer
    assert 0 <= comes <= alive <= 1
    # comes at least once: no more than the times to expect, which are no more than those of who is never lost
    assert comes <= expected * (1 + 1e-9) <= alive * (model.r + x) / (model.alpha + age) * days * (1 + 1e-8)


@given(models, customers(), horizons, horizons)
def test_more_days_are_more_chances(model: Model, customer: tuple[int, float, float], days: float, more: float) -> None:
    for figure in (probability_of_return, expected_appointments):
        assert figure(model, *customer, days + more) >= figure(model, *customer, days) * (1 - 1e-9)
        assert figure(model, *customer, 0) == 0


@given(models, st.integers(1, 100), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), horizons)
def test_who_came_more_recently_comes_rather(
    model: Model, x: int, early: int, later: int, quiet: int, days: float
) -> None:
    first, second, age = float(x + early), float(x + early + later), float(x + early + later + quiet)
    for figure in (probability_of_return, expected_appointments):
        assert figure(model, x, first, age, days) <= figure(model, x, second, age, days) * (1 + 1e-9)
        assert figure(model, x, second, age + 30, days) <= figure(model, x, second, age, days) * (1 + 1e-9)


@given(models.filter(lambda m: abs(m.a - 1) > 0.05), st.integers(0, 30), st.integers(0, 300), horizons)
def test_the_expectation_is_the_papers(model: Model, x: int, quiet: int, days: float) -> None:
    t_x = 3.0 * x
    expected, plain = (f(model, x, t_x, t_x + quiet, days) for f in (expected_appointments, plain_expectation))
    assert expected == pytest.approx(plain, rel=1e-5, abs=1e-9)


def test_the_expectation_where_the_papers_formula_has_no_value() -> None:
    around = [expected_appointments(Model(0.5, 30.0, a, 2.0), 4, 100.0, 120.0, 90.0) for a in (0.999, 1.0, 1.001)]
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, rel=1e-6)


def test_alive_without_a_repeat_is_certain_and_says_nothing() -> None:
    model = Model(0.243, 30.9, 0.793, 2.426)
    assert probability_alive(model, 0, 0, 5000) == 1
    assert probability_of_return(model, 0, 0, 5000, 90) < 0.01
    assert probability_of_return(model, 3, 90, 100, 90) > 0.5 > probability_of_return(model, 3, 90, 400, 90)


@given(models, st.lists(customers(), min_size=1, max_size=30), st.integers(1, 3))
def test_the_likelihood_is_the_papers(model: Model, them: list[tuple[int, float, float]], count: int) -> None:
    x, t_x, age = np.array(them).T
    found = log_likelihood(model, x, t_x, age, np.full(len(x), count))
    assert found == pytest.approx(count * plain_log_likelihood(model, x, t_x, age), rel=1e-9, abs=1e-8)


def test_simulated_customers_give_their_parameters_back() -> None:
    truth = Model(r=0.5, alpha=30.0, a=0.9, b=3.0)
    history, _ = simulated(60_000, 500, truth, seed=7)
    found = fit(*history)
    assert found.log_likelihood > log_likelihood(truth, *history)
    for name, tolerance in [("r", 0.03), ("alpha", 0.05), ("a", 0.1), ("b", 0.12)]:
        assert getattr(found.model, name) == pytest.approx(getattr(truth, name), rel=tolerance), name


def test_a_fit_is_the_same_in_weeks_and_of_customers_put_together() -> None:
    (x, t_x, age), _ = simulated(2_000, 300, seed=3, whole_days=True)
    days = fit(x, t_x, age)
    weeks = fit(x, t_x / 7, age / 7)
    assert weeks.model.alpha * 7 == pytest.approx(days.model.alpha, rel=1e-4)
    assert (weeks.model.r, weeks.model.a) == pytest.approx((days.model.r, days.model.a), rel=1e-4)
    assert weeks.log_likelihood == pytest.approx(days.log_likelihood + x.sum() * math.log(7), rel=1e-9)
    triples, counts = np.unique(np.column_stack((x, t_x, age)), axis=0, return_counts=True)
    assert len(triples) < len(x)
    together = fit(triples[:, 0], triples[:, 1], triples[:, 2], counts)
    assert together.log_likelihood == pytest.approx(days.log_likelihood, rel=1e-12)
    assert together.model.alpha == pytest.approx(days.model.alpha, rel=1e-6)


def test_no_maximum_is_no_model() -> None:
    one = np.ones(300)
    why = r"no maximum \(.*\): the history does not show how customers"
    with pytest.raises(NoModel, match=why):  # nobody is ever lost: each came all the time, the last day too
        fit(20 * one, 200 * one, 200 * one)
    with pytest.raises(NoModel, match=why):  # nobody ever came again
        fit(0 * one, 0 * one, 200 * one)


@pytest.mark.parametrize(
    "customer",
    [(-1, 0, 5), (1.5, 2, 5), (1, 6, 5), (0, 1, 5), (2, 0, 5), (1, float("nan"), 5), (1, 2, float("inf")), (0, 0, -1)],
)
def test_what_is_no_customer_is_refused(customer: tuple[float, float, float]) -> None:
    x, t_x, age = ([1.0, value] for value in customer)
    t_x[0], age[0] = 2.0, 3.0
    with pytest.raises(ValueError, match="customers need"):
        fit(x, t_x, age)


def test_no_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="customers need"):
        fit([], [], [])


@pytest.mark.parametrize(
    ("history", "reason"),
    [
        ((0, 0, 0), "0 customers with an appointment, at least 100"),
        ((99, 99, 900), "99 customers with an appointment, at least 100"),
        ((100, 29, 900), "29 customers came back, at least 30"),
        ((100, 30, 89), "89 days since the first appointment, at least 90"),
    ],
)
def test_too_little_history_is_said(history: tuple[int, int, int], reason: str) -> None:
    with pytest.raises(NoModel, match=reason):
        check_history(*history)


def test_enough_history() -> None:
    check_history(100, 30, 90)
