"""The published fit of the CDNOW sample, and what it says of the 39 weeks after those it was fitted on."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from cli.events.event_log_file import read_log
from journey.bgnbd import expected_appointments, probability_alive
from journey.bgnbd_fit import Fit, fit
from journey.events import Event
from tests.support.customers import Floats

LOG = Path(os.environ.get("PERDURE_DATA") or "nowhere") / "events" / "cdnow_sample.jsonl.gz"
END = date(1997, 9, 30)  # of week 39, the first day of week 1 being that of 1997; the log ends with week 78
WEEKS = 39

pytestmark = pytest.mark.skipif(not LOG.is_file(), reason="PERDURE_DATA names no folder with events/cdnow_sample")


@pytest.fixture(scope="module")
def customers() -> Floats:
    """x, t_x and age as of END (weeks), and the purchase days of the 39 weeks after it; a column for each customer."""
    days: dict[str, set[date]] = {}
    for event in (line.event for line in read_log(LOG)):
        assert isinstance(event, Event)
        days.setdefault(event.customer, set()).add(event.occurred_at.date())
    rows = []
    for visits in map(sorted, days.values()):
        known = [day for day in visits if day <= END]
        until_last, age = (known[-1] - known[0]).days, (END - known[0]).days
        rows.append((len(known) - 1, until_last / 7, age / 7, len(visits) - len(known)))
    return np.array(rows).T


@pytest.fixture(scope="module")
def found(customers: Floats) -> Fit:
    return fit(*customers[:3])


def test_the_published_parameters(customers: Floats, found: Fit) -> None:
    assert customers.shape == (4, 2357)
    model = found.model
    assert [round(value, 3) for value in (model.r, model.alpha, model.a, model.b)] == [0.243, 4.414, 0.793, 2.426]
    assert round(found.log_likelihood, 1) == -9582.4


def test_the_weeks_after(customers: Floats, found: Fit) -> None:
    x, t_x, age, came = customers
    known = [(int(n), float(last), float(old)) for n, last, old in zip(x, t_x, age, strict=True)]
    expected = np.array([expected_appointments(found.model, *one, WEEKS) for one in known])
    alive = np.array([probability_alive(found.model, *one) for one in known])
    assert np.corrcoef(expected, came)[0, 1] >= 0.62
    assert area_under_curve(expected, came > 0) >= 0.77
    assert area_under_curve(alive, came > 0) < 0.5  # no ranking: 1 for all who never came again


def area_under_curve(score: Floats, active: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    """The chance that one who was active has a higher score than one who was not."""
    ranks, yes = rankdata(score)[active], int(active.sum())
    return float((ranks.sum() - yes * (yes + 1) / 2) / (yes * (len(active) - yes)))
