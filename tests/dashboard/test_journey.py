"""One customer's journey: what can be asked for, another stage, a hold, the reasons of the scores."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import httpx2
from playwright.sync_api import Locator, Page, expect

from contracts import names
from tests.dashboard.conftest import Stack, Visit
from tests.support.controls import choose, dialog, until
from tests.support.people import actions, journey, midday, settled, somebody, tasks


def opened(visit: Visit, customer: str) -> Page:
    visit.sign_in(at=f"/customers/{customer}")
    visit.page.get_by_role("button", name="Change stage").wait_for()
    return visit.page


def change(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button, exact=True).click()
    return dialog(page, "Change stage or hold")


def test_a_call_an_email_and_an_offer_are_asked_for(visit: Visit) -> None:
    stack, name = visit.stack, "Olga Outreach"
    customer = somebody(stack, name)
    page = opened(visit, customer)
    for button, action in {"Call": "centre_call", "E-mail": "centre_email", "Offer": "centre_offer"}.items():
        page.get_by_role("button", name=f"{button}: {name}").click()
        (asked,) = until(settled, stack, customer, action)
        assert asked["status"] == "succeeded"
        title = {"Call": "Call asked for", "E-mail": "E-mail asked for", "Offer": "Offer asked for"}[button]
        expect(page.get_by_role("listitem").filter(has_text=title)).to_contain_text("Done")
    (made,) = tasks(stack, customer)
    assert made["kind"] == "personal_call"
    expect(page.get_by_role("list", name="Open tasks")).to_contain_text(made["title"])


def test_what_was_held_back_is_tried_again(visit: Visit) -> None:
    """Nobody without an address can be written to; once it is known, the same message goes."""
    stack, name = visit.stack, "Rita Retry"
    customer = somebody(stack, name, email=None)
    page = opened(visit, customer)
    page.get_by_role("button", name=f"E-mail: {name}").click()
    entry = page.get_by_role("listitem").filter(has_text="E-mail asked for")
    expect(entry).to_contain_text("Held back")
    expect(entry).to_contain_text("no e-mail address")
    (refused,) = actions(stack, customer, "centre_email")
    assert refused["status"] == "suppressed"

    entry.get_by_role("button", name="Try again: E-mail asked for").click()
    expect(page.get_by_text("It is being tried again.")).to_be_visible()
    until(lambda: len(actions(stack, customer, "centre_email")[0]["latest_attempts"]) == 2)
    expect(entry).to_contain_text("Held back")  # nothing has changed

    known = {"name": name, "email": "rita@example.com", "consent": {"email": True}}
    stack.ask("PUT", f"/v1/customers/{customer}", json={**known, "time_zone": midday()})
    entry.get_by_role("button", name="Try again: E-mail asked for").click()
    expect(entry).to_contain_text("Done")
    expect(entry.get_by_role("button")).to_have_count(0)
    (sent,) = actions(stack, customer, "centre_email")
    assert (sent["id"], sent["status"], sent["detail"]["receipt"]) == (refused["id"], "succeeded", "kept in the outbox")


def test_the_stage_is_changed_by_hand(visit: Visit) -> None:
    stack = visit.stack
    customer = somebody(stack, "Stella Stage")
    page = opened(visit, customer)
    form = change(page, "Change stage")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Choose another stage, or a hold")
    expect(form).to_contain_text("Say why, in 1 to 1000 characters")
    choose(form, "Stage", "VIP Customer")
    expect(form.get_by_text("Choose another stage, or a hold")).to_have_count(0)
    form.get_by_label("Reason").fill("   ")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Say why, in 1 to 1000 characters")
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()
    form = change(page, "Change stage")
    expect(form.get_by_label("Reason")).to_have_value("")  # what was given up is forgotten
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    form = change(page, "Change stage")
    form.get_by_role("button", name="Close").click()
    expect(form).to_be_hidden()
    assert journey(stack, customer)["current_stage"] == "prospect"

    form = change(page, "Change stage")
    choose(form, "Stage", "VIP Customer")
    form.get_by_label("Reason").fill("Knows everybody")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    expect(page.get_by_text("The change is saved.")).to_be_visible()
    expect(page.get_by_role("heading", name="Prospect → VIP Customer")).to_be_visible()
    expect(page.get_by_text("Knows everybody")).to_be_visible()
    moved = journey(stack, customer)
    assert (moved["current_stage"], moved["held"]) == ("vip", False)
    assert last_note(stack, customer) == ("manual", "Knows everybody")


def last_note(stack: Stack, customer: str) -> tuple[str, str]:
    found = stack.ask("GET", f"/v1/portal/customers/{customer}/timeline", params={"kind": "transition"})
    latest = found["timeline"][0]
    return latest["trigger_type"], latest["notes"]


def test_a_journey_is_held_and_released(visit: Visit) -> None:
    stack = visit.stack
    customer = somebody(stack, "Hanna Hold")
    page = opened(visit, customer)
    form = change(page, "Hold")
    expect(form.get_by_role("radio", name="Hold until somebody releases it")).to_be_checked()
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Say why")
    form.get_by_label("Reason").fill("On holiday")
    form.get_by_label("Reason").press("Tab")
    form.get_by_role("button", name="Save").press("Enter")
    expect(form).to_be_hidden()
    expect(page.get_by_text("Held in this stage until somebody releases it.")).to_be_visible()
    held = journey(stack, customer)
    assert (held["held"], held["hold_until"], held["current_stage"]) == (True, None, "prospect")

    release = page.get_by_role("button", name="Release hold").first
    release.click()
    asked = dialog(page, "Release the hold?")
    asked.get_by_role("button", name="Cancel").click()
    expect(asked).to_be_hidden()
    assert journey(stack, customer)["held"]
    release.click()
    asked.get_by_role("button", name="Release hold").click()
    expect(page.get_by_role("button", name="Hold", exact=True)).to_be_visible()
    assert not journey(stack, customer)["held"]


def test_a_journey_is_held_until_a_date(visit: Visit) -> None:
    stack = visit.stack
    customer = somebody(stack, "Dora Date")
    page = opened(visit, customer)
    form = change(page, "Hold")
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
    found = journey(stack, customer)
    assert (found["held"], datetime.fromisoformat(found["hold_until"])) == (True, ends)


def test_scores_say_why(visit: Visit) -> None:
    stack = visit.stack
    customer = "salon-0001"
    page = opened(visit, customer)
    risk = page.get_by_role("button", name="Why? Risk")
    engagement = page.get_by_role("button", name="Why? Engagement")
    expect(risk).to_have_attribute("aria-expanded", "false")
    for button, score in ((risk, "risk"), (engagement, "engagement")):
        button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        factors = page.get_by_role("table", name=f"Factors of {score.capitalize()}")
        because = factors.get_by_role("row").get_by_role("cell").nth(0)
        expect(because).to_be_visible()
        explained = stack.ask("GET", f"/v1/customers/{customer}/explain")["scores"][score]["factors"]
        expect(factors.locator("tbody tr td:nth-of-type(1)")).to_have_text([one["because"] for one in explained])
    expect(risk).to_have_attribute("aria-expanded", "false")  # one at a time
    engagement.press("Enter")
    expect(page.get_by_role("table")).to_have_count(0)


def test_ways_out_of_a_journey(visit: Visit) -> None:
    """To the history in Temporal, to the telephone and the mail, and to all customers from nobody's journey."""
    stack = visit.stack
    customer = somebody(stack, "Tove Temporal", phone="+49 (30) 123-4567")
    page = opened(visit, customer)
    link = page.get_by_role("link", name="Open in Temporal")
    address = link.get_attribute("href") or ""
    workflow = unquote(urlsplit(address).path.partition("/namespaces/default/workflows/")[2])
    assert workflow == names.journey_id(1, customer)
    assert httpx2.get(address).status_code == 200
    expect(link).to_have_attribute("target", "_blank")
    expect(page.get_by_role("link", name="+49 (30) 123-4567")).to_have_attribute("href", "tel:+49301234567")
    address = f"{customer}@example.com"
    expect(page.get_by_role("link", name=address)).to_have_attribute("href", f"mailto:{address}")

    visit.expected = "404"
    visit.open("/customers/nobody-at-all")
    expect(page.get_by_role("heading", level=1)).to_have_text("No such customer")
    page.get_by_role("link", name="All customers").click()
    page.wait_for_url("**/customers")
