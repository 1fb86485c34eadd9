"""The demo company: reproducible from seed and day, without real people, and with data for every chart."""

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from db.operations.demo import DemoCompany
from journey.event_validation import parse
from journey.events import EVENT_TYPES
from journey.events import Event as AnyEvent
from journey.simulate import Simulation, simulate
from journey.stages import DEFAULT_RULEBOOK
from journey.time import to_micros
from local.demo.filling import ACTED_UPON, CUSTOMERS, SEED, _acted_upon
from local.demo.lives import DAYS, KINDS, Event, lives
from local.demo.people import COMPANY, STAFF, people
from local.demo.trickle import random_event

END = datetime(2026, 11, 25, tzinfo=UTC)


def parsed(histories: dict[str, list[Event]]) -> list[list[AnyEvent]]:
    return [[parse(json.dumps(event)) for event in events] for events in histories.values()]


def simulated(seed: int, end: datetime = END) -> Simulation:
    return simulate(parsed(lives(seed, end, people(seed, CUSTOMERS))), DEFAULT_RULEBOOK, to_micros(end))


@pytest.mark.parametrize("seed", [SEED, 1, 2])
@pytest.mark.parametrize("end", [END, datetime(2027, 3, 29, tzinfo=UTC)])
def test_every_stage_and_important_transition_occurs(seed: int, end: datetime) -> None:
    found = simulated(seed, end)
    share = {stage: count / CUSTOMERS for stage, count in found.stages.items()}
    assert set(share) == {stage.key for stage in DEFAULT_RULEBOOK.all_stages}
    assert all(part > 0.02 for part in share.values()), share
    assert 0.08 < share["at_risk"] < 0.25
    assert 0.04 < share["vip"] < 0.2
    moves = found.transitions
    for source, target, least in (
        ("customer", "at_risk", 20),
        ("regular", "at_risk", 20),
        ("at_risk", "customer", 5),
        ("at_risk", "regular", 20),
        ("at_risk", "churned", 20),
        ("churned", "regular", 3),
        ("vip", "at_risk", 2),
    ):
        assert moves[source, target] >= least, (source, target)


def test_seed_and_day_determine_the_company() -> None:
    assert people(SEED, 40) == people(SEED, 40) != people(SEED + 1, 40)
    assert people(SEED, 40) == people(SEED, 400)[:40]
    customers = people(SEED, 40)
    assert lives(SEED, END, customers) == lives(SEED, END, customers) != lives(SEED + 1, END, customers)


def test_all_event_types_occur_in_opening_hours() -> None:
    histories = lives(SEED, END, people(SEED, CUSTOMERS))
    events = [event for history in histories.values() for event in history]
    assert len(events) > 3000
    assert {event["type"] for event in events} == set(EVENT_TYPES) - {"payment.adjusted", "event.retracted"}
    assert len({event["id"] for event in events}) == len(events)
    times = [datetime.fromisoformat(event["occurred_at"]) for event in events]
    assert max(times) < END
    assert END - timedelta(days=DAYS + 60) < min(times) < END - timedelta(days=DAYS - 45)
    visits = [at for at, event in zip(times, events, strict=True) if event["type"] == "appointment.completed"]
    assert {at.isoweekday() for at in visits} == {2, 3, 4, 5, 6}
    assert all(9 <= at.hour <= 19 for at in visits)
    for history in histories.values():
        assert history == sorted(history, key=lambda event: datetime.fromisoformat(event["occurred_at"]))


def test_no_real_people() -> None:
    for person in people(SEED, CUSTOMERS):
        profile = person.profile
        assert re.fullmatch(r"[a-z]+\.[a-z]+\.[0-9]+@example\.com", profile["email"]), profile["email"]
        assert profile["phone"] is None or re.fullmatch(r"\+49176040690[0-9]{2}", profile["phone"])
    emails = Counter(person.profile["email"] for person in people(SEED, CUSTOMERS))
    assert max(emails.values()) == 1
    assert "(invented)" in COMPANY
    assert all("(invented)" in name for name, _ in STAFF)


def test_a_few_customers_of_each_stage_get_actions() -> None:
    histories = lives(SEED, END, people(SEED, CUSTOMERS))
    chosen = _acted_upon(DemoCompany(1, SEED, END.isoformat(), filled=False), histories)
    standing = Counter(
        Simulation(DEFAULT_RULEBOOK, to_micros(END)).add([parse(json.dumps(event)) for event in events]).stage
        for events in chosen.values()
    )
    assert standing == ACTED_UPON


def test_random_events_are_valid() -> None:
    chance = random.Random(1)
    known, at_risk = [person.id for person in people(SEED, 20)], ["salon-0007"]
    events = [random_event(chance, END + timedelta(seconds=n), known, at_risk) for n in range(600)]
    for event in events:
        parse(json.dumps(event))
    assert len({event["id"] for event in events}) == len(events)
    assert {event["type"] for event in events} > {"appointment.completed", "feedback.received", "call.received"}
    newcomers = {event["customer_id"] for event in events} - set(known)
    assert 5 < len(newcomers) < 80
    back = [e for e in events if e["type"] == "appointment.completed" and e["customer_id"] == "salon-0007"]
    assert len(back) > 30
    assert random_event(chance, END, known, [])["occurred_at"] == END.isoformat()


def test_shares_add_up_to_a_hundred() -> None:
    assert sum(KINDS.values()) == 100
