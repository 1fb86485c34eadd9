"""Return models: fitted on the past, chosen by a split in time, and held against later visits of real companies."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.events.event_log_file import read_log
from journey import return_fit
from journey.bgnbd import Model, NoModel, appointments_quantile, expected_appointments
from journey.events import AppointmentCompleted, Event
from journey.return_evaluation import area_under_curve, calibration_error, evaluate
from journey.return_fit import FittedModel, fit_return_model
from journey.return_forecast import BGNBD, CORRECTED, RECENCY, Amounts, Logistic, ReturnModel
from journey.visits import Visits
from tests.support.customers import TYPICAL, simulated

FOLDER = Path(os.environ.get("PERDURE_DATA") or "nowhere") / "events"
#: log: the horizon (days), and the area under the curve that is required
REQUIRED = {"hair_salon": (69, 0.65), "online_retail": (90, 0.75), "cdnow_sample": (90, 0.79)}
CALIBRATED = {"online_retail", "cdnow_sample"}  # the salon's two months do not show how many return in the next two
TODAY = 1000


def company(customers: int, days: int, seed: int = 5) -> list[Visits]:
    """Customers who come and go as BG/NBD says, with 20.00 a visit."""
    (_, _, age), visits = simulated(customers, days, seed=seed, whole_days=True)
    history = []
    for customer, first in enumerate(age):
        days_after = {int(column[customer]) for column in visits if not np.isnan(column[customer])}
        own = sorted(TODAY - int(first) + day for day in days_after)
        history.append(Visits(own, [20.0] * len(own)))
    return history


@pytest.fixture(scope="module")
def fitted() -> FittedModel:
    return fit_return_model(company(3000, 400), TODAY)


def test_customers_of_bgnbd_are_forecast_by_it(fitted: FittedModel) -> None:
    assert fitted.model.method in (CORRECTED, BGNBD)
    assert fitted.model.bgnbd is not None
    assert fitted.model.bgnbd.r == pytest.approx(TYPICAL.r, rel=0.25)
    best = fitted.compared[fitted.model.method]
    assert best.auc > fitted.compared[RECENCY].auc
    assert best.calibration_error < 0.05


def test_a_model_survives_json(fitted: FittedModel) -> None:
    assert ReturnModel.from_json(json.loads(json.dumps(fitted.model.to_json()))) == fitted.model


def test_what_comes_later_trains_nothing(fitted: FittedModel) -> None:
    later = [Visits([*v.days, TODAY + 1], [*v.amounts, 1e6], [TODAY + 1]) for v in company(3000, 400)]
    strangers = [Visits([TODAY + 5], [5.0])] * 500
    assert fit_return_model([*later, *strangers], TODAY).model == fitted.model


def test_regular_customers_who_are_never_lost_have_a_model() -> None:
    regular = [Visits(list(range(870 + start, TODAY + 1, 20 + start % 20)), [30.0] * 99) for start in range(120)]
    found = fit_return_model([replace(v, amounts=v.amounts[: len(v.days)]) for v in regular], TODAY)
    assert found.model.bgnbd is not None
    assert found.model.bgnbd.a < 0.01  # BG/NBD at its limit: nobody becomes inactive


def test_nobody_who_came_back_is_no_model() -> None:
    with pytest.raises(NoModel, match="no customer came back"):
        fit_return_model([Visits([day], [10.0]) for day in range(800, 1000)], TODAY)
    with pytest.raises(NoModel, match="no customer has had an appointment"):
        fit_return_model([Visits([TODAY + 1], [10.0])], TODAY)


def test_recency_is_used_where_nothing_beats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    worse = evaluate(np.array([0.1, 0.9, 0.8, 0.3]), np.array([True, False, True, False]), 90)
    better = evaluate(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]), 90)
    compared = {CORRECTED: worse, BGNBD: worse, RECENCY: better}
    monkeypatch.setattr(return_fit, "_compare", lambda *_: compared)
    found = fit_return_model(company(300, 400), TODAY)
    assert found.model.method == RECENCY
    assert found.compared == compared


def test_the_method_that_ranks_best_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    came = np.array([False, False, True, True])
    plain = evaluate(np.array([0.1, 0.2, 0.8, 0.9]), came, 90)
    corrected, recency = (evaluate(np.array(each), came, 90) for each in ([0.1, 0.6, 0.5, 0.9], [0.5] * 4))
    monkeypatch.setattr(return_fit, "_compare", lambda *_: {CORRECTED: corrected, BGNBD: plain, RECENCY: recency})
    assert fit_return_model(company(300, 400), TODAY).model.method == BGNBD


def test_without_enough_history_to_compare_the_corrected_model_is_used() -> None:
    found = fit_return_model(company(90, 100), TODAY)
    assert found.compared == {}
    assert found.model.method == CORRECTED


def test_the_value_of_a_year() -> None:
    model = ReturnModel(BGNBD, 30.0, Amounts(mean=50.0, weight=1.0), Model(0.6, 40.0, 0.8, 3.0))
    visits = Visits([700, 800, 950], [90.0, 90.0, 90.0])
    value = model.forecast(visits, TODAY).year_value
    assert value is not None
    expected = expected_appointments(Model(0.6, 40.0, 0.8, 3.0), 2, 250, 300, 365)
    assert value.expected == pytest.approx(expected * (50 + 3 * 90) / 4)
    assert value.low <= value.expected <= value.high


def test_recency_alone_gives_no_value() -> None:
    model = ReturnModel(RECENCY, 30.0, Amounts(50.0, 1.0), None, Logistic(0.0, (-1.0, 1.0), (3.0, 0.0), (1.0, 1.0)))
    recent, long_ago = (model.probability_of_return(Visits([day], [1.0]), TODAY) for day in (990, 700))
    assert 0 < long_ago < recent < 1
    assert model.forecast(Visits([990], [1.0]), TODAY).year_value is None


@given(st.integers(0, 20), st.integers(0, 300), st.integers(0, 300), st.sampled_from([0.1, 0.5, 0.9]))
def test_quantiles_of_the_number_of_appointments(x: int, span: int, quiet: int, share: float) -> None:
    t_x = 0 if x == 0 else x + span
    counts = [appointments_quantile(TYPICAL, x, t_x, t_x + quiet, days, share) for days in (0, 90, 365)]
    assert counts[0] == 0
    assert counts == sorted(counts)


def test_the_quantiles_agree_with_simulated_customers() -> None:
    """A tenth of new customers' later visits lie above the ninth decile."""
    chance = np.random.default_rng(11)
    rate = chance.gamma(TYPICAL.r, 1 / TYPICAL.alpha, 20_000)
    loss = chance.beta(TYPICAL.a, TYPICAL.b, 20_000)
    arrivals = chance.poisson(rate * 365)
    before_loss = chance.geometric(np.maximum(loss, 1e-12))
    counts = np.minimum(arrivals, before_loss)
    for share in (0.5, 0.9):
        bound = appointments_quantile(TYPICAL, 0, 0, 0, 365, share)
        assert (counts <= bound).mean() >= share - 0.01
        assert bound == 0 or (counts <= bound - 1).mean() < share + 0.01


