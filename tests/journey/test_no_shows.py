"""Models of no-shows: what they learn, when they say that there is nothing to learn, and how they say it."""

import math
import random

import pytest

from journey.no_show_fit import Outcome, TooFew, fit_no_shows, what_was_known
from journey.no_shows import COMPANY_RATE, LEAD_TIME, OWN_RATE, NoShowModel, by_rates, reason


def made(seed: int, customers: int, probability: object, visits: int = 8) -> list[Outcome]:
    """Outcomes of customers who each have a tendency; `probability(tendency, lead)` is that of a miss."""
    chance = random.Random(seed)
    found = []
    for customer in range(customers):
        tendency, day = chance.betavariate(1, 6), chance.uniform(0, 60)
        for _ in range(visits):
            lead = chance.choice([1.0, 7.0, 30.0, 60.0])
            missed = chance.random() < probability(tendency, lead)  # type: ignore[operator]
            found.append(Outcome(customer, day, day - lead, missed))
            day += chance.uniform(20, 50)
    return found


def test_lead_time_and_own_misses_are_learned() -> None:
    def probability(tendency: float, lead: float) -> float:
        odds = math.log(tendency / (1 - tendency + 1e-9) + 1e-9) + 0.9 * math.log1p(lead) - 1.5
        return 1 / (1 + math.exp(-odds))

    fitted = fit_no_shows(made(1, 400, probability))
    assert fitted.model.method == LEAD_TIME
    compared = fitted.compared
    assert compared[LEAD_TIME].brier < compared[OWN_RATE].brier < compared[COMPANY_RATE].brier
    assert compared[LEAD_TIME].auc > 0.7
    assert compared[COMPANY_RATE].auc == 0.5
    assert compared[LEAD_TIME].calibration_error < 0.06
    model = NoShowModel.from_json(fitted.model.to_json())
    assert model == fitted.model
    assert model.probability(0, 9, 1) < model.probability(2, 9, 1) < model.probability(2, 9, 30)


def test_where_only_chance_decides_the_companys_rate_is_used() -> None:
    methods = [fit_no_shows(made(seed, 300, lambda _, __: 0.1)).model for seed in range(5)]
    for model in methods:
        assert model.probability(3, 9, 30) < 0.2  # whatever the method, nothing is read into chance
        assert abs(model.rate - 0.1) < 0.02


def test_nothing_is_learned_from_what_was_held_back() -> None:
    """The methods are compared on outcomes that their fits have not seen: others there leave the fits as they are."""
    outcomes = sorted(made(3, 200, lambda tendency, _: tendency), key=lambda one: one.scheduled_for)
    held = len(outcomes) - round(len(outcomes) * 0.75)
    changed = outcomes[:-held] + [one._replace(missed=not one.missed) for one in outcomes[-held:]]
    before, after = fit_no_shows(outcomes).compared, fit_no_shows(changed).compared
    assert before[COMPANY_RATE].auc == after[COMPANY_RATE].auc == 0.5
    assert math.isclose(before[OWN_RATE].auc, 1 - after[OWN_RATE].auc, abs_tol=0.2)


def test_too_few_outcomes_are_named() -> None:
    few = made(1, 20, lambda _, __: 0.5)
    with pytest.raises(TooFew, match=r"160 booked appointments with an outcome, \d+ of them missed; a model needs 200"):
        fit_no_shows(few)
    with pytest.raises(TooFew, match="0 of them missed"):
        fit_no_shows(made(1, 50, lambda _, __: 0.0))
    assert by_rates(0, 0) is None
    model = by_rates(5, 100)
    assert model is not None
    assert model.probability(0, 0, 7) == pytest.approx(0.05)
    assert model.probability(2, 9, 7) == pytest.approx(2.5 / 19)


def test_only_outcomes_of_earlier_days_were_known() -> None:
    rows = [
        Outcome(1, 10.0, 5.0, True),
        Outcome(1, 10.2, 5.0, False),
        Outcome(1, 30.0, 1.0, True),
        Outcome(2, 9, 9, True),
    ]
    known = what_was_known(rows[::-1])
    assert [one[:3] for one in known] == [(0, 0, 0.0), (0, 0, 5.0), (0, 0, pytest.approx(5.2)), (1, 2, 29.0)]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((2, 9, 21.5), "missed 2 of 9, booked 3 weeks ahead"),
        ((0, 1, 1.0), "missed 0 of 1, booked 1 day ahead"),
        ((0, 0, 0.2), "no earlier booked appointments, booked within a day"),
        ((1, 3, 90), "missed 1 of 3, booked 3 months ahead"),
    ],
)
def test_reasons(numbers: tuple[int, int, float], text: str) -> None:
    assert reason(*numbers) == text
