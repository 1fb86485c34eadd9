"""Customer list: search, filters, sorting and paging, compared with the API."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import NARROW, Stack, Visit
from tests.support.dashboard_controls import customer_ids_in, select_option, wait_for
from tests.support.dashboard_customers import new_prospect

PAGE = 50
SEARCH = "Search by name, phone, e-mail or ID"
SORT_COLUMNS = {
    "Customer": "name",
    "Stage": "stage_entered_at",
    "Inactive": "days_inactive",
    "Lifetime value": "lifetime_value",
    "Last appointment": "last_appointment_at",
    "Risk": "risk",
}


def first_page(stack: Stack, **search: Any) -> tuple[list[str], int]:
    """Return the ids on the API's first page, and the total."""
    response = stack.request("GET", "/v1/portal/relationships", params={"limit": PAGE, "count": True, **search})
    return [row["customer_id"] for row in response["relationships"]], response["total"]


def shows(page: Page, stack: Stack, **search: Any) -> bool:
    """Whether the page shows the same customers in the same order as the API, and the same total."""
    names, total = first_page(stack, **search)
    count = page.locator("main .result-count").text_content() or ""
    listed = customer_ids_in(page.locator("main"))
    return listed == names and count == f"{total:,} customer{'' if total == 1 else 's'}"


def open_list(visit: Visit, path: str = "/customers") -> Page:
    visit.sign_in(at=path)
    visit.page.locator("main .result-count").wait_for()
    return visit.page


def next_listing(page: Page, before: list[str]) -> list[str]:
    """Return the customers on the page if they differ from before."""
    listed = customer_ids_in(page.locator("main"))
    return listed if listed != before else []


def test_search_by_name_phone_id_and_e_mail(visit: Visit) -> None:
    family = "".join(chr(ord("a") + digit % 16) for digit in uuid.uuid4().bytes[:8])
    name = f"Nadjé {family}"
    phone = f"+49 176 {uuid.uuid4().int % 10**8:08}"
    address = f"{uuid.uuid4().hex[:8]}@example.net"
    customer = new_prospect(visit.stack, name, email=address, phone=phone)
    page = open_list(visit)
    typo = f"{family[0]}{family[2]}{family[1]}{family[3:]}" if family[1] != family[2] else f"{family}x"
    for text in (name.upper(), f"{family} nadje", f"nadje {typo}", phone.replace("+49 ", "0"), customer, address):
        page.get_by_role("textbox", name=SEARCH).fill(text)
        expect(page).to_have_url(f"{visit.stack.url}/customers?{urlencode({'find': text})}")
        expect(page.get_by_text("1 customer", exact=True)).to_be_visible()
        wait_for(lambda: customer_ids_in(page.locator("main")) == [customer])
    page.get_by_role("link", name=name).click()
    page.wait_for_url(f"**/customers/{customer}")
    page.go_back()  # returns to the same search
    expect(page.get_by_role("textbox", name=SEARCH)).to_have_value(address)
    wait_for(lambda: customer_ids_in(page.locator("main")) == [customer])
    page.get_by_role("search").get_by_role("button").click()  # clear the search
    expect(page).to_have_url(f"{visit.stack.url}/customers")
    wait_for(shows, page, visit.stack)


def test_filters_by_stage_and_risk(visit: Visit) -> None:
    page, stack = open_list(visit), visit.stack
    select_option(page, "Stage", "VIP Customer")
    wait_for(shows, page, stack, stage=["vip"])
    page.locator(".ant-select-dropdown:visible").get_by_title("Lead", exact=True).click()
    wait_for(shows, page, stack, stage=["vip", "lead"])
    page.locator(".ant-select-dropdown:visible").get_by_title("VIP Customer", exact=True).click()
    wait_for(shows, page, stack, stage=["lead"])
    page.keyboard.press("Escape")

    select_option(page, "Risk", "Medium (30% to 70%)")
    wait_for(shows, page, stack, stage=["lead"], min_risk=0.3, max_risk=0.7)
    assert parse_qs(urlsplit(page.url).query) == {"stage": ["lead"], "risk": ["medium"]}
    page.reload()
    wait_for(shows, page, stack, stage=["lead"], min_risk=0.3, max_risk=0.7)
    select_option(page, "Risk", "High (over 70%)")
    wait_for(shows, page, stack, stage=["lead"], min_risk=0.71)
    select_option(page, "Risk", "Low (under 30%)")
    wait_for(shows, page, stack, stage=["lead"], max_risk=0.29)
    select_option(page, "Risk", "All risk levels")
    wait_for(shows, page, stack, stage=["lead"])
    page.get_by_role("search").locator(".ant-select-selection-item-remove").click()
    wait_for(shows, page, stack)