def test_the_measures() -> None:
    came = np.array([False, False, True, True])
    assert area_under_curve(np.array([0.1, 0.2, 0.3, 0.4]), came) == 1
    assert area_under_curve(np.array([0.5, 0.5, 0.5, 0.5]), came) == 0.5
    assert calibration_error(np.array([0.0, 0.0, 1.0, 1.0]), came) == 0
    assert calibration_error(np.full(4, 0.9), np.array([True, False, False, False])) >= 0.65
    assert evaluate(np.full(4, 0.5), came, 90).brier == 0.25


@pytest.mark.parametrize("log", REQUIRED)
def test_who_returns_to_a_real_company(log: str) -> None:
    path = FOLDER / f"{log}.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"PERDURE_DATA names no folder with events/{log}")
    horizon, required = REQUIRED[log]
    history, first, last = read_visits(path)
    middle = first + (last - first) // 2
    found = fit_return_model(history, middle)
    known = [visits for visits in history if visits.days[0] <= middle]
    came = np.array([visits.comes_within(middle, horizon) for visits in known])
    forecasts = [found.model.probability_of_return(v.until(middle), middle, horizon) for v in known]
    result = evaluate(np.array(forecasts), came, horizon)
    recency = np.array([float(v.until(middle).days[-1]) for v in known])
    assert result.auc >= required
    assert result.auc >= area_under_curve(recency, came)
    if log in CALIBRATED:
        assert result.calibration_error <= 0.05


def read_visits(path: Path) -> tuple[list[Visits], int, int]:
    """The visits of a log's customers, and its first and last day."""
    amounts: dict[str, dict[int, float]] = {}
    missed: dict[str, list[int]] = {}
    days: list[int] = []
    for event in (line.event for line in read_log(path)):
        assert isinstance(event, Event)
        day = event.occurred_at.date().toordinal()
        days.append(day)
        if isinstance(event, AppointmentCompleted):
            own = amounts.setdefault(event.customer, {})
            own[day] = own.get(day, 0.0) + float(event.amount if isinstance(event.amount, Decimal) else 0)
        elif event.type in ("appointment.missed", "appointment.cancelled"):
            missed.setdefault(event.customer, []).append(day)
    history = [
        Visits(sorted(own), [own[day] for day in sorted(own)], sorted(missed.get(customer, ())))
        for customer, own in amounts.items()
    ]
    return history, min(days), max(days)
