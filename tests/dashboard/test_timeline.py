"""Timeline (filters, infinite scrolling) and notes (editing, conflicts)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import wait_for
from tests.support.dashboard_customers import finished_actions, get_journey, new_prospect, send_events

CALLS = 120  # more than two pages of the timeline


@pytest.fixture(scope="module")
def frequent_caller(stack: Stack) -> str:
    """A customer with many calls."""
    customer = new_prospect(stack, "Tanja Caller")
    now = datetime.now(UTC)
    calls = [
        {"type": "call.received", "customer_id": customer, "duration_seconds": 90 + number}
        | {"occurred_at": (now - timedelta(hours=CALLS - number)).isoformat()}
        for number in range(CALLS)
    ]
    send_events(stack, calls)
    return customer


def entries(page: Page) -> Locator:
    return page.get_by_role("region", name="Timeline").locator(".entry")


def entry_count(stack: Stack, customer: str, kind: str | None) -> int:
    """Return the number of entries in the API."""
    search: dict[str, Any] = {"limit": 200, **({"kind": kind} if kind else {})}
    response = stack.request("GET", f"/v1/portal/customers/{customer}/timeline", params=search)
    assert response["next_cursor"] is None
    return len(response["timeline"])


def test_infinite_scrolling(visit: Visit, frequent_caller: str) -> None:
    page = visit.page
    visit.sign_in(at=f"/customers/{frequent_caller}")
    expect(entries(page)).to_have_count(50)
    for _ in range(2):  # the next page loads at the end of each page
        count = entries(page).count()
        entries(page).last.scroll_into_view_if_needed()
        wait_for(lambda count=count: entries(page).count() > count)  # type: ignore[misc]
    expect(entries(page)).to_have_count(entry_count(visit.stack, frequent_caller, None))
    expect(page.get_by_text("Start of the timeline")).to_be_visible()


def test_filter_by_kind(visit: Visit, frequent_caller: str) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at=f"/customers/{frequent_caller}")
    kinds = page.get_by_role("radiogroup", name="Show")
    expect(entries(page)).to_have_count(50)
    for name, kind in {"Stages": "transition", "Actions": "action"}.items():
        kinds.get_by_text(name, exact=True).click()
        expect(entries(page)).to_have_count(entry_count(stack, frequent_caller, kind))
        expect(kinds.get_by_role("radio", name=name)).to_be_checked()
    kinds.get_by_text("Events", exact=True).click()
    expect(entries(page)).to_have_count(50)
    expect(entries(page).get_by_role("heading", name="Call", exact=True)).to_have_count(50)
    kinds.get_by_role("radio", name="Events").press("ArrowLeft")  # by keyboard, to the previous option
    expect(kinds.get_by_role("radio", name="Stages")).to_be_checked()
    expect(entries(page).first).to_contain_text("Prospect → Lead")
    kinds.get_by_text("All", exact=True).click()
    expect(entries(page)).to_have_count(50)


def test_the_next_page_loads_by_a_button(visit: Visit, frequent_caller: str) -> None:
    """Without scrolling: the intersection observer never fires."""
    page = visit.page
    page.add_init_script("window.IntersectionObserver = class { observe() {} unobserve() {} disconnect() {} }")
    visit.sign_in(at=f"/customers/{frequent_caller}")
    expect(entries(page)).to_have_count(50)
    page.get_by_role("region", name="Timeline").get_by_role("button", name="Show more").click()
    expect(entries(page)).to_have_count(100)


def test_no_entries_of_a_kind(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at=f"/customers/{new_prospect(visit.stack, 'Quiet Quentin')}")
    expect(entries(page).first).to_be_visible()
    page.get_by_role("radiogroup", name="Show").get_by_text("Actions", exact=True).click()
    expect(page.get_by_text("No entries of this kind")).to_be_visible()


def test_a_failing_action_says_so_in_words_and_colour(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = new_prospect(stack, "Fay Failing")
    stack.request("POST", f"/v1/customers/{customer}/actions", json={"type": "email"})
    wait_for(finished_actions, stack, customer, "centre_email")
    stack.execute(
        "update journey_actions set status = 'pending', attempts = 2, last_error = 'the mail server is busy',"
        " done_at = null, due_at = now() + interval '20 minutes' where action like 'centre_email%%' and relationship_id"
        " = (select r.id from customer_relationships r join customers c on c.id = r.customer_id"
        " and c.company_id = r.company_id where c.external_id = %s)",
        customer,
    )
    visit.sign_in(at=f"/customers/{customer}")
    entry = entries(page).filter(has_text="E-mail requested")
    expect(entry.get_by_text("Not delivered yet")).to_have_class(re.compile("error"))
    expect(entry.get_by_text(re.compile(r"^next try at \d\d:\d\d$"))).to_be_visible()
    expect(entry.get_by_text("the mail server is busy")).to_have_class("error-text")


def test_notes_are_added_edited_and_removed(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = new_prospect(stack, "Nora Notes")
    visit.sign_in(at=f"/customers/{customer}")
    card = page.get_by_role("region", name="Notes")
    expect(card).to_contain_text("No notes")
    card.get_by_role("button", name="Add notes").click()
    field = card.get_by_role("textbox", name="Notes")
    expect(field).to_be_focused()
    text = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>\nsecond line"
    field.fill(text)
    card.get_by_role("button", name="Save notes").click()
    expect(page.get_by_text("Notes saved")).to_be_visible()
    expect(card.get_by_role("paragraph")).to_have_text(text)
    assert get_journey(stack, customer)["notes"] == text
    assert page.title() != "pwned"

    card.get_by_role("button", name="Edit notes").click()
    expect(field).to_have_value(text)
    field.fill("discarded")
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("paragraph")).to_have_text(text)
    assert get_journey(stack, customer)["notes"] == text

    card.get_by_role("button", name="Edit notes").click()
    field.fill("  ")
    card.get_by_role("button", name="Save notes").click()
    expect(card).to_contain_text("No notes")
    expect(card.get_by_role("button", name="Add notes")).to_be_visible()
    assert get_journey(stack, customer)["notes"] is None


def test_concurrent_changes_of_notes_are_not_overwritten(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.expected_errors = "409"
    customer = new_prospect(stack, "Konrad Conflict")
    visit.sign_in(at=f"/customers/{customer}")
    card = page.get_by_role("region", name="Notes")
    card.get_by_role("button", name="Add notes").click()
    card.get_by_role("textbox").fill("mine")
    stack.request("PUT", f"/v1/customers/{customer}/notes", json={"notes": "theirs", "previous": None})
    card.get_by_role("button", name="Save notes").click()
    expect(card).to_contain_text("Someone else changed these notes")
    expect(card.get_by_role("textbox")).to_have_value("mine")  # so that it can be copied
    assert get_journey(stack, customer)["notes"] == "theirs"
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("paragraph")).to_have_text("theirs")
    card.get_by_role("button", name="Edit notes").click()
    card.get_by_role("textbox").fill("theirs and mine")
    card.get_by_role("button", name="Save notes").click()
    expect(card.get_by_role("paragraph")).to_have_text(re.compile("^theirs and mine$"))
    assert get_journey(stack, customer)["notes"] == "theirs and mine"


def test_an_event_is_retracted_after_its_effect_was_shown(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = new_prospect(stack, "Rita Retracted")
    stack.send_event(customer, "appointment.completed", amount="1500.00")
    visit.sign_in(at=f"/customers/{customer}")
    entry = entries(page).filter(has=page.get_by_role("heading", name="Appointment completed", exact=True))
    entry.get_by_role("button", name=re.compile("^Retract: Appointment completed")).click()
    dialog = page.get_by_role("dialog", name="Retract this event?")
    expect(dialog.get_by_role("row", name=re.compile("^Stage VIP.* Prospect$"))).to_be_visible()
    expect(dialog.get_by_role("row", name=re.compile("^Completed appointments 1 0"))).to_be_visible()
    expect(dialog.get_by_role("row", name=re.compile("^Missed appointments"))).to_have_count(0)
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert get_journey(stack, customer)["current_stage"] == "vip"

    entry.get_by_role("button", name=re.compile("^Retract")).press("Enter")
    dialog.get_by_role("textbox", name="Reason").fill("typed a 0 too much")
    dialog.get_by_role("button", name="Retract", exact=True).click()
    expect(page.get_by_text("Event retracted").first).to_be_visible()
    expect(entry.get_by_role("deletion")).to_have_text("Appointment completed")
    expect(entry.get_by_text(re.compile(r"^Retracted .* by "))).to_be_visible()
    expect(entry.get_by_text("Reason: typed a 0 too much")).to_be_visible()
    expect(entry.get_by_role("button")).to_have_count(0)
    expect(entries(page).filter(has_text="VIP Customer → Prospect")).to_contain_text("Event retracted")
    retraction = entries(page).filter(has=page.get_by_role("heading", name="Retraction", exact=True))
    expect(retraction).to_contain_text("typed a 0 too much")
    expect(retraction.get_by_role("button")).to_have_count(0)
    assert get_journey(stack, customer)["total_appointments"] == 0


def test_keys_that_may_not_retract_see_no_button(visit: Visit) -> None:
    customer = new_prospect(visit.stack, "Ria Readonly")
    visit.sign_in(key=visit.stack.create_key("journeys:read", "journeys:write"), at=f"/customers/{customer}")
    expect(entries(visit.page).first).to_be_visible()
    expect(entries(visit.page).get_by_role("button", name=re.compile("^Retract"))).to_have_count(0)
