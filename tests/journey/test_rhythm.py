"""The usual interval between a customer's visits."""

from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey.rhythm import gaps_between, overdue_ratio, usual_interval

days = st.lists(st.integers(700_000, 740_000), unique=True, max_size=40).map(sorted)


@pytest.mark.parametrize(
    ("visits", "company", "interval"),
    [
        ([], None, None),
        ([], 30.0, 30.0),
        ([10], None, None),
        ([10], 30.0, 30.0),
        ([10, 70], None, 60.0),
        ([10, 70], 30.0, (60 + 2 * 30) / 3),
        ([10, 70, 90], 30.0, (2 * 40 + 30) / 3),
        ([10, 40, 68, 99], 90.0, 30.0),
        ([0, 100, 200, *range(210, 330, 10)], None, 10.0),
    ],
)
def test_a_customers_own_median_replaces_the_companys(
    visits: list[int], company: float | None, interval: float | None
) -> None:
    found = usual_interval(visits, company)
    assert found is None if interval is None else found == pytest.approx(interval)


@given(days, st.one_of(st.none(), st.floats(1, 400)))
def test_the_interval_lies_between_the_own_and_the_companys(visits: list[int], company: float | None) -> None:
    interval, gaps = usual_interval(visits, company), gaps_between(visits)
    own = median(gaps) if gaps else None
    known = [value for value in (own, company) if value is not None]
    assert (interval is None) == (not known)
    if interval is not None:
        assert min(known) - 1e-9 <= interval <= max(known) + 1e-9


def test_only_the_last_twelve_visits_count() -> None:
    assert len(gaps_between(list(range(0, 200, 10)))) == 11


def test_overdue_ratio() -> None:
    assert overdue_ratio(45.0, 30.0) == 1.5
    assert overdue_ratio(45.0, None) is None
