"""Words and numbers in the reasons for scores."""

from decimal import ROUND_HALF_UP, Decimal

from journey.facts import Facts
from journey.time import DAY

ROUNDED = "scores are rounded to whole percents"


def count(number: int, noun: str) -> str:
    """Return "1 day" or "2 days"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(share: Decimal) -> str:
    """Return a share of 1 as a percentage: "20%"."""
    return f"{plain(100 * share)}%"


def trend_limit(trend: Decimal) -> str:
    """Say from which trend on it counts."""
    if trend <= 0:
        return f"counts if they fell by more than {percent(-trend)}"
    return f"counts if they grew by less than {percent(trend)}"


def interaction(facts: Facts) -> str:
    """Say what the interaction is computed from."""
    if facts.ratings:
        average = plain(Decimal(facts.rating_sum) / facts.ratings, 2)
        return f"{count(facts.ratings, 'rating')}, {average} of 5 on average"
    if facts.calls:
        return f"{facts.qualified_calls} of {count(facts.calls, 'call')} qualified"
    return "no ratings and no calls; counts half"


def more_than(elapsed: int, limit: int) -> str:
    """Say "more than" just after a limit, when the elapsed time in days still reads as the limit itself."""
    return "more than " if limit * 2 * DAY < elapsed < (limit + 1) * 2 * DAY else ""


def plain(number: Decimal, places: int = 4) -> str:
    """Return a decimal without trailing zeros."""
    return f"{number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP).normalize() + 0:f}"
