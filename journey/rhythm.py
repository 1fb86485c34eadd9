"""How often a customer usually comes, learned from their own visits.

A visit is a UTC day with a completed appointment, given as the day's number, counted from any day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from statistics import median, median_low

from msgspec import Struct, field

from journey.time import EPOCH_MICROS, Micros

LATEST_VISITS = 12  # only these count, so that a new habit replaces the old one
WEEK = 7
TRUSTED_GAPS = 3  # from so many gaps on, a customer's own median stands alone


def gaps_between(days: Sequence[int]) -> list[int]:
    """Return the days between the latest visits, oldest first.

    Args:
        days: Distinct days with a visit, ascending.
    """
    return [later - earlier for earlier, later in pairwise(days[-LATEST_VISITS:])]


def usual_interval(days: Sequence[int], company_median: float | None) -> float | None:
    """Return the usual number of days between a customer's visits, or None if neither they nor the company has one.

    It is the median of the customer's gaps. With fewer than three gaps, the company's median stands for each that is
    missing.

    Args:
        days: Distinct days with a visit, ascending.
        company_median: The median gap of all of the company's customers, in days, if it is known.
    """
    gaps = gaps_between(days)
    own = float(median(gaps)) if gaps else None
    if own is None or company_median is None:
        return company_median if own is None else own
    known = min(len(gaps), TRUSTED_GAPS)
    return (known * own + (TRUSTED_GAPS - known) * company_median) / TRUSTED_GAPS


def expected_gap(days: Sequence[int], company_median: float | None) -> float | None:
    """Return the number of days after the last visit at which the next one is expected; None without a rhythm.

    This predicts single visits better than the usual interval, which rules go by. Gaps have a long tail, so of
    two middle ones the shorter is nearer; and many customers keep their weekday, so from half a week on, whole weeks
    are expected. Until there are two gaps, the usual interval is all that is known.

    Args:
        days: Distinct days with a visit, ascending.
        company_median: The median gap of all of the company's customers, in days, if it is known.
    """
    gaps = gaps_between(days)
    gap = float(median_low(gaps)) if len(gaps) > 1 else usual_interval(days, company_median)
    return gap if gap is None or gap < WEEK / 2 else float(max(1, round(gap / WEEK)) * WEEK)


def overdue_ratio(days_since_visit: float, interval: float | None) -> float | None:
    """Return the time since the last visit as a multiple of the usual interval; None without an interval."""
    return None if not interval else days_since_visit / interval


class CompanyMedians(Struct, frozen=True):
    """A record of the median gaps, in days, between the visits of a company's customers.

    Attributes:
        counts_from: Visits from this instant on use it, until the next record.
        overall: Of all gaps; None if there was none.
        services: By service, of the gaps between visits with that service.
    """

    counts_from: Micros
    overall: float | None = None
    services: Mapping[str, float] = field(default_factory=dict)


def company_medians(
    customers: Iterable[tuple[Sequence[int], Mapping[str, Sequence[int]]]], counts_from: Micros = EPOCH_MICROS
) -> CompanyMedians:
    """Return the median gaps of a company.

    Args:
        customers: Of each customer: the distinct days with a visit, ascending, and the same by service.
        counts_from: The instant from which they count.
    """
    gaps: list[int] = []
    by_service: dict[str, list[int]] = {}
    for days, services in customers:
        gaps += gaps_between(days)
        for service, service_days in services.items():
            if found := gaps_between(service_days):
                by_service.setdefault(service, []).extend(found)
    return CompanyMedians(
        counts_from,
        float(median(gaps)) if gaps else None,
        {service: float(median(found)) for service, found in sorted(by_service.items())},
    )


class MedianRecords:
    """All records of one company.

    Those without a gap do not count.

    Attributes:
        version: The number of records.
    """

    def __init__(self, records: Iterable[CompanyMedians] = ()) -> None:
        listed = sorted(records, key=attrgetter("counts_from"))
        self.version = len(listed)
        self._records = [record for record in listed if record.overall is not None]
        self._instants = [record.counts_from for record in self._records]

    def in_force(self, at: Micros) -> CompanyMedians | None:
        """Return the record that a visit at this instant uses: the latest one until then, else the first one."""
        if not self._records:
            return None
        return self._records[max(0, bisect_right(self._instants, at) - 1)]


NO_RECORDS = MedianRecords()
