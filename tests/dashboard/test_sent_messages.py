"""The messages on a customer's page: read as they were sent, with the offer's code and its validity."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import visible_dialog, wait_for
from tests.support.dashboard_customers import finished_actions, new_customer_at_risk, new_prospect

SUBJECT = "Read me"
HOSTILE = (
    "<p>Hello {{ name }}</p><script>parent.document.title = 'broken'</script>"
    "<img src=x onerror=\"parent.document.title = 'broken'\"><form action='/v1/session'><button>Go</button></form>"
    '<p><a href="{{ unsubscribe_url }}" target="_top">Unsubscribe</a></p>'
)


def customer_with_offer(stack: Stack) -> str:
    """Create a customer who got an offer."""
    customer = new_customer_at_risk(stack, f"Ida {uuid.uuid4().hex[:6]}")
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "offer"})
    (offer,) = wait_for(finished_actions, stack, customer, "centre_offer")
    assert offer["status"] == "succeeded"
    return customer


def test_an_offer_is_shown_with_its_code_and_validity(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    customer = customer_with_offer(stack)
    (message,) = stack.request("GET", f"/v1/customers/{customer}/messages")["messages"]
    code = message["offer"]["code"]
    visit.sign_in(at=f"/customers/{customer}")
    panel = page.get_by_role("region", name="Messages")
    last_day = datetime.now(UTC) + timedelta(days=30)
    expect(panel).to_contain_text(re.compile(rf"{code}.*valid until {last_day.day} \w+ {last_day.year}"))
    panel.get_by_role("button", name=f"Copy {code}").click()
    expect(page.get_by_text(f"{code} copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code

    panel.get_by_role("button", name=re.compile("^Read: ")).press("Enter")
    dialog = visible_dialog(page, message["subject"])
    expect(dialog).to_contain_text(f"{customer}@example.com")
    expect(dialog).to_contain_text("Consent in the customer’s profile at the time")
    frame = dialog.frame_locator("iframe")
    expect(frame.locator("body")).to_contain_text(code)
    expect(frame.get_by_role("link", name="Unsubscribe")).to_have_attribute("href", re.compile(r"/u/••••••$"))
    dialog.get_by_text("Text only").click()
    expect(dialog.locator(".message-text")).to_contain_text(f"Unsubscribe: {stack.url}/u/••••••")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_message_cannot_act_on_the_page(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.expected_errors = "Blocked script execution|Content Security Policy|sandboxed"
    customer = new_prospect(stack, f"Eva {uuid.uuid4().hex[:6]}")
    template = {"subject": SUBJECT, "html": HOSTILE, "text": "Hello {{ name }} {{ unsubscribe_url }}"}
    stack.request("PUT", "/v1/templates/centre_email/en", json=template)
    try:
        stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "email"})
        wait_for(finished_actions, stack, customer, "centre_email")
    finally:
        stack.execute("delete from message_templates where name = 'centre_email'")
    visit.sign_in(at=f"/customers/{customer}")
    page.get_by_role("region", name="Messages").get_by_role("button", name=re.compile(f"^Read: {SUBJECT}")).click()
    frame = visible_dialog(page, SUBJECT).frame_locator("iframe")
    expect(frame.get_by_text("Hello Eva")).to_be_visible()
    address = page.url
    frame.get_by_role("link", name="Unsubscribe").click()
    frame.get_by_role("button", name="Go").click(timeout=2000, trial=True)
    page.wait_for_timeout(500)
    assert (page.url, page.title().startswith("Eva")) == (address, True)


@pytest.mark.parametrize("as_before", [True, False])
def test_customers_without_texts_or_messages(visit: Visit, as_before: bool) -> None:
    page, stack = visit.page, visit.stack
    if not as_before:
        customer = new_prospect(stack, f"Leo {uuid.uuid4().hex[:6]}")
        visit.sign_in(at=f"/customers/{customer}")
        expect(page.get_by_role("region", name="Messages")).to_contain_text("No messages yet")
        return
    customer = customer_with_offer(stack)
    stack.execute("delete from sent_messages where address = %s", f"{customer}@example.com")
    visit.sign_in(at=f"/customers/{customer}")
    page.get_by_role("region", name="Messages").get_by_role("button", name=re.compile("^Read: Offer")).click()
    expect(visible_dialog(page, "Offer")).to_contain_text("The text was not kept")
