"""The rhythm of each service that a customer comes for, for lists and texts. Rules go by the rhythm over all visits."""

from msgspec import Struct

from journey.facts import Facts
from journey.rhythm import MedianRecords, expected_gap, usual_interval
from journey.time import DAY, Micros

LEAST_VISITS = 3  # with a service, for its own rhythm


class ServiceRhythm(Struct, frozen=True):
    """How often a customer comes for one service.

    Attributes:
        usual_interval: In days.
        expected_at: When the next visit with the service is expected, at the time of day of the customer's last visit;
            before that visit if the customer came and took something else.
    """

    service: str
    usual_interval: float
    expected_at: Micros


def service_rhythms(facts: Facts, medians: MedianRecords) -> list[ServiceRhythm]:
    """Return the rhythms of the services with enough visits, the service that is expected first before the others."""
    found = []
    for service, days in facts.services.items():
        if len(days) < LEAST_VISITS or not facts.recent:
            continue
        last = Micros(days[-1] * DAY + facts.recent[-1] % DAY)
        record = medians.in_force(last)
        company_median = None if record is None else record.services.get(service)
        interval, gap = usual_interval(days, company_median), expected_gap(days, company_median)
        assert interval is not None  # there are gaps
        assert gap is not None
        found.append(ServiceRhythm(service, interval, Micros(last + round(gap * DAY))))
    return sorted(found, key=lambda each: (each.expected_at, each.service))


def expected_visit(facts: Facts, services: list[ServiceRhythm]) -> Micros | None:
    """Return when the customer is expected next: for the first service that is due after the last visit, or at all."""
    at = facts.expected_at
    if at is None:
        return None
    return min([at, *(each.expected_at for each in services if each.expected_at > facts.recent[-1])])
