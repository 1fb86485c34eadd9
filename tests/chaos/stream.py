"""The requests of the drill, made by impatient callers, and the responses.

Everything is drawn from one seed. Companies use the same customer ids and event ids on purpose.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from journey.event_validation import from_fields
from journey.events import canonical, content_hash
from journey.time import Micros, to_micros, utc_text

DAY = 86_400_000_000  # µs
LONGEST_BATCH = 25
LATE, REPEATED, TWICE_AT_ONCE, CONTRADICTED, IMPATIENT = 0.05, 0.12, 0.03, 0.02, 0.15  # shares of events or requests
RETRACTED = 0.1  # share of events; half of their retractions come before them
ANSWER_LIMIT = 20.0  # seconds
LANES = 8  # callers at once
TYPES = {
    "call.received": 4,
    "appointment.requested": 2,
    "appointment.completed": 6,
    "appointment.missed": 1,
    "appointment.cancelled": 1,
    "payment.adjusted": 1,
    "support_ticket.opened": 1,
    "support_ticket.resolved": 1,
    "feedback.received": 1,
}

Key = tuple[int, str, bytes]  # company, event id, content hash


@dataclass(frozen=True, slots=True)
class Call:
    """One request. A caller that is not `patient` gives up at the first failure and never learns the outcome."""

    company: int
    events: tuple[dict[str, Any], ...]
    patient: bool = True
    again: bool = False

    @property
    def keys(self) -> list[Key]:
        return [key_of(self.company, fields) for fields in self.events]


@dataclass
class Answers:
    """The requests and responses. `acknowledged`: events of requests that were answered with 202."""

    sent: set[Key] = field(default_factory=set)
    acknowledged: set[Key] = field(default_factory=set)
    numbers: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)


def key_of(company: int, fields: dict[str, Any]) -> Key:
    return company, fields["id"], content_hash(canonical(from_fields(fields)))


def plan(
    chance: random.Random, companies: list[int], journeys: int, events: int, now: int, seconds: float
) -> list[Call]:
    """All requests in order. Each journey's events come roughly in order of occurrence, all before `now` (µs).

    Every tenth journey has a single appointment whose 90 days end within `seconds` from now.
    """
    lives: list[tuple[int, str, list[int], str | None]] = []
    for number in range(journeys):
        company, customer = companies[number % len(companies)], f"c-{number // len(companies)}"
        if number % 10 == 9:
            at = now - 90 * DAY + int(chance.uniform(0.2, 1) * seconds * 1e6)
            lives.append((company, customer, [at], "appointment.completed"))
            continue
        count = max(1, round(chance.gammavariate(2, 0.5) * events / journeys))
        begin = now - chance.choice([2, 20, 120, 400, 700]) * DAY
        times = sorted(chance.randrange(begin, now) for _ in range(count))
        for place in range(1, count):
            if chance.random() < LATE:
                times[place - 1], times[place] = times[place], times[place - 1]
        lives.append((company, customer, times, None))
    ids: Counter[int] = Counter()
    events_of: dict[int, list[dict[str, Any]]] = {company: [] for company in companies}
    turns = [life for life in lives for _ in life[2]]
    chance.shuffle(turns)
    for company, customer, times, kind in turns:
        ids[company] += 1
        events_of[company].append(_event(chance, f"e-{ids[company]}", customer, times.pop(0), kind or _kind(chance)))
    for listed in events_of.values():
        _retract_some(chance, listed, now)
    return _calls(chance, events_of)


def _retract_some(chance: random.Random, events: list[dict[str, Any]], now: int) -> None:
    """Add retractions of some events, before or after them in the stream."""
    for number, named in enumerate(chance.sample(events, round(RETRACTED * len(events)))):
        occurred = to_micros(datetime.fromisoformat(named["occurred_at"]))
        retraction = _event(
            chance, f"r-{number}", named["customer_id"], chance.randrange(occurred, now), "event.retracted"
        )
        retraction["retracts"] = named["id"]
        place = events.index(named) + chance.choice([-40, -20, -5, 1, 5, 20])
        events.insert(max(0, place), retraction)


def _kind(chance: random.Random) -> str:
    return chance.choices(list(TYPES), list(TYPES.values()))[0]


def _event(chance: random.Random, event_id: str, customer: str, at: int, kind: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": event_id,
        "type": kind,
        "customer_id": customer,
        "occurred_at": utc_text(Micros(at)),
    }
    if kind == "call.received":
        fields["duration_seconds"] = chance.randrange(200)
    elif kind == "appointment.completed":
        fields["amount"] = f"{chance.randrange(30_000) / 100:.2f}"
    elif kind == "payment.adjusted":
        fields["amount"] = f"{chance.randrange(-5_000, 5_000) / 100:.2f}"
    elif kind.startswith("support_ticket"):
        fields["ticket_id"] = f"t-{chance.randrange(3)}"
    elif kind == "feedback.received":
        fields["rating"] = chance.randint(1, 5)
    return fields


def _calls(chance: random.Random, events_of: dict[int, list[dict[str, Any]]]) -> list[Call]:
    """The events in single and batch requests, with repetitions and contradictions among them."""
    calls_of: dict[int, list[Call]] = {company: [] for company in events_of}
    for company, events in events_of.items():
        own = calls_of[company]
        place = 0
        while place < len(events):
            size = 1 if chance.random() < 0.6 else chance.randint(2, LONGEST_BATCH)
            call = Call(company, tuple(events[place : place + size]), chance.random() >= IMPATIENT)
            own.append(call)
            place += size
            if chance.random() < TWICE_AT_ONCE:
                own.append(Call(company, call.events, again=True))
            if chance.random() < REPEATED:
                sample = tuple(chance.sample(events[:place], min(place, chance.randint(1, LONGEST_BATCH))))
                own.append(Call(company, sample, again=True))
            if chance.random() < CONTRADICTED * size:
                contradiction = _contradiction(chance, chance.choice(events[max(0, place - 20) : place]), events)
                own.append(Call(company, (contradiction,)))
    # the companies' requests are shuffled together; each company's keep their order
    order = [company for company, calls in calls_of.items() for _ in calls]
    chance.shuffle(order)
    return [calls_of[company].pop(0) for company in order]


def _contradiction(chance: random.Random, event: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    """The same id with another content, half of the time for another customer."""
    customer = chance.choice(others)["customer_id"] if chance.random() < 0.5 else event["customer_id"]
    return {
        "id": event["id"],
        "type": "appointment.completed",
        "customer_id": customer,
        "occurred_at": event["occurred_at"],
        "amount": "77777.77",
    }


class Stream:
    """Make the calls, spread over `seconds`; each is repeated with the same ids until it is answered with 202."""

    def __init__(self, url: str, keys: dict[int, str], calls: list[Call], seconds: float) -> None:
        self.url, self.keys, self.calls, self.seconds = url, keys, calls, seconds
        self.answers = Answers()
        self.done = 0

    async def run(self) -> Answers:
        """Make all calls; return when each is answered or given up."""
        begin = time.monotonic()
        turns = iter(enumerate(self.calls))
        async with httpx2.AsyncClient(base_url=self.url, timeout=ANSWER_LIMIT, trust_env=False) as client:
            await asyncio.gather(*(self._lane(client, turns, begin) for _ in range(LANES)))
        return self.answers

    async def _lane(self, client: httpx2.AsyncClient, turns: Iterable[tuple[int, Call]], begin: float) -> None:
        for number, call in turns:
            await asyncio.sleep(max(0.0, begin + number / len(self.calls) * self.seconds - time.monotonic()))
            await self._make(client, call)
            self.done += 1

    async def _make(self, client: httpx2.AsyncClient, call: Call) -> None:
        numbers, keys = self.answers.numbers, call.keys
        self.answers.sent.update(keys)
        numbers["events sent again on purpose"] += len(keys) if call.again else 0
        body: Any = call.events[0] if len(call.events) == 1 else {"events": call.events}
        headers = {"Authorization": f"Bearer {self.keys[call.company]}"}
        while True:
            numbers["requests"] += 1
            try:
                answer = await client.post("/v1/events", json=body, headers=headers)
            except httpx2.TransportError:
                numbers["requests without an answer"] += 1
            else:
                if answer.status_code == 202:
                    if answer.json() != {"accepted": len(keys), "rejected": []}:
                        self.answers.refusals.append(f"202 {answer.text[:300]}")
                    self.answers.acknowledged.update(keys)
                    return
                numbers[f"answers {answer.status_code}"] += 1
                if answer.status_code not in (
                    429,
                    503,
                ):  # everything sent is valid, and an outage is answered with 429 or 503
                    self.answers.refusals.append(f"{answer.status_code} {answer.text[:300]}")
                if answer.status_code < 500 and answer.status_code != 429:
                    return
            if not call.patient:
                numbers["requests given up"] += 1
                return
            numbers["requests repeated"] += 1
            await asyncio.sleep(0.3)
