"""What is known of a customer's visits at the end of a day."""

from journey.visits import Visits

VISITS = Visits(days=[100, 130, 165], amounts=[10.0, 20.0, 60.0], missed=[120, 170])


def test_only_what_happened_until_the_day_is_known() -> None:
    assert VISITS.until(130) == Visits([100, 130], [10.0, 20.0], [120])
    assert VISITS.until(129) == Visits([100], [10.0], [120])
    assert VISITS.until(99) == Visits([], [], [])


def test_a_visit_on_the_day_itself_is_no_return() -> None:
    assert VISITS.comes_within(100, 30)
    assert not VISITS.comes_within(100, 29)
    assert not VISITS.comes_within(130, 34)
    assert not VISITS.comes_within(165, 1000)


def test_the_summary() -> None:
    assert (VISITS.x, VISITS.t_x, VISITS.age(200), VISITS.mean_amount) == (2, 65, 100, 30.0)


def test_the_mean_amount_is_that_of_the_last_five_visits() -> None:
    assert Visits([1, 2, 3, 4, 5, 6], [1000.0, 10.0, 20.0, 30.0, 40.0, 50.0]).mean_amount == 30.0
