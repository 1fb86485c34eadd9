"""Hundreds of instants of many journeys, explained over HTTP, against the core: with late events, retractions and
changed rules.
"""

from __future__ import annotations

import random
import time
from datetime import datetime
from typing import Any

import pytest

from journey.decisions import decide
from journey.event_validation import from_fields
from journey.events import Event
from journey.stages import DEFAULT_RULEBOOK, Rulebook, rulebook_from
from journey.state import State
from journey.time import DAY, Micros, to_micros, utc_text
from tests.api.conftest import Tenant
from tests.api.test_rule_changes import put, rolled_out, rules, vip_from
from tests.support.lived_journey import SHOWN, Lived, shown

pytestmark = pytest.mark.usefixtures("working")
CUSTOMERS = 30
ARRIVED = {"entered_at", "previous_stage", "trigger_event"}  # depend on the very microsecond of a late arrival


def now() -> Micros:
    return Micros(time.time_ns() // 1000)


class Company:
    """A company whose journeys are lived by the system and by the core at the same time."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.lived = {f"c-{n}": Lived() for n in range(CUSTOMERS)}
        self.seen: list[Micros] = []  # instants between the steps

    def receive(self, events: list[dict[str, Any]]) -> None:
        answer = self.tenant.client.post("/v1/events?wait=10", json={"events": events}).json()
        assert {outcome["outcome"] for outcome in answer["outcomes"]} == {"applied"}, answer
        received = now()
        for customer, lived in self.lived.items():
            arrived = [from_fields(event) for event in events if event["customer_id"] == customer]
            if arrived:
                lived.commit(received, *arrived)
        self.pause()

    def pause(self) -> None:
        time.sleep(0.01)
        self.seen.append(now())
        time.sleep(0.01)

    def change_rules(self) -> Rulebook:
        body = vip_from(rules(self.tenant), 500)
        (vip,) = [stage for stage in body["stages"] if stage["stage_key"] == "vip"]
        vip |= {"stage_name": "Regular", "color": "#123456"}
        assert put(self.tenant, body).status_code == 202
        assert rolled_out(self.tenant, 2)["status"] == "complete"
        newest = self.tenant.client.get("/v1/stages/versions").json()["versions"][0]
        at = to_micros(datetime.fromisoformat(newest["effective_at"]))
        fields = {"stages": body["stages"], "scoring": body.get("scoring") or {}}
        rulebook = rulebook_from(fields, version=2, changed_at=at)
        for lived in self.lived.values():
            lived.change_rules(rulebook)
        self.pause()
        return rulebook

    def explained(self, customer: str, at: Micros) -> dict[str, Any] | None:
        answer = self.tenant.client.get(f"/v1/customers/{customer}/explain", params={"as_of": utc_text(at)})
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def history(chance: random.Random, customer: str, end: Micros) -> list[dict[str, Any]]:
    """A few events of the last 400 days, in order."""
    days = sorted(chance.sample(range(2 * DAY, 400 * DAY, DAY // 4), chance.randint(3, 8)), reverse=True)
    kinds = ["appointment.completed"] * 3 + ["appointment.missed", "appointment.cancelled"]
    found = []
    for n, ago in enumerate(days):
        kind = kinds[0] if n == 1 else chance.choice(kinds)
        event = {
            "id": f"{customer}:{n}",
            "type": kind,
            "customer_id": customer,
            "occurred_at": utc_text(Micros(end - ago)),
        }
        if kind == kinds[0]:
            event["amount"] = f"{chance.choice([40, 150, 390, 700])}.00"
        found.append(event)
    return found


def test_instants_equal_a_simulation_of_the_log_until_then(tenant: Tenant) -> None:
    chance = random.Random(5)
    company, begin = Company(tenant), now()
    imported = {customer: history(chance, customer, begin) for customer in company.lived}
    company.receive([event for events in imported.values() for event in events])
    late = []
    for n, (customer, events) in enumerate(imported.items()):
        between = to_micros(datetime.fromisoformat(events[1]["occurred_at"])) + 1
        fields = {"id": f"{customer}:late", "customer_id": customer}
        if n % 4 == 0:
            missed = {"type": "appointment.missed", "occurred_at": utc_text(Micros(between))}
            late.append({**fields, **missed})
        elif n % 4 == 1:
            retracted = {"type": "event.retracted", "retracts": f"{customer}:1", "occurred_at": utc_text(now())}
            late.append({**fields, **retracted})
    company.receive(late)
    new = company.change_rules()
    visit = {"type": "appointment.completed", "amount": "120.00"}
    live = [{**visit, "id": f"{customer}:live", "customer_id": customer} for customer in company.lived]
    company.receive([{**event, "occurred_at": utc_text(now())} for event in live])

    compared = begun_not = differing = 0
    for n, (customer, events) in enumerate(imported.items()):
        lived, log = company.lived[customer], [from_fields(event) for event in events]
        for at in [Micros(begin - chance.randrange(DAY, 400 * DAY)) for _ in range(4)]:
            expected = simulated(log, at)
            found = company.explained(customer, at)
            compared += 1
            if expected.stage is None:
                assert found is None
                begun_not += 1
                continue
            assert found is not None
            assert {key: found[key] for key in SHOWN} == shown(expected, DEFAULT_RULEBOOK, at), (customer, at)
            assert found["rules_version"] == 1
            differing += found["today"] is not None
        for at in company.seen:
            then = lived.state_at(at)
            found = company.explained(customer, at)
            assert found is not None
            assert then is not None
            state, rulebook = then
            compared += 1
            compare = [key for key in SHOWN if n % 4 > 1 or key not in ARRIVED]
            expected_then = shown(state, rulebook, at)
            assert {key: found[key] for key in compare} == {key: expected_then[key] for key in compare}, (customer, at)
            version = 2 if at >= new.changed_at else 1
            assert found["rules_version"] == version
            (vip,) = [stage for stage in found["stages"] if stage["stage_key"] == "vip"]
            assert (vip["stage_name"], vip["color"] == "#123456") == (
                ["VIP Customer", "Regular"][version - 1],
                version == 2,
            )
    assert (compared, begun_not > 5, differing > 5) == (CUSTOMERS * 8, True, True)


def simulated(log: list[Event], at: Micros) -> State:
    return decide(State(), [event for event in log if event.at <= at], DEFAULT_RULEBOOK, at).state
