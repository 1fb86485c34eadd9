"""Booked appointments with their risk, and the answers to "Did they come?" in every place that shows it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import wait_for
from tests.support.dashboard_customers import create_profile, get_journey, list_tasks, send_events

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def booked(stack: Stack, name: str, when: datetime, **fields: Any) -> str:
    """Create a customer who paid 80.50 a month ago and is booked for `when`."""
    customer = create_profile(stack, f"{name} {uuid.uuid4().hex[:6]}", {"phone": "+49 30 1234567"})
    told = (NOON - timedelta(days=30)).isoformat()
    visit = {"type": "appointment.completed", "amount": "80.50"}
    booking = {"type": "appointment.requested", "appointment_id": f"{customer}-1", "scheduled_for": when.isoformat()}
    head = {"customer_id": customer, "occurred_at": told}
    send_events(stack, [{**head, **visit}, {**head, **booking, **fields}])
    return customer


def name_of(stack: Stack, customer: str) -> str:
    name: str = stack.request("GET", f"/v1/customers/{customer}")["name"]
    return name


def row_of(page: Page, name: str) -> Locator:
    return page.locator("li.appointment").filter(has_text=name)


@pytest.mark.parametrize("viewport", [{"width": 1440, "height": 900}, {"width": 390, "height": 844}])
def test_who_is_booked_and_might_not_come(make_visit: Callable[..., Visit], viewport: ViewportSize) -> None:
    visit = make_visit(viewport=viewport)
    page, stack = visit.page, visit.stack
    customer = booked(stack, "Ida", NOON + timedelta(days=2), service="Colour")
    name = name_of(stack, customer)
    visit.sign_in(at="/appointments")
    expect(row_of(page, name)).to_have_count(0)
    page.get_by_text("Next 7 days").click()
    row = row_of(page, name)
    expect(row).to_contain_text("12:00")
    expect(row).to_contain_text("Colour")
    expect(row).to_contain_text(re.compile(r"No-show risk \d+%"))
    expect(row).to_contain_text("no earlier booked appointments, booked 4 weeks ahead")
    expect(row.get_by_role("link", name="+49 30 1234567")).to_have_attribute("href", "tel:+49301234567")
    expect(row.get_by_role("button")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # it is moved by the booking system, and the page follows
    later = {"appointment_id": f"{customer}-1", "scheduled_for": (NOON + timedelta(days=3, hours=1)).isoformat()}
    stack.send_event(customer, "appointment.rescheduled", **later)
    expect(row).to_contain_text("13:00")
    row.get_by_role("link", name=name).click()
    page.wait_for_url(f"**/customers/{customer}")


def test_yesterdays_appointments_are_confirmed_by_keyboard(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = booked(stack, "Rea", NOON - timedelta(days=1))
    name = name_of(stack, customer)
    visit.sign_in(at="/appointments")
    unconfirmed = page.get_by_role("region", name="Did they come?")
    row = unconfirmed.locator("li.appointment").filter(has_text=name)
    came = row.get_by_role("button", name=f"Came: {name}")
    came.focus()
    page.keyboard.press("Enter")
    amount = row.get_by_role("textbox", name="Amount")
    expect(amount).to_be_focused()
    expect(amount).to_have_value("80.50")
    page.keyboard.press("Escape")
    expect(came).to_be_focused()
    page.keyboard.press("Enter")
    amount.fill("a lot")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Enter an amount such as 49.90")
    amount.fill("95,5")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"Visit of {name} recorded")).to_be_visible()
    expect(row).to_have_count(0)
    journey = get_journey(stack, customer)
    assert (journey["total_appointments"], journey["lifetime_value"]) == (2, 176)
    assert datetime.fromisoformat(journey["last_appointment_at"]) == NOON - timedelta(days=1)


def test_a_miss_asks_first(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = booked(stack, "Mia", NOON - timedelta(days=1))
    name = name_of(stack, customer)
    visit.sign_in(at="/appointments")
    row = row_of(page, name)
    row.get_by_role("button", name=f"Did not come: {name}").click()
    expect(row).to_contain_text(f"Record that {name} did not come?")
    row.get_by_role("button", name="Cancel", exact=True).click()
    expect(row.get_by_role("button", name=f"Came: {name}")).to_be_visible()
    row.get_by_role("button", name=f"Did not come: {name}").click()
    row.get_by_role("button", name="Yes, did not come").click()
    expect(page.get_by_text(f"Recorded: {name} did not come")).to_be_visible()
    (listed,) = appointments_of(stack, customer)
    assert listed["outcome"] == "missed"


def appointments_of(stack: Stack, customer: str) -> list[dict[str, Any]]:
    params = {"customer_id": customer, "from": (NOON - timedelta(days=3)).isoformat()}
    found: list[dict[str, Any]] = stack.request("GET", "/v1/portal/appointments", params=params)["appointments"]
    return found


@pytest.mark.parametrize("where", ["tasks", "customer"])
def test_the_task_is_answered_where_it_is_shown(visit: Visit, where: str) -> None:
    page, stack = visit.page, visit.stack
    customer = booked(stack, "Lou", datetime.now(UTC) - timedelta(hours=49))
    name = name_of(stack, customer)
    (task,) = wait_for(list_tasks, stack, customer)
    assert task["kind"] == "attendance"
    visit.sign_in(at="/action-centre" if where == "tasks" else f"/customers/{customer}")
    item = page.locator(".task").filter(has_text=name)
    while where == "tasks" and item.count() == 0:
        page.locator(".task").first.wait_for()
        page.get_by_role("button", name="Show more").first.click()
        page.wait_for_timeout(300)
    expect(item.get_by_role("button", name=re.compile("^Done"))).to_have_count(0)
    item.get_by_role("button", name=f"Came: {name}").click()
    expect(item.get_by_role("textbox", name="Amount")).to_have_value("80.50")
    item.get_by_role("button", name="Save visit").click()
    expect(page.get_by_text(f"Visit of {name} recorded")).to_be_visible()
    expect(item).to_have_count(0)
    (done,) = list_tasks(stack, customer, "done")
    assert done["id"] == task["id"]
    assert get_journey(stack, customer)["lifetime_value"] == 161


def test_without_bookings_the_page_says_how_they_get_here(visit: Visit) -> None:
    _, key = visit.stack.create_company("Without bookings")
    visit.sign_in(key, at="/appointments")
    expect(visit.page.get_by_text("Nothing is booked for today")).to_be_visible()
    expect(visit.page.get_by_text("Appointments appear here when your booking system reports them")).to_be_visible()
    expect(visit.page.get_by_text("The risk of a no-show appears once")).to_be_visible()
    expect(visit.page.get_by_role("heading", name="Did they come?")).to_have_count(0)


def test_viewers_see_no_buttons(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = booked(stack, "Eva", NOON - timedelta(days=1))
    name = name_of(stack, customer)
    visit.sign_in(stack.create_key("journeys:read"), at="/appointments")
    expect(row_of(page, name)).to_be_visible()
    expect(row_of(page, name).get_by_role("button")).to_have_count(0)
