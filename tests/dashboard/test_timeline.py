"""A customer's history and notes: filtered, read on as one scrolls; written, and kept from being overwritten."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.controls import until
from tests.support.people import happened, journey, somebody

CALLS = 120  # more than two pages of the timeline


@pytest.fixture(scope="module")
def talker(stack: Stack) -> str:
    """Somebody who has called very often."""
    customer = somebody(stack, "Tanja Talker")
    now = datetime.now(UTC)
    calls = [
        {"type": "call.received", "customer_id": customer, "duration_seconds": 90 + number}
        | {"occurred_at": (now - timedelta(hours=CALLS - number)).isoformat()}
        for number in range(CALLS)
    ]
    happened(stack, calls)
    return customer


def entries(page: Page) -> Locator:
    return page.get_by_role("region", name="Timeline").locator(".entry")


def whole(stack: Stack, customer: str, kind: str | None) -> int:
    """How many entries the gateway has."""
    search: dict[str, Any] = {"limit": 200, **({"kind": kind} if kind else {})}
    found = stack.ask("GET", f"/v1/portal/customers/{customer}/timeline", params=search)
    assert found["next_cursor"] is None
    return len(found["timeline"])


def test_the_timeline_goes_on_as_one_scrolls(visit: Visit, talker: str) -> None:
    page = visit.page
    visit.sign_in(at=f"/customers/{talker}")
    expect(entries(page)).to_have_count(50)
    for _ in range(2):  # at the end of a page the next one comes by itself
        seen = entries(page).count()
        entries(page).last.scroll_into_view_if_needed()
        until(lambda seen=seen: entries(page).count() > seen)  # type: ignore[misc]
    expect(entries(page)).to_have_count(whole(visit.stack, talker, None))
    expect(page.get_by_text("That is the whole story.")).to_be_visible()


def test_kinds_of_entries(visit: Visit, talker: str) -> None:
    page, stack = visit.page, visit.stack
    visit.sign_in(at=f"/customers/{talker}")
    kinds = page.get_by_role("radiogroup", name="Show")
    expect(entries(page)).to_have_count(50)
    for name, kind in {"Stages": "transition", "Actions": "action"}.items():
        kinds.get_by_text(name, exact=True).click()
        expect(entries(page)).to_have_count(whole(stack, talker, kind))
        expect(kinds.get_by_role("radio", name=name)).to_be_checked()
    kinds.get_by_text("Events", exact=True).click()
    expect(entries(page)).to_have_count(50)
    expect(entries(page).get_by_role("heading", name="Call", exact=True)).to_have_count(50)
    kinds.get_by_role("radio", name="Events").press("ArrowLeft")  # by keyboard, to what stands before
    expect(kinds.get_by_role("radio", name="Stages")).to_be_checked()
    expect(entries(page).first).to_contain_text("Prospect → Lead")
    kinds.get_by_text("Everything", exact=True).click()
    expect(entries(page)).to_have_count(50)


def test_more_of_the_timeline_by_a_button(visit: Visit, talker: str) -> None:
    """For whom nothing scrolls: with an observer that never tells."""
    page = visit.page
    page.add_init_script("window.IntersectionObserver = class { observe() {} unobserve() {} disconnect() {} }")
    visit.sign_in(at=f"/customers/{talker}")
    expect(entries(page)).to_have_count(50)
    page.get_by_role("region", name="Timeline").get_by_role("button", name="Show more").click()
    expect(entries(page)).to_have_count(100)


def test_a_customer_to_whom_nothing_of_a_kind_happened(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at=f"/customers/{somebody(visit.stack, 'Quiet Quentin')}")
    expect(entries(page).first).to_be_visible()
    page.get_by_role("radiogroup", name="Show").get_by_text("Actions", exact=True).click()
    expect(page.get_by_text("Nothing of this kind has happened")).to_be_visible()


def test_notes_are_added_edited_and_taken_away(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    customer = somebody(stack, "Nora Notes")
    visit.sign_in(at=f"/customers/{customer}")
    card = page.get_by_role("region", name="Notes")
    expect(card).to_contain_text("No notes")
    card.get_by_role("button", name="Add notes").click()
    field = card.get_by_role("textbox", name="Notes")
    expect(field).to_be_focused()
    text = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>\nsecond line"
    field.fill(text)
    card.get_by_role("button", name="Save notes").click()
    expect(page.get_by_text("The notes are saved.")).to_be_visible()
    expect(card.get_by_role("paragraph")).to_have_text(text)
    assert journey(stack, customer)["notes"] == text
    assert page.title() != "pwned"

    card.get_by_role("button", name="Edit notes").click()
    expect(field).to_have_value(text)
    field.fill("a slip")
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("paragraph")).to_have_text(text)
    assert journey(stack, customer)["notes"] == text

    card.get_by_role("button", name="Edit notes").click()
    field.fill("  ")
    card.get_by_role("button", name="Save notes").click()
    expect(card).to_contain_text("No notes")
    expect(card.get_by_role("button", name="Add notes")).to_be_visible()
    assert journey(stack, customer)["notes"] is None


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    visit.expected = "409"
    customer = somebody(stack, "Konrad Conflict")
    visit.sign_in(at=f"/customers/{customer}")
    card = page.get_by_role("region", name="Notes")
    card.get_by_role("button", name="Add notes").click()
    card.get_by_role("textbox").fill("mine")
    stack.ask("PUT", f"/v1/customers/{customer}/notes", json={"notes": "theirs", "previous": None})
    card.get_by_role("button", name="Save notes").click()
    expect(card).to_contain_text("Somebody else has changed the notes meanwhile.")
    expect(card.get_by_role("textbox")).to_have_value("mine")  # to be copied
    assert journey(stack, customer)["notes"] == "theirs"
    card.get_by_role("button", name="Cancel").click()
    expect(card.get_by_role("paragraph")).to_have_text("theirs")
    card.get_by_role("button", name="Edit notes").click()
    card.get_by_role("textbox").fill("theirs and mine")
    card.get_by_role("button", name="Save notes").click()
    expect(card.get_by_role("paragraph")).to_have_text(re.compile("^theirs and mine$"))
    assert journey(stack, customer)["notes"] == "theirs and mine"
