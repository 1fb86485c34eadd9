"""Journey view: outreach, manual stage changes, holds and score factors."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import httpx2
from playwright.sync_api import Locator, Page, expect

from contracts import names
from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import select_option, visible_dialog, wait_for
from tests.support.dashboard_customers import (
    create_profile,
    finished_actions,
    get_journey,
    list_actions,
    list_tasks,
    midday,
    new_prospect,
)


def open_journey(visit: Visit, customer: str) -> Page:
    visit.sign_in(at=f"/customers/{customer}")
    visit.page.get_by_role("button", name="Change stage").wait_for()
    return visit.page


def open_change_dialog(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button, exact=True).click()
    return visible_dialog(page, "Change stage or hold")


def test_call_e_mail_and_offer_are_requested(visit: Visit) -> None:
    stack, name = visit.stack, "Olga Outreach"
    customer = new_prospect(stack, name)
    page = open_journey(visit, customer)
    for button, action in {"Call": "centre_call", "E-mail": "centre_email", "Offer": "centre_offer"}.items():
        page.get_by_role("button", name=f"{button}: {name}").click()
        if button != "Call":
            page.get_by_role("button", name=f"Send {button.lower()}").click()
        (requested,) = wait_for(finished_actions, stack, customer, action)
        assert requested["status"] == "succeeded"
        title = {"Call": "Call task created", "E-mail": "E-mail requested", "Offer": "Offer requested"}[button]
        status = "Open" if button == "Call" else "Sent"
        expect(page.get_by_role("listitem").filter(has_text=title)).to_contain_text(status)
    (task,) = list_tasks(stack, customer)
    assert task["kind"] == "personal_call"
    expect(page.get_by_role("list", name="Open tasks")).to_contain_text(task["title"])
    stack.request("POST", f"/v1/portal/tasks/{task['id']}/done", json={})
    expect(page.get_by_role("listitem").filter(has_text="Call task created")).to_contain_text("Done")


def test_an_e_mail_waits_for_the_address(visit: Visit) -> None:
    """Without an address the e-mail waits, says so, and is sent as soon as the profile has one."""
    stack, name = visit.stack, "Wanda Waits"
    customer = new_prospect(stack, name, email=None)
    page = open_journey(visit, customer)
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "email"})
    entry = page.get_by_role("listitem").filter(has_text="E-mail requested")
    expect(entry).to_contain_text("Waiting")
    expect(entry).to_contain_text("for the customer's profile; gives up in 23 hours")
    expect(entry).to_contain_text("no e-mail address")
    expect(entry.get_by_role("button")).to_have_count(0)

    profile = {"name": name, "email": "wanda@example.com", "consent": {"email": True}}
    stack.request("PUT", f"/v1/customers/{customer}", json={**profile, "time_zone": midday()})
    expect(entry).to_contain_text("Sent")
    expect(entry).not_to_contain_text("no e-mail address")
    (sent,) = list_actions(stack, customer, "centre_email")
    assert (sent["status"], sent["attempts"]) == ("succeeded", 1)
    assert sent["detail"]["receipt"] == "saved in the outbox folder"


def test_a_skipped_e_mail_is_retried(visit: Visit) -> None:
    """After a "no" the e-mail is skipped, also on a retry; a "yes" on the same day sends it."""
    stack, name = visit.stack, "Rita Retry"
    profile = {"name": name, "email": "rita@example.com", "time_zone": midday()}
    customer = new_prospect(stack, name, consent={"email": False})
    page = open_journey(visit, customer)
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "email"})
    entry = page.get_by_role("listitem").filter(has_text="E-mail requested")
    expect(entry).to_contain_text("Skipped")
    expect(entry).to_contain_text("no consent to e-mail")
    (skipped,) = list_actions(stack, customer, "centre_email")
    assert skipped["status"] == "suppressed"

    entry.get_by_role("button", name="Try again: E-mail requested").click()
    expect(page.get_by_text("Trying again")).to_be_visible()
    wait_for(lambda: len(list_actions(stack, customer, "centre_email")[0]["latest_attempts"]) == 2)
    expect(entry).to_contain_text("Skipped")  # nothing has changed

    stack.request("PUT", f"/v1/customers/{customer}", json={**profile, "consent": {"email": True}})
    expect(entry).to_contain_text("Sent")
    expect(entry.get_by_role("button")).to_have_count(0)
    (sent,) = list_actions(stack, customer, "centre_email")
    receipt = sent["detail"]["receipt"]
    assert (sent["id"], sent["status"], receipt) == (skipped["id"], "succeeded", "saved in the outbox folder")


def test_the_stage_is_changed_manually(visit: Visit) -> None:
    stack = visit.stack
    customer = new_prospect(stack, "Stella Stage")
    page = open_journey(visit, customer)
    form = open_change_dialog(page, "Change stage")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Choose a different stage, or a hold")
    expect(form).to_contain_text("Enter a reason of up to 1000 characters")
    select_option(form, "Stage", "VIP Customer")
    expect(form.get_by_text("Choose a different stage, or a hold")).to_have_count(0)
    form.get_by_label("Reason").fill("   ")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Enter a reason of up to 1000 characters")
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()
    form = open_change_dialog(page, "Change stage")
    expect(form.get_by_label("Reason")).to_have_value("")  # cancelled input is discarded
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    form = open_change_dialog(page, "Change stage")
    form.get_by_role("button", name="Close").click()
    expect(form).to_be_hidden()
    assert get_journey(stack, customer)["current_stage"] == "prospect"

    form = open_change_dialog(page, "Change stage")
    select_option(form, "Stage", "VIP Customer")
    form.get_by_label("Reason").fill("Knows everybody")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    expect(page.get_by_text("Change saved")).to_be_visible()
    expect(page.get_by_role("heading", name="Prospect → VIP Customer")).to_be_visible()
    expect(page.get_by_text("Knows everybody")).to_be_visible()
    moved = get_journey(stack, customer)
    assert (moved["current_stage"], moved["held"]) == ("vip", False)
    assert last_note(stack, customer) == ("manual", "Knows everybody")


def last_note(stack: Stack, customer: str) -> tuple[str, str]:
    response = stack.request("GET", f"/v1/portal/customers/{customer}/timeline", params={"kind": "transition"})
    latest = response["timeline"][0]
    return latest["trigger_type"], latest["notes"]


def test_a_journey_is_held_and_released(visit: Visit) -> None:
    stack = visit.stack
    customer = new_prospect(stack, "Hanna Hold")
    page = open_journey(visit, customer)
    form = open_change_dialog(page, "Hold")
    expect(form.get_by_role("radio", name="Hold until released")).to_be_checked()
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Enter a reason")
    form.get_by_label("Reason").fill("On holiday")
    form.get_by_label("Reason").press("Tab")
    form.get_by_role("button", name="Save").press("Enter")
    expect(form).to_be_hidden()
    expect(page.get_by_text("Held in this stage until the hold is released.")).to_be_visible()
    held = get_journey(stack, customer)
    assert (held["held"], held["hold_until"], held["current_stage"]) == (True, None, "prospect")

    release = page.get_by_role("button", name="Release hold").first
    release.click()
    confirmation = visible_dialog(page, "Release the hold?")
    confirmation.get_by_role("button", name="Cancel").click()
    expect(confirmation).to_be_hidden()
    assert get_journey(stack, customer)["held"]
    release.click()
    confirmation.get_by_role("button", name="Release hold").click()
    expect(page.get_by_role("button", name="Hold", exact=True)).to_be_visible()
    assert not get_journey(stack, customer)["held"]


def test_a_journey_is_held_until_a_date(visit: Visit) -> None:
    stack = visit.stack
    customer = new_prospect(stack, "Dora Date")
    page = open_journey(visit, customer)
    form = open_change_dialog(page, "Hold")
    form.get_by_role("radio", name="Hold until a date").check()
    form.get_by_label("Reason").fill("Back in a week")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Choose a time in the future")
    now = datetime.fromisoformat(page.evaluate("new Date().toISOString()"))
    until_field = form.get_by_label("Hold until", exact=True)
    until_field.fill(f"{now - timedelta(days=2):%Y-%m-%dT%H:%M}")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Choose a time in the future")
    ends = (now + timedelta(days=7)).replace(second=0, microsecond=0)
    until_field.fill(f"{ends:%Y-%m-%dT%H:%M}")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    expect(page.get_by_text(re.compile("Held until"))).to_be_visible()
    journey = get_journey(stack, customer)
    assert (journey["held"], datetime.fromisoformat(journey["hold_until"])) == (True, ends)


def test_scores_are_explained(visit: Visit) -> None:
    stack = visit.stack
    customer = "salon-0001"
    page = open_journey(visit, customer)
    risk = page.get_by_role("button", name="Why? Risk")
    engagement = page.get_by_role("button", name="Why? Engagement")
    expect(risk).to_have_attribute("aria-expanded", "false")
    for button, score in ((risk, "risk"), (engagement, "engagement")):
        button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        factors = page.get_by_role("table", name=f"{score.capitalize()} factors")
        reason = factors.get_by_role("row").get_by_role("cell").nth(0)
        expect(reason).to_be_visible()
        api_factors = stack.request("GET", f"/v1/customers/{customer}/explain")["scores"][score]["factors"]
        expect(factors.locator("tbody tr td:nth-of-type(1)")).to_have_text([one["because"] for one in api_factors])
    expect(risk).to_have_attribute("aria-expanded", "false")  # one at a time
    engagement.press("Enter")
    expect(page.get_by_role("table")).to_have_count(0)


def test_a_customer_without_a_journey_is_found_and_has_a_page(visit: Visit) -> None:
    stack = visit.stack
    customer = create_profile(stack, "Nora Newcomer", {"phone": "(030) 123456 ext. 5"})
    visit.sign_in(at="/customers?find=nora+newc")
    page = visit.page
    expect(page.get_by_text("1 customer", exact=True)).to_be_visible()
    expect(page.get_by_text("No visits yet")).to_be_visible()
    page.get_by_role("link", name="Nora Newcomer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nora Newcomer")
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
    expect(page.get_by_role("link", name="(030) 123456 ext. 5")).to_have_attribute("href", "tel:030123456")
    address = f"{customer}@example.com"
    expect(page.get_by_role("link", name=address)).to_have_attribute("href", f"mailto:{address}")
    stack.send_event(customer, "call.received", duration_seconds=20)  # the page follows, without a reload
    expect(page.get_by_text("Prospect").first).to_be_visible()
    expect(page.get_by_text("Nothing has happened yet")).to_have_count(0)


def test_links_from_a_journey(visit: Visit) -> None:
    """Links to Temporal, telephone and e-mail; back to all customers from an unknown id."""
    stack = visit.stack
    customer = new_prospect(stack, "Tove Temporal", phone="+49 (30) 123-4567")
    page = open_journey(visit, customer)
    link = page.get_by_role("link", name="Open in Temporal")
    address = link.get_attribute("href") or ""
    workflow = unquote(urlsplit(address).path.partition("/namespaces/default/workflows/")[2])
    assert workflow == names.journey_id(1, customer)
    assert httpx2.get(address).status_code == 200
    expect(link).to_have_attribute("target", "_blank")
    expect(page.get_by_role("link", name="+49 (30) 123-4567")).to_have_attribute("href", "tel:+49301234567")
    address = f"{customer}@example.com"
    expect(page.get_by_role("link", name=address)).to_have_attribute("href", f"mailto:{address}")

    visit.expected_errors = "404"
    visit.open("/customers/nobody-at-all")
    expect(page.get_by_role("heading", level=1)).to_have_text("Customer not found")
    page.get_by_role("link", name="All customers").click()
    page.wait_for_url("**/customers")