def test_filters_without_matches_are_cleared(visit: Visit) -> None:
    page = open_list(visit, "/customers?find=no-such-name&risk=low&stage=vip")
    expect(page.get_by_text("No matching customers")).to_be_visible()
    page.get_by_role("button", name="Clear all filters").click()
    expect(page).to_have_url(re.compile(r"/customers$"))
    wait_for(shows, page, visit.stack)
    expect(page.get_by_role("textbox", name=SEARCH)).to_have_value("")


def test_sorting_by_column(visit: Visit) -> None:
    page, stack = open_list(visit), visit.stack
    for column, key in SORT_COLUMNS.items():
        header = page.get_by_role("columnheader", name=column, exact=True)
        header.click()
        expect(header).to_have_attribute("aria-sort", "descending")
        wait_for(shows, page, stack, sort=key)
    risk = page.get_by_role("columnheader", name="Risk")
    risk.click()
    expect(risk).to_have_attribute("aria-sort", "ascending")
    wait_for(shows, page, stack, sort="risk", order="asc")
    expect(page).to_have_url(re.compile(r"/customers\?order=asc$"))  # the order is in the URL


def test_paging_forward_and_back(visit: Visit) -> None:
    stack, search = visit.stack, {"stage": ["vip", "churned"], "sort": "name", "order": "asc"}
    page = open_list(visit, f"/customers?{urlencode(search, doseq=True)}")
    pages = page.get_by_role("navigation", name="Pages of customers")
    previous_page, next_page = pages.get_by_role("button", name="Previous"), pages.get_by_role("button", name="Next")
    expect(previous_page).to_be_disabled()
    listed = first = wait_for(customer_ids_in, page.locator("main"))
    ids = set(first)
    number = 1
    while next_page.is_enabled():
        next_page.click()
        listed = wait_for(next_listing, page, listed)
        ids |= set(listed)
        number += 1
        expect(pages).to_contain_text(f"Page {number} of ")
    _, total = first_page(stack, **search)
    assert number == -(-len(ids) // PAGE) > 2
    assert abs(len(ids) - total) <= 2  # the simulation may have moved some customers
    while previous_page.is_enabled():
        previous_page.click()
        listed = wait_for(next_listing, page, listed)
    wait_for(shows, page, stack, **search)


def test_an_empty_company_links_to_the_api_documentation(visit: Visit) -> None:
    page = visit.page
    _, key = visit.stack.create_company(f"Nobody {uuid.uuid4().hex[:6]}")
    visit.sign_in(key, at="/customers")
    expect(page.get_by_text("No customers yet")).to_be_visible()
    page.get_by_role("link", name="API documentation").click()
    page.wait_for_url("**/docs")
    expect(page.locator("body")).to_contain_text("/v1/events")


def test_cards_in_a_narrow_window(make_visit: Callable[..., Visit]) -> None:
    visit = make_visit(viewport=NARROW)
    page, stack = open_list(visit), visit.stack
    expect(page.get_by_role("list", name="Customers")).to_be_visible()
    for name, search in {
        "Name": {"sort": "name", "order": "asc"},
        "Longest inactive": {"sort": "days_inactive"},
        "Highest lifetime value": {"sort": "lifetime_value"},
        "Latest appointment": {"sort": "last_appointment_at"},
        "Latest stage change": {"sort": "stage_entered_at"},
        "Next deadline": {"sort": "next_deadline", "order": "asc"},
        "Highest risk": {"sort": "risk"},
    }.items():
        select_option(page, "Sort by", name)
        wait_for(shows, page, stack, **search)
    (top, *_), _ = first_page(stack)
    page.locator(f"a[href='/customers/{top}']").click()
    page.wait_for_url(f"**/customers/{top}")
