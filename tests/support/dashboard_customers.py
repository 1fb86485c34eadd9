"""Customers that belong to one test, so that the demo's simulation does not change them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.dashboard.conftest import Stack

DAYS_INACTIVE = 150  # long enough to be at risk


def new_prospect(stack: Stack, name: str, **profile: Any) -> str:
    """Create a prospect who has called once, consents to e-mail and is outside quiet hours."""
    customer = create_profile(stack, name, profile)
    stack.send_event(customer, "call.received", duration_seconds=20)
    return customer


def new_customer_at_risk(stack: Stack, name: str) -> str:
    """Create a customer with one appointment long ago and open complaints, held in `at_risk`."""
    customer = create_profile(stack, name, {})
    then = (datetime.now(UTC) - timedelta(days=DAYS_INACTIVE)).isoformat()
    history: list[dict[str, Any]] = [
        {"type": "appointment.completed", "amount": "50.00"},
        {"type": "appointment.missed"},
        {"type": "support_ticket.opened", "ticket_id": f"{customer}-1"},
        {"type": "support_ticket.opened", "ticket_id": f"{customer}-2"},
    ]
    send_events(stack, [{"customer_id": customer, "occurred_at": then, **event} for event in history])
    hold = {"stage": "at_risk", "reason": "test", "hold": True}
    stack.request("POST", f"/v1/customers/{customer}/stage", json=hold)
    return customer


def send_events(stack: Stack, events: list[dict[str, Any]]) -> None:
    """Send events in one batch, and wait until they are applied."""
    batch = {"events": [{"id": uuid.uuid4().hex, **event} for event in events]}
    outcomes = stack.request("POST", "/v1/events?wait=10", json=batch)["outcomes"]
    assert {outcome["outcome"] for outcome in outcomes} == {"applied"}


def create_profile(stack: Stack, name: str, profile: dict[str, Any]) -> str:
    customer = f"own-{uuid.uuid4().hex[:10]}"
    defaults = {"email": f"{customer}@example.com", "consent": {"email": True}, "time_zone": midday()}
    stack.request("PUT", f"/v1/customers/{customer}", json={"name": name, **defaults, **profile})
    return customer


def midday() -> str:
    """Return a time zone where it is about noon, outside quiet hours."""
    ahead = 12 - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def get_journey(stack: Stack, customer: str) -> dict[str, Any]:
    journey: dict[str, Any] = stack.request("GET", f"/v1/portal/customers/{customer}/journey")["journey"]
    return journey


def list_tasks(stack: Stack, customer: str, status: str = "open") -> list[dict[str, Any]]:
    params = {"customer_id": customer, "status": status, "limit": 200}
    tasks: list[dict[str, Any]] = stack.request("GET", "/v1/portal/tasks", params=params)["tasks"]
    return tasks


def list_actions(stack: Stack, customer: str, action: str) -> list[dict[str, Any]]:
    """Return the actions of one kind, for example ``centre_call``, newest first."""
    params = {"customer_id": customer, "action": action}
    actions: list[dict[str, Any]] = stack.request("GET", "/v1/portal/actions", params=params)["actions"]
    return actions


def finished_actions(stack: Stack, customer: str, action: str) -> list[dict[str, Any]]:
    """Return the actions of one kind, or nothing while any of them is pending."""
    actions = list_actions(stack, customer, action)
    return [] if any(one["status"] == "pending" for one in actions) else actions
