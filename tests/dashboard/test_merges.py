"""Merging customers in the browser: from a customer's page, and from the list of possible duplicates."""

from __future__ import annotations

import re
import uuid
from time import monotonic, sleep

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Stack, Visit
from tests.support.dashboard_controls import visible_dialog
from tests.support.dashboard_customers import create_profile, get_journey, new_prospect


def merge_in_dialog(page: Page) -> None:
    dialog = visible_dialog(page, "Merge two customers")
    expect(dialog).to_contain_text("What will happen")
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_role("button", name="Merge for good").click()
    expect(page.get_by_text("Customers merged").first).to_be_visible()


def pair_is_found(stack: Stack, *customers: str) -> bool:
    pairs = stack.request("GET", "/v1/portal/duplicates?limit=200")["duplicates"]
    return any({each["customer_id"] for each in pair["customers"]} == set(customers) for pair in pairs)


def wait_for_pair(stack: Stack, *customers: str) -> None:
    """Wait until a worker has compared the profiles, which it does every 15 seconds."""
    end = monotonic() + 60
    while not pair_is_found(stack, *customers):
        assert monotonic() < end, "the pair was not found"
        sleep(0.5)


def test_merge_from_a_customers_page(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    mark = uuid.uuid4().hex[:6]
    kept, merged = new_prospect(stack, f"Keeps {mark}"), new_prospect(stack, f"Leaves {mark}", phone="+49 30 1234567")
    stack.send_event(merged)
    visit.sign_in(at=f"/customers/{kept}")
    page.get_by_role("button", name="Merge with…").click()
    dialog = visible_dialog(page, "Merge two customers")
    search = dialog.get_by_role("combobox", name="The other customer")
    search.fill(f"Leaves {mark}")
    page.get_by_title(re.compile(f"^Leaves {mark}")).click()
    expect(dialog).to_contain_text("phone number")
    expect(dialog).to_contain_text(f"The ID {merged} will permanently lead to the customer who remains")
    dialog.get_by_role("radio", name=f"Leaves {mark} ({merged})").check()
    expect(dialog).to_contain_text(f"The ID {kept} will permanently lead to the customer who remains")
    dialog.get_by_role("radio", name=f"Keeps {mark} ({kept})").check()
    merge_in_dialog(page)
    expect(page.get_by_role("heading", name=f"Keeps {mark}", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Merged with another customer")
    assert get_journey(stack, kept)["total_appointments"] == 1

    visit.open(f"/customers/{merged}")
    expect(page).to_have_url(re.compile(f"/customers/{kept}$"))
    expect(page.get_by_role("heading", name=f"Keeps {mark}", level=1)).to_be_visible()


def test_merge_and_dismiss_possible_duplicates(visit: Visit) -> None:
    page, stack = visit.page, visit.stack
    names = [f"Twin {uuid.uuid4().hex[:6]}" for _ in range(2)]
    phones = {"phone": f"+49 30 {uuid.uuid4().int % 10**7:07}"}, {"phone": f"+49 40 {uuid.uuid4().int % 10**7:07}"}
    pairs = [
        (new_prospect(stack, name, **phone), create_profile(stack, name, phone))
        for name, phone in zip(names, phones, strict=True)
    ]
    for pair in pairs:
        wait_for_pair(stack, *pair)
    visit.sign_in(at="/customers")
    page.get_by_role("link", name="Possible duplicates").click()
    expect(page.get_by_role("heading", name="Possible duplicates", level=1)).to_be_visible()
    page.get_by_role("button", name=f"{names[0]} and {names[0]} are not the same person").click()
    expect(page.get_by_text(names[0])).to_have_count(0)
    page.get_by_role("button", name=f"Merge {names[1]} and {names[1]}").click()
    merge_in_dialog(page)
    expect(page).to_have_url(re.compile(f"/customers/({pairs[1][0]}|{pairs[1][1]})$"))
    assert not pair_is_found(stack, *pairs[1])


def test_who_may_only_read_sees_the_list_without_buttons(visit: Visit) -> None:
    page = visit.page
    visit.sign_in(at="/duplicates", key=visit.stack.create_key("journeys:read"))
    expect(page.get_by_role("heading", name="Possible duplicates", level=1)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Merge "))).to_have_count(0)


def test_an_alias_without_a_journey_leads_to_the_customer(visit: Visit) -> None:
    stack = visit.stack
    name = f"Only {uuid.uuid4().hex[:6]}"
    one, other = create_profile(stack, name, {}), create_profile(stack, name, {})
    stack.request("POST", f"/v1/customers/{other}/merge", json={"into": one})
    visit.sign_in(at="/duplicates")
    visit.open(f"/customers/{other}")
    expect(visit.page).to_have_url(re.compile(f"/customers/{one}$"))
