"""New events of the demo company while `up` is running: one every few seconds to a minute, over HTTP."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import httpx2

from journey.stages import DEFAULT_RULEBOOK, Role
from local.demo.lives import COMMENTS, Event
from local.demo.people import Person, people

MEAN, SHORTEST, LONGEST = 14.0, 4.0, 60.0  # seconds between two events
RETURNING = 0.25  # share of visits by customers at risk, so that some are seen coming back
KINDS = {
    "appointment.completed": 40,
    "appointment.requested": 20,
    "call.received": 18,
    "feedback.received": 9,
    "appointment.missed": 4,
    "support_ticket.opened": 4,
    "newcomer": 5,
}


def random_event(chance: random.Random, now: datetime, customers: Sequence[str], at_risk: Sequence[str]) -> Event:
    """A random event of one of the customers; the kind ``newcomer`` is a call from a new customer."""
    (kind,) = chance.choices(list(KINDS), weights=list(KINDS.values()))
    number = f"{int(now.timestamp() * 1000)}-{chance.randrange(1000)}"
    customer = chance.choice(customers)
    if kind == "appointment.completed" and at_risk and chance.random() < RETURNING:
        customer = chance.choice(at_risk)
    fields: dict[str, Any] = {}
    if kind == "newcomer":
        kind, customer = "call.received", f"salon-n{number.partition('-')[0]}"
    if kind == "call.received":
        fields = {"duration_seconds": chance.randint(20, 420), "direction": "inbound"}
    elif kind == "appointment.completed":
        fields = {"amount": f"{chance.randint(35, 160)}.{chance.choice(('00', '50'))}"}
    elif kind == "appointment.requested":
        fields = {"scheduled_for": (now + timedelta(days=chance.randint(2, 14))).isoformat(timespec="seconds")}
    elif kind == "feedback.received":
        rating = chance.choice((5, 5, 4, 4, 3, 2))
        comment = chance.choice(COMMENTS[rating])
        fields = {"rating": rating, **({"comment": comment} if comment else {})}
    elif kind == "support_ticket.opened":
        fields = {"ticket_id": f"t-{number}"}
    head = {"id": f"live-{number}", "type": kind, "customer_id": customer, "occurred_at": now.isoformat()}
    return {**head, **fields}


async def trickle(url: str, key: str, seed: int, customers: Sequence[Person]) -> None:
    """Send random events until cancelled. Errors are ignored, so it continues after a restart of the gateway."""
    chance = random.Random()
    known = [person.id for person in customers]
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        while True:
            await anyio.sleep(min(LONGEST, max(SHORTEST, chance.expovariate(1 / MEAN))))
            with suppress(httpx2.HTTPError, ValueError, KeyError):
                event = random_event(chance, datetime.now(UTC), known, await _at_risk(client))
                if event["customer_id"] not in known:
                    await _introduce(client, event["customer_id"], seed)
                    known.append(event["customer_id"])
                await client.post("/v1/events", json=event)


async def _at_risk(client: httpx2.AsyncClient) -> list[str]:
    response = await client.get(
        "/v1/portal/relationships", params={"stage": DEFAULT_RULEBOOK.keys_with(Role.AT_RISK), "limit": 50}
    )
    return [row["customer_id"] for row in response.json()["relationships"]]


async def _introduce(client: httpx2.AsyncClient, customer: str, seed: int) -> None:
    """Create the profile of a new customer."""
    number = int(customer.removeprefix("salon-n")) % 1_000_000
    profile = dict(people(seed + number, 1)[0].profile)
    profile["email"] = profile["email"].replace(".1@", f".n{number}@")
    await client.put(f"/v1/customers/{customer}", json=profile)
