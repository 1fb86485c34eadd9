"""Looking back at a journey, and asking what would happen."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.support.dashboard_controls import wait_for
from tests.support.dashboard_customers import get_journey, new_prospect, send_events


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_a_moment_of_the_past_is_explained_from_the_timeline_and_by_its_address(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.expected_errors = "404"  # of the time before the journey began
    customer = new_prospect(stack, "Lola Lookback")
    visit_of_then = {"type": "appointment.completed", "customer_id": customer, "amount": "1200.00"}
    send_events(stack, [{**visit_of_then, "id": f"{customer}-v", "occurred_at": days_ago(0.001)}])
    wait_for(lambda: get_journey(stack, customer)["current_stage"] == "vip")
    visit.sign_in(at=f"/customers/{customer}")
    entry = page.get_by_role("region", name="Timeline").locator(".entry").filter(has_text="→ VIP")
    entry.get_by_role("button", name=re.compile("^Explain this moment")).press("Enter")
    panel = page.get_by_role("region", name=re.compile("^As it was on"))
    expect(panel.get_by_text("VIP Customer").first).to_be_visible()
    expect(panel).to_contain_text("Lifetime value: €1,200.00 (required: at least €1,000.00)")
    expect(panel).to_contain_text("By version 1 of the rules")
    expect(panel.get_by_text("Today this moment looks different")).to_have_count(0)
    stack.request(
        "POST", f"/v1/customers/{customer}/retractions", json={"retracts": f"{customer}-v", "reason": "a mistake"}
    )
    page.reload()
    expect(panel.get_by_text("Today this moment looks different").first).to_be_visible()
    expect(panel.get_by_role("row", name=re.compile("^Lifetime value €1,200.00 €0.00"))).to_be_visible()
    expect(panel.get_by_text(re.compile("^Appointment completed of .* was retracted on"))).to_be_visible()
    moment = panel.get_by_label("Date and time")
    moment.fill("2020-01-01T10:00")  # before the first event: the form is not sent
    panel.get_by_role("button", name="Show", exact=True).click()
    assert moment.evaluate("input => input.validity.rangeUnderflow")
    visit.open(f"/customers/{customer}?as_of=2020-01-01T10:00:00Z")
    expect(page.get_by_text(re.compile("had no journey at .* it began on"))).to_be_visible()
    panel.get_by_role("button", name="Back to the present").click()
    expect(panel).to_have_count(0)
    assert "as_of" not in page.url


def test_what_would_happen_is_answered_and_nothing_changes(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = new_prospect(stack, "Wanda Whatif")
    visit.sign_in(at=f"/customers/{customer}")
    before = get_journey(stack, customer)
    page.get_by_role("button", name="What if…").click()
    dialog = page.get_by_role("dialog", name="What would happen?")
    expect(dialog.get_by_text(re.compile("^Lead → Customer on|^Prospect → Customer on"))).to_be_visible()
    dialog.get_by_role("radio", name="Does nothing for a year").check()
    expect(dialog.get_by_role("heading", name=re.compile("^Until"))).to_be_visible()
    dialog.get_by_role("radio", name="Something else").check()
    dialog.get_by_label("Amount").fill("1500,5x")
    expect(dialog.get_by_role("alert")).to_have_text("Enter a time, and an amount such as 200.00")
    dialog.get_by_label("Amount").fill("1500,5")
    expect(dialog.get_by_text(re.compile("Customer → VIP Customer on"))).to_be_visible()
    expect(dialog.get_by_text(re.compile("^Actions: "))).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    after = get_journey(stack, customer)
    assert {**after, "risk_score": None} == {**before, "risk_score": None}
