"""Customers of a test's own, whom nothing else in the salon touches."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.dashboard.conftest import Stack

LAPSED = 150  # days without a visit: at risk, and likely to be lost


def somebody(stack: Stack, name: str, **profile: Any) -> str:
    """A prospect who has called once, may be written to, and for whom it is midday."""
    customer = _known(stack, name, profile)
    stack.happens(customer, "call.received", duration_seconds=20)
    return customer


def somebody_at_risk(stack: Stack, name: str) -> str:
    """Who came once, long ago, and was disappointed; held at risk, so that the salon's own life brings nobody back."""
    customer = _known(stack, name, {})
    then = (datetime.now(UTC) - timedelta(days=LAPSED)).isoformat()
    past: list[dict[str, Any]] = [
        {"type": "appointment.completed", "amount": "50.00"},
        {"type": "appointment.missed"},
        {"type": "support_ticket.opened", "ticket_id": f"{customer}-1"},
        {"type": "support_ticket.opened", "ticket_id": f"{customer}-2"},
    ]
    happened(stack, [{"customer_id": customer, "occurred_at": then, **event} for event in past])
    held = {"stage": "at_risk", "reason": "to be looked at", "hold": True}
    stack.ask("POST", f"/v1/customers/{customer}/stage", json=held)
    return customer


def happened(stack: Stack, events: list[dict[str, Any]]) -> None:
    """Many events at once, until they are applied."""
    batch = {"events": [{"id": uuid.uuid4().hex, **event} for event in events]}
    outcomes = stack.ask("POST", "/v1/events?wait=10", json=batch)["outcomes"]
    assert {outcome["outcome"] for outcome in outcomes} == {"applied"}


def _known(stack: Stack, name: str, profile: dict[str, Any]) -> str:
    customer = f"own-{uuid.uuid4().hex[:10]}"
    known = {"email": f"{customer}@example.com", "consent": {"email": True}, "time_zone": midday()}
    stack.ask("PUT", f"/v1/customers/{customer}", json={"name": name, **known, **profile})
    return customer


def midday() -> str:
    """A time zone where no quiet hours are now."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def journey(stack: Stack, customer: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.ask("GET", f"/v1/portal/customers/{customer}/journey")["journey"]
    return found


def tasks(stack: Stack, customer: str, status: str = "open") -> list[dict[str, Any]]:
    search = {"customer_id": customer, "status": status, "limit": 200}
    found: list[dict[str, Any]] = stack.ask("GET", "/v1/portal/tasks", params=search)["tasks"]
    return found


def actions(stack: Stack, customer: str, action: str) -> list[dict[str, Any]]:
    """What was asked for, like ``centre_call``, newest first."""
    search = {"customer_id": customer, "action": action}
    found: list[dict[str, Any]] = stack.ask("GET", "/v1/portal/actions", params=search)["actions"]
    return found


def settled(stack: Stack, customer: str, action: str) -> list[dict[str, Any]]:
    """What was asked for, as soon as all of it has come to an end."""
    asked = actions(stack, customer, action)
    return [] if any(one["status"] == "pending" for one in asked) else asked
