"""The visits of one customer, and what they say at the end of a given day.

A visit is a UTC day with a completed appointment. Days are numbered as by `date.toordinal`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

LATEST_AMOUNTS = 5  # the mean amount of a visit is taken over the latest ones


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of one customer.

    Attributes:
        days: Distinct days with a completed appointment, ascending.
        amounts: The amount of each of these days.
        missed: Days of missed and of cancelled appointments, ascending.
    """

    days: Sequence[int]
    amounts: Sequence[float]
    missed: Sequence[int] = ()

    def until(self, day: int) -> Visits:
        """Return what was known at the end of a day."""
        count = bisect_right(self.days, day)
        return Visits(self.days[:count], self.amounts[:count], self.missed[: bisect_right(self.missed, day)])

    def comes_within(self, day: int, horizon: int) -> bool:
        """Return whether there is a visit in the `horizon` days after a day."""
        following = bisect_right(self.days, day)
        return following < len(self.days) and self.days[following] <= day + horizon

    @property
    def x(self) -> int:
        """Days with an appointment after the first one, in the notation of `bgnbd.py`."""
        return len(self.days) - 1

    @property
    def t_x(self) -> int:
        """Days from the first to the last visit."""
        return self.days[-1] - self.days[0]

    def age(self, day: int) -> int:
        """Return the days from the first visit until a day."""
        return day - self.days[0]

    @property
    def mean_amount(self) -> float:
        """The mean amount of the latest visits."""
        latest = self.amounts[-LATEST_AMOUNTS:]
        return sum(latest) / len(latest)
